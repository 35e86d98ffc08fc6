"""What a reader can choose at the top of a dashboard, and the filters that the choice gives queries."""

from monitoring.grafana.queries import DATASOURCE, Json


def choice(name: str, label: str, query: str) -> Json:
    """Make a variable whose values Prometheus knows: several or all may be chosen."""
    return {
        "type": "query",
        "name": name,
        "label": label,
        "datasource": DATASOURCE,
        "query": query,
        "definition": query,
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
    }


def one(name: str, label: str, query: str, *, newest: bool = False) -> Json:
    """Make a variable whose values Prometheus knows, of which one is chosen; ``newest`` sorts numbers downwards."""
    made = choice(name, label, query) | {"multi": False, "includeAll": False, "sort": 4 if newest else 1}
    return {key: value for key, value in made.items() if key not in {"allValue", "current"}}


def told(name: str, label: str, query: str) -> Json:
    """Make a hidden variable with the one value that Prometheus tells."""
    return {
        "type": "query",
        "name": name,
        "label": label,
        "datasource": DATASOURCE,
        "query": query,
        "definition": query,
        "refresh": 2,
        "hide": 2,
    }


def text(name: str, label: str, value: str, description: str, *, hidden: bool) -> Json:
    """Make a variable that a reader writes; a hidden one is set in the dashboard's settings."""
    return {
        "type": "textbox",
        "name": name,
        "label": label,
        "description": description,
        "query": value,
        "current": {"selected": True, "text": value, "value": value},
        "hide": 2 if hidden else 0,
    }


def datasource() -> Json:
    """Make the variable that names the Prometheus to ask."""
    return {
        "type": "datasource",
        "name": "datasource",
        "label": "Data source",
        "query": "prometheus",
        "refresh": 1,
        "current": {"selected": True, "text": "Prometheus", "value": "prometheus"},
    }


_MODELS = "label_values(millrace_model_channel_version, model)"
_VERSIONS = 'label_values(millrace_model_state{model=~"$model"}, version)'

MODEL = choice("model", "Model", _MODELS)
VERSION = choice("version", "Version", _VERSIONS)
ONE_MODEL = one("model", "Model", _MODELS)
ONE_VERSION = one("version", "Version", _VERSIONS, newest=True)
REPLICA = choice("replica", "Replica", 'label_values(up{component="replica"}, instance)')

OF_VERSION = 'model=~"$model", model!="", version=~"$version"'
OF_REPLICA = 'instance=~"$replica"'
