"""What tests of several folders share: an application on a store of its own, with access for everyone."""

from collections.abc import Mapping

import pytest

from model_store import seal
from service import settings
from service.app import create_app


class Everyone:
    """Access for tests that are not about access: whoever asks may do everything."""

    def start(self):
        pass

    def stop(self):
        pass

    def authenticate(self, headers: Mapping[str, str], address: str):
        return None

    def authorize(self, principal, permission, model):
        pass

    def may(self, principal, permission, model):
        return True

    def charge(self, principal, rows):
        return {}


@pytest.fixture
def everyone():
    return Everyone()


@pytest.fixture
def sealing_key(tmp_path):
    """A sealing key whose public half lies in tmp_path/keys/trusted."""
    return seal.create_keys(tmp_path / "keys")


@pytest.fixture
def make_application(tmp_path, everyone):
    """Builds applications on the store tmp_path/models, loaded and following it; stops them at the end."""
    started = []

    def make(access=None, **variables):
        environment = {
            "MODEL_STORE_ROOT": str(tmp_path / "models"),
            "TRUSTED_KEYS": str(tmp_path / "keys" / "trusted"),
            "RUN_DIR": str(tmp_path / "run"),
            "REPLICA": "test-replica",
            "WATCH_SECONDS": "0.05",
            **variables,
        }
        application = create_app(settings.read(environment), access or everyone)
        application.start_worker()
        started.append(application)
        return application

    yield make
    for application in started:
        application.stop_worker()
