"""The replicas' processes, their share of the work, and Nginx before them."""

from monitoring.grafana.colours import ALL_ERRORS, BY_QUANTILE, BY_STATUS, ORANGE, Look
from monitoring.grafana.frame import dashboard
from monitoring.grafana.panels import Section, lines, states
from monitoring.grafana.queries import Json, Query, rate
from monitoring.grafana.tables import Column, Labels, table
from monitoring.grafana.variables import OF_REPLICA, REPLICA

_WORKER = "{{instance}} {{worker}}"
_FILES = 'component="host", fstype!~"tmpfs|ramfs|overlay|squashfs|iso9660|fuse.*"'

_REPLICAS = Section(
    "Replicas",
    (
        states(
            "Replicas up",
            "Whether each replica's management port answers.",
            Query(f'up{{component="replica", {OF_REPLICA}}}', "{{instance}}"),
            {0: ("down", "red"), 1: ("up", "green")},
            height=6,
            runbook="MillraceReplicaDown",
        ),
        table(
            "Release",
            "What each replica runs.",
            Labels(
                (
                    ("replica", "Replica"),
                    ("instance", "Address"),
                    ("release", "Millrace"),
                    ("python", "Python"),
                    ("scikit_learn", "scikit-learn"),
                )
            ),
            Column(
                "Runs",
                f"max by (replica, instance, release, python, scikit_learn) (millrace_build_info{{{OF_REPLICA}}})",
            ),
            height=6,
            values=False,
        ),
        lines(
            "Requests by replica",
            "Requests a second; lines should lie on one another.",
            "reqps",
            Query(rate("flask_http_request_total", "instance", OF_REPLICA), "{{instance}}"),
            runbook="MillraceReplicaDown",
        ),
        lines(
            "Workers",
            "Live workers of each replica.",
            "none",
            Query(f"sum by (instance) (millrace_workers{{{OF_REPLICA}}})", "{{instance}}"),
        ),
        lines(
            "Workers that ended",
            "Workers that ended, for whatever reason.",
            "none",
            Query(
                f"sum by (instance) (increase(millrace_worker_exits_total{{{OF_REPLICA}}}[$__rate_interval]))",
                "{{instance}}",
            ),
            runbook="MillraceWorkersKeepDying",
            looks=ALL_ERRORS,
        ),
    ),
)

_PROCESSES = Section(
    "Processes",
    (
        lines(
            "Processor",
            "CPU seconds a second of each process: 1 is a whole core.",
            "none",
            Query(rate("millrace_worker_cpu_seconds_total", "instance, worker", OF_REPLICA), _WORKER),
            soft=1,
        ),
        lines(
            "Memory",
            "Resident memory of each process; pages shared by workers are counted in each.",
            "bytes",
            Query(f"millrace_worker_resident_memory_bytes{{{OF_REPLICA}}}", _WORKER),
        ),
        lines(
            "Open files",
            "Share of the allowed file descriptors that are open.",
            "percentunit",
            Query(f"millrace_worker_open_files{{{OF_REPLICA}}} / millrace_worker_max_files{{{OF_REPLICA}}}", _WORKER),
            warn=0.8,
            runbook="MillraceFileDescriptorsRunOut",
        ),
        lines(
            "Disk",
            "Bytes a second to and from storage.",
            "Bps",
            Query(rate("millrace_worker_disk_read_bytes_total", "instance", OF_REPLICA), "{{instance}} read"),
            Query(rate("millrace_worker_disk_written_bytes_total", "instance", OF_REPLICA), "{{instance}} written"),
        ),
        lines(
            "Threads", "Threads of each process.", "none", Query(f"millrace_worker_threads{{{OF_REPLICA}}}", _WORKER)
        ),
        lines(
            "Running since",
            "Age of each process; a fall is a restart.",
            "s",
            Query(f"time() - millrace_worker_start_time_seconds{{{OF_REPLICA}}}", _WORKER),
            runbook="MillraceReplicaRestarts",
        ),
        lines(
            "Free disk",
            "Share of the file system that is free.",
            "percentunit",
            Query(
                f"millrace_disk_free_bytes{{{OF_REPLICA}}} / millrace_disk_size_bytes{{{OF_REPLICA}}}",
                "{{instance}} {{volume}}",
            ),
            soft=1,
            runbook="MillraceDiskFull",
        ),
        states(
            "Confinement",
            "What processes that run a model's own code give up, on every replica.",
            Query(f"min by (part) (millrace_model_confinement{{{OF_REPLICA}}})", "{{part}}"),
            {0: ("not offered", "orange"), 1: ("holds", "green")},
            width=8,
        ),
        lines(
            "Room above the reserve",
            "Free bytes less those that are kept for predictions (DISK_RESERVE); below 0 uploads are refused.",
            "bytes",
            Query(
                f"millrace_disk_free_bytes{{{OF_REPLICA}}} - millrace_disk_reserve_bytes{{{OF_REPLICA}}}",
                "{{instance}} {{volume}}",
            ),
            runbook="MillraceDiskReserveUsed",
            signed=True,
        ),
        lines(
            "Not written",
            "What a minute was dropped because it could not be written: values of metrics, recent predictions, payload "
            "lines, spans.",
            "none",
            Query(
                f"sum by (instance, what) (rate(millrace_unwritten_total{{{OF_REPLICA}}}[$__rate_interval])) * 60",
                "{{instance}} {{what}}",
            ),
            runbook="MillraceUnwritten",
        ),
        states(
            "Store",
            "Whether each replica's store is the one whose models it serves.",
            Query(f"max by (instance) (millrace_store_away{{{OF_REPLICA}}})", "{{instance}}"),
            {0: ("there", "green"), 1: ("away", "red")},
            width=8,
            runbook="MillraceStoreAway",
        ),
        lines(
            "Metric files",
            "Files that a scrape of a replica reads; it should not grow.",
            "none",
            Query(f"millrace_metric_files{{{OF_REPLICA}}}", "{{instance}}"),
        ),
    ),
)

_HOST = Section(
    "Hosts",
    (
        lines(
            "Host: processors",
            "Share of the time in which the machine's processors work.",
            "percentunit",
            Query(
                '1 - avg by (instance) (rate(node_cpu_seconds_total{component="host", mode="idle"}[$__rate_interval]))',
                "{{instance}}",
            ),
            warn=0.9,
            runbook="MillraceHostProcessorBusy",
            width=6,
        ),
        lines(
            "Host: memory",
            "Share of the machine's memory that is used and cannot be given back at once.",
            "percentunit",
            Query(
                '1 - node_memory_MemAvailable_bytes{component="host"} / node_memory_MemTotal_bytes{component="host"}',
                "{{instance}}",
            ),
            warn=0.9,
            runbook="MillraceHostMemoryShort",
            width=6,
        ),
        lines(
            "Host: disks",
            "Share of each of the machine's file systems that is used.",
            "percentunit",
            Query(
                "1 - min by (instance, mountpoint) ("
                f"node_filesystem_avail_bytes{{{_FILES}}} / node_filesystem_size_bytes{{{_FILES}}})",
                "{{instance}} {{mountpoint}}",
            ),
            warn=0.9,
            runbook="MillraceHostDiskFull",
            width=6,
        ),
        lines(
            "Host: disk activity",
            "Share of the time in which a disk works.",
            "percentunit",
            Query(
                'max by (instance, device) (rate(node_disk_io_time_seconds_total{component="host"}[$__rate_interval]))',
                "{{instance}} {{device}}",
            ),
            warn=0.9,
            runbook="MillraceHostDiskBusy",
            width=6,
        ),
    ),
)

_CONTAINERS = Section(
    "Containers",
    (
        lines(
            "Container: processors",
            "Processor time used, of what the replica's container may use; of the machine's where it has no limit.",
            "percentunit",
            Query(
                rate("millrace_worker_cpu_seconds_total", "instance", OF_REPLICA)
                + f" / max by (instance) (millrace_container_cpu_limit_cores{{{OF_REPLICA}}})",
                "{{instance}}",
            ),
            warn=0.9,
            runbook="MillraceContainerProcessorBusy",
        ),
        lines(
            "Container: memory",
            "Memory used, of what the replica's container may use; of the machine's where it has no limit.",
            "percentunit",
            Query(
                f"millrace_container_memory_used_bytes{{{OF_REPLICA}}} "
                f"/ millrace_container_memory_limit_bytes{{{OF_REPLICA}}}",
                "{{instance}}",
            ),
            warn=0.9,
            runbook="MillraceContainerMemoryShort",
        ),
        lines(
            "Container: waiting for disks",
            "Share of the time in which some process of the replica waits for a disk.",
            "percentunit",
            Query(rate("millrace_container_disk_stalled_seconds_total", "instance", OF_REPLICA), "{{instance}}"),
            warn=0.5,
            runbook="MillraceContainerDiskBusy",
        ),
    ),
)

_NGINX = Section(
    "Nginx",
    (
        lines(
            "Answers by status",
            "Requests a second that Nginx answered, its own refusals included.",
            "reqps",
            Query("sum by (status) (rate(millrace_nginx_requests_total[$__rate_interval])) > 0", "{{status}}"),
            stack=True,
            width=6,
            looks=BY_STATUS,
        ),
        lines(
            "Duration",
            "Percentiles of a request's duration as Nginx saw it.",
            "s",
            *(
                Query(
                    f"histogram_quantile({q}, sum by (le) "
                    "(rate(millrace_nginx_request_seconds_bucket[$__rate_interval])))",
                    f"p{q * 100:g}",
                )
                for q in (0.5, 0.95, 0.99)
            ),
            width=6,
            looks=BY_QUANTILE,
        ),
        lines(
            "Tries by replica",
            "Tries a second by replica and outcome.",
            "reqps",
            Query(
                "sum by (upstream, status) (rate(millrace_nginx_upstream_tries_total[$__rate_interval]))",
                "{{upstream}} {{status}}",
            ),
            stack=True,
            width=6,
            looks=BY_STATUS,
        ),
        lines(
            "Retries",
            "Further replicas tried after a first one failed.",
            "reqps",
            Query("sum(rate(millrace_nginx_retries_total[$__rate_interval]))", "retries"),
            width=6,
            looks=(Look(".", ORANGE),),
        ),
    ),
)


def replicas() -> Json:
    """Give the dashboard as Grafana's JSON."""
    return dashboard(
        "replicas",
        "Replicas and Nginx",
        "Balance, processor, memory, disk, restarts of each replica; tries and retries of Nginx.",
        [_REPLICAS, _HOST, _CONTAINERS, _PROCESSES, _NGINX],
        [REPLICA],
    )
