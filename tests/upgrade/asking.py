"""Asks a running release what `calls` lists, and says in what an answer differs from the recorded one."""

import json

import requests

from tests.upgrade import calls

PROSE = ("error", "detail", "message", "title", "expected", "got", "error_description")
"""Members of a refusal that are there for people: they have to be there, and may say it otherwise."""


class Asker:
    """Asks one address with the credentials of a state."""

    def __init__(self, url, credentials):
        self.url = url
        self.credentials = credentials
        self._session = requests.Session()
        self._headers = {}

    def ask(self, call):
        """The answer, as it is recorded: status, media type, version and body."""
        headers = {"X-Request-ID": "upgrade", **call.headers, **self.authorization(call.credential)}
        path = call.path.format(**self.credentials["operations"])
        answer = self._session.request(call.method, self.url + path, data=call.body, headers=headers, timeout=30)
        told = {"status": answer.status_code, "media_type": answer.headers.get("Content-Type", "")}
        version = answer.headers.get("X-Model-Version")
        return told | ({"version": version} if version else {}) | {"body": calls.shown(answer.content)}

    def authorization(self, name):
        """The headers of a credential; of a client's, a token is asked for once."""
        if name not in self._headers:
            self._headers[name] = self._shown(name)
        return self._headers[name]

    def token(self, **form):
        """What the token endpoint answers."""
        return requests.post(f"{self.url}/oauth/token", data=form, timeout=30)

    def _shown(self, name):
        if not name:
            return {}
        known = self.credentials[name]
        if name == "header-key":
            return {"X-API-Key": known}
        if isinstance(known, str):
            return {"Authorization": f"Bearer {known}"}
        answer = self.token(grant_type="client_credentials", **known)
        return {"Authorization": f"Bearer {answer.json().get('access_token', 'none')}"}


def difference(call, before, now):
    """In what an answer is not as it was before, for a person; empty where it is."""
    if before["status"] != now["status"]:
        return f"status {now['status']} instead of {before['status']}: {now['body']}"
    if call.compare == calls.STATUS:
        return ""
    for fact in ("media_type", "version"):
        if before.get(fact) != now.get(fact):
            return f"{fact} {now.get(fact)} instead of {before.get(fact)}"
    if before["status"] >= requests.codes.bad_request:
        return _grown(_json(before), _json(now), PROSE)
    if call.compare == calls.GROWING:
        return _grown(_json(before), _json(now), call.unlike)
    return "" if before["body"] == now["body"] else f"{now['body']} instead of {before['body']}"


def _json(answer):
    return json.loads(answer["body"]["text"] or "null")


def _grown(before, now, unlike, place="body"):
    """Where a member is gone or another; those in ``unlike`` only have to be there."""
    if isinstance(before, dict) and isinstance(now, dict):
        gone = before.keys() - now.keys()
        if gone:
            return f"{place}: without {sorted(gone)}"
        pairs = [(before[name], now[name], f"{place}.{name}") for name in before if name not in unlike]
    elif isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        pairs = [(old, new, f"{place}[{i}]") for i, (old, new) in enumerate(zip(before, now, strict=True))]
    else:
        return "" if before == now else f"{place}: {now!r} instead of {before!r}"
    return next(filter(None, (_grown(old, new, unlike, where) for old, new, where in pairs)), "")
