"""Where a dashboard leads: to the other dashboards, to runbooks, and to the logs of a request."""

from collections.abc import Sequence

from monitoring.grafana.queries import Json


def links() -> list[Json]:
    """Give the links of every dashboard."""
    query = "query:(language:kuery,query:'http.request.id:%22${request_id}%22')"
    return [
        link("Millrace", tags=["millrace"]),
        link("Logs of the request id", f"${{kibana}}/app/discover#/?_a=({query})"),
    ]


def link(title: str, url: str = "", tags: Sequence[str] = ()) -> Json:
    """Make a link to a page, or by ``tags`` a menu of dashboards."""
    return {
        "title": title,
        "type": "dashboards" if tags else "link",
        "icon": "dashboard" if tags else "doc",
        "tooltip": title,
        "tags": list(tags),
        "url": url,
        "asDropdown": bool(tags),
        "targetBlank": not tags,
        "includeVars": bool(tags),
        "keepTime": bool(tags),
    }
