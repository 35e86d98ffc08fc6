"""Numbers in paths."""

import flask
from werkzeug.routing import IntegerConverter


class _Digits(IntegerConverter):
    """A whole number in the digits of ASCII: Werkzeug's own takes those of every script, Arabic-Indic ones, say."""

    regex = "[0-9]+"


def install(app: flask.Flask) -> None:
    """Let ``<int:…>`` in rules take no other digits; call it before there are any rules."""
    app.url_map.converters["int"] = _Digits
