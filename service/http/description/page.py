"""``/docs``: the API description as a page, by Swagger UI. All its files come from this service, none from elsewhere.

The page is open to everyone and holds no data; it loads the description, of all routes or of one model, with the token
that is typed into it.
"""

from importlib.resources import files
from pathlib import Path

import flask

from service.errors import NotFound
from service.http.description.route import OPERATION, described
from service.http.guards import public

_SOURCES = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self' 'unsafe-inline'",  # Swagger UI sets style attributes; scripts stay the service's own
    "img-src": "'self' data:",
    "connect-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
}
POLICY = "; ".join(f"{directive} {sources}" for directive, sources in _SOURCES.items())
"""The page's Content-Security-Policy."""

_OWN = Path(__file__).with_name("docs_page")
_SWAGGER_UI = files("flask_swagger_ui") / "dist"
_FILES = {
    "page.css": (_OWN, "text/css"),
    "page.js": (_OWN, "text/javascript"),
    "swagger-ui.css": (_SWAGGER_UI, "text/css"),
    "swagger-ui-bundle.js": (_SWAGGER_UI, "text/javascript"),
    "favicon-32x32.png": (_SWAGGER_UI, "image/png"),
}
_ONE_HOUR = "public, max-age=3600"


def blueprint() -> flask.Blueprint:
    """Return the page and its files."""
    made = flask.Blueprint("docs", __name__)

    @made.get("/docs", strict_slashes=False)
    @public
    @described(OPERATION, "This description as a page to read and try", response=str, media_type="text/html")
    def page() -> flask.Response:
        text = (_OWN / "page.html").read_text(encoding="utf-8").replace("{root}", flask.request.script_root)
        answer = flask.Response(text, mimetype="text/html")
        answer.headers["Content-Security-Policy"] = POLICY
        answer.headers["Cache-Control"] = "no-cache"
        return _guarded_by_headers(answer)

    @made.get("/docs/<name>")
    @public
    @described(
        OPERATION,
        "A file of that page",
        response=str,
        media_type="application/octet-stream",
        refusals=(404,),
    )
    def file(name: str) -> flask.Response:
        if name not in _FILES:
            raise NotFound("The page has no such file")
        folder, media_type = _FILES[name]
        answer = flask.Response((folder / name).read_bytes(), mimetype=media_type)
        answer.headers["Cache-Control"] = _ONE_HOUR
        return _guarded_by_headers(answer)

    return made


def _guarded_by_headers(answer: flask.Response) -> flask.Response:
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer
