"""What `docker-compose.yml` alone reads. Compose reads it itself; here it is only declared."""

from deploy.settings import StackSettings
from service.settings.declaration import Group, setting
from service.settings.kinds import text, whole


class ComposeSettings(StackSettings):
    """Every variable of Compose that no replica reads; those are passed on."""

    grafana_port = setting(
        "GRAFANA_PORT",
        3000,
        whole(0, 65_535),
        "The port of Grafana on this machine, with the profile `monitoring`; 0 for any that is free.",
        group=Group.COMPOSE,
    )
    kibana_port = setting(
        "KIBANA_PORT",
        5601,
        whole(0, 65_535),
        "The port of Kibana on this machine, with the profile `elk`; 0 for any that is free.",
        group=Group.COMPOSE,
    )
    prometheus_retention = setting(
        "PROMETHEUS_RETENTION",
        "15d",
        text,
        "How long Prometheus keeps its numbers; never more than 4 GB.",
        group=Group.COMPOSE,
    )
    alertmanager_config = setting(
        "ALERTMANAGER_CONFIG",
        "./monitoring/alertmanager/alertmanager.yml",
        text,
        "The file that tells Alertmanager whom to tell.",
        group=Group.COMPOSE,
    )
    nginx_cpus = setting(
        "NGINX_CPUS",
        1,
        whole(1, 64),
        "Cores that Nginx may use, and so how many worker processes it has.",
        group=Group.COMPOSE,
    )
    service_cpus = setting("SERVICE_CPUS", "1", text, "Cores that one replica may use.", group=Group.COMPOSE)
    service_memory = setting("SERVICE_MEMORY", "2G", text, "Memory that one replica may use.", group=Group.COMPOSE)
    millrace_version = setting(
        "MILLRACE_VERSION", None, text, "The tag of the image; by default this release.", group=Group.COMPOSE
    )
