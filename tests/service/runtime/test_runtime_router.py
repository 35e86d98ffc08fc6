import pytest

from model_store.channels import Channels
from model_store.replicas.states import State, VersionState
from service.errors import LabelNotFound, ModelNotFound, ModelNotReady, VersionNotFound
from service.runtime.catalog import Catalog, CatalogSnapshot, ServedModel
from service.runtime.router import Router
from service.wire import Target

NEW, READY, LOADING = VersionState(), VersionState(State.READY), VersionState(State.LOADING)


class Loaded:
    """Stands for a loaded model: the router hands it on and looks at nothing of it."""

    def __init__(self, version):
        self.version = version


def router(channels, states, pointers, trouble=""):
    versions = {v: Loaded(v) for v, state in states.items() if state is READY}
    model = ServedModel("m", channels, versions, states, pointers, trouble)
    return Router(Catalog(CatalogSnapshot({"m": model})))


def chosen(routes, *target):
    return routes.choose(Target("m", *target)).model.version


def test_a_version_a_label_a_channel_or_nothing_chooses():
    channels = Channels(stable=1, canary=3, labels={"beta": 2})
    routes = router(channels, dict.fromkeys((1, 2, 3), READY), {"stable": 1, "canary": 3, "beta": 2})
    assert chosen(routes) == 1
    assert chosen(routes, 2) == 2
    assert chosen(routes, None, "beta") == 2
    assert chosen(routes, None, "canary") == 3
    assert chosen(routes, None, "stable") == 1


def test_the_pointer_in_effect_counts_not_the_one_in_the_store():
    assert chosen(router(Channels(stable=2), {1: READY, 2: LOADING}, {"stable": 1})) == 1


@pytest.mark.parametrize(
    ("target", "error", "words"),
    [
        (("nobody",), ModelNotFound, "no model 'nobody'"),
        (("m", 9), VersionNotFound, "no version 9"),
        (("m", 3), VersionNotFound, "not loaded: .* python -m model_store label m LABEL 3"),
        (("m", None, "beta"), LabelNotFound, "no label 'beta'"),
        (("m", None, "canary"), LabelNotFound, "no label 'canary'"),
        (("m", 2), ModelNotReady, "is being loaded"),
    ],
)
def test_what_cannot_be_chosen_is_told_apart(target, error, words):
    routes = router(Channels(stable=1, loaded=(2,)), {1: READY, 2: LOADING, 3: NEW}, {"stable": 1})
    with pytest.raises(error, match=words):
        routes.choose(Target(*target))


def test_a_model_that_is_still_loading_says_when_to_ask_again():
    with pytest.raises(ModelNotReady) as caught:
        router(Channels(stable=1), {1: LOADING}, {}).choose(Target("m"))
    assert caught.value.retry_after


def test_a_model_whose_only_version_failed_says_why():
    failed = VersionState(State.FAILED, "the seal does not fit")
    with pytest.raises(ModelNotReady, match="the seal does not fit"):
        router(Channels(stable=1), {1: failed}, {}).choose(Target("m"))


def test_a_model_without_a_promoted_version_says_so():
    with pytest.raises(ModelNotReady, match="no stable version"):
        router(Channels(), {1: NEW}, {}).choose(Target("m"))


def test_an_unloaded_model_is_not_found():
    with pytest.raises(ModelNotFound, match="unloaded"):
        router(Channels(stable=1, unloaded=True), {1: VersionState(State.RETIRED)}, {}).choose(Target("m"))


def test_a_model_whose_pointers_cannot_be_read_says_so():
    with pytest.raises(ModelNotReady, match="cannot be read"):
        router(Channels(), {1: NEW}, {}, trouble="its pointers cannot be read").choose(Target("m"))


@pytest.mark.parametrize(("target", "channel"), [((), "stable"), ((1,), "pinned"), ((None, "stable"), "pinned")])
def test_the_channel_is_told_unless_the_request_names_what_it_wants(target, channel):
    routes = router(Channels(stable=1), {1: READY}, {"stable": 1})
    chosen = routes.choose(Target("m", *target), "a caller")
    assert (chosen.channel, chosen.shadows) == (channel, ())
