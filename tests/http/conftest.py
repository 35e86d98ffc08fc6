"""An application behind access control, and callers with tokens for it."""

from dataclasses import dataclass

import pytest


@dataclass
class Caller:
    """A client with its secret, and requests in its name."""

    client: object
    id: str
    secret: str
    token: str

    @property
    def headers(self):
        return {"Authorization": f"Bearer {self.token}"}

    def get(self, path, **options):
        return self.client.get(path, headers=self.headers, **options)

    def post(self, path, **options):
        return self.client.post(path, headers=self.headers, **options)

    def delete(self, path, **options):
        return self.client.delete(path, headers=self.headers, **options)


@pytest.fixture
def access(make_access, database_url):
    return make_access(database_url, start=False)


@pytest.fixture
def application(make_application, access, sealing_key):
    """The whole service, with real access control on each kind of database."""
    return make_application(access, DATABASE_URL=access.configuration.database_url)


@pytest.fixture
def web(application):
    return application.flask.test_client()


@pytest.fixture
def token_for(web):
    """Gets a token from the token endpoint."""

    def token(client_id, secret, **form):
        answer = web.post("/oauth/token", data={"grant_type": "client_credentials", **form}, auth=(client_id, secret))
        assert answer.status_code == 200, answer.json
        return answer.json["access_token"]

    return token


@pytest.fixture
def caller(web, access, make_client, token_for):
    """Makes callers: ``caller("viewer", ["iris"])``."""
    made = []

    def make(role, models=("*",), **quota):
        made.append(role)
        shown = make_client(access, f"{role}-{len(made)}", role, models, **quota)
        return Caller(web, shown.id, shown.secret, token_for(shown.id, shown.secret))

    return make
