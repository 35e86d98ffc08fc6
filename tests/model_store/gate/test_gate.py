"""Crashing, hanging, lying, greedy and nosy versions: refused with the reason, before any replica sees them."""

import contextlib
import os
import socket
import subprocess
import sys
import textwrap
import time
import uuid
from dataclasses import replace
from pathlib import Path

import joblib
import numpy as np
import pytest
import sklearn
from sklearn.linear_model import LinearRegression

from model_store import publish, seal
from model_store.confinement.probe import probed
from model_store.errors import ArtifactUnreadable, GateRefused, LibraryMismatch, StoreError
from model_store.gate import isolation
from model_store.gate.gate import Limits
from model_store.gate.libraries import check_libraries
from model_store.gate.process_gate import ProcessGate
from model_store.manifest import Manifest
from tests.model_store.gate.contract import GateContract

ROWS = np.arange(20.0).reshape(10, 2)
LIMITS = Limits(seconds=30)


class TestProcessGate(GateContract):
    """What the fakes are measured by."""

    @pytest.fixture
    def gate(self):
        return ProcessGate(LIMITS)


SOURCE = """
import os, signal, socket, sys, time
from sklearn.base import BaseEstimator, RegressorMixin

class Odd(RegressorMixin, BaseEstimator):
    def __init__(self, where="{where}"):
        self.where = where
    def fit(self, X, y=None):
        self.n_features_in_ = X.shape[1]
        return self
    def predict(self, X):
        if "model_store.gate.trial" in " ".join(sys.orig_argv):
            {deed}
        return X[:, 0] * 2.0
"""


@pytest.fixture
def odd(tmp_path, monkeypatch):
    """An estimator that behaves while it is published and does a deed of its own when it is tried."""

    def make(deed: str):
        module = f"odd_{uuid.uuid4().hex}"
        source = textwrap.dedent(SOURCE).replace("{deed}", deed).replace("{where}", str(tmp_path))
        (tmp_path / f"{module}.py").write_text(source)
        monkeypatch.syspath_prepend(tmp_path)
        return __import__(module).Odd().fit(ROWS)

    return make


def beside_the_tests(limits: Limits) -> ProcessGate:
    """A gate that imports the odd estimators too, from where they are."""
    return ProcessGate(limits, isolation.own_path())


DEEDS = {
    "hangs": ("while True: pass", "it hung: no answer within"),
    "sleeps": ("time.sleep(3600)", "it hung: no answer within"),
    "segfaults": ("os.kill(os.getpid(), signal.SIGSEGV)", "it crashed: its process died of SIGSEGV"),
    "aborts": ("os.abort()", "it crashed: its process died of SIGABRT"),
    "leaves": ("os._exit(0)", "ended with status 0 before it answered"),
    "exits": ("sys.exit(7)", "ended with status 7 before it answered"),
    "raises": ("raise RuntimeError('no more')", "failed on the golden rows: RuntimeError: no more"),
    "lies": ("return X[:, 0] * 2.0 + 1e-6", "answered otherwise than when it was published"),
    "answers too little": ("return X[:1, 0]", "expected [10], got [1]"),
    "answers in words": ("return [str(x) for x in X[:, 0]]", "what the declared float64 cannot hold: '0.0', in row 0"),
    "takes all memory": ("b'x' * 2**45", "more memory than the limit"),
    "needs the network": (
        "socket.create_connection(('127.0.0.1', int(open(self.where + '/port').read())), 5)",
        "failed on the golden rows",
    ),
}


@pytest.mark.parametrize("name", DEEDS)
def test_a_version_that_misbehaves_when_tried_is_refused_with_the_reason(name, odd, store, key, tmp_path):
    deed, reason = DEEDS[name]
    if name == "needs the network":
        deed = network_deed(tmp_path)
    seconds = 12 if "hung" in reason else 30
    with pytest.raises(GateRefused) as refused:
        publish(store, "odd", odd(deed), ROWS, sealing_key=key, gate=beside_the_tests(Limits(seconds=seconds)))
    assert reason in str(refused.value)
    assert store.models() == []
    assert [path.name for path in store.model_folder("odd").iterdir()] == [".lock"]


def network_deed(tmp_path: Path) -> str:
    server = socket.create_server(("127.0.0.1", 0))
    (tmp_path / "port").write_text(str(server.getsockname()[1]))
    if not (gate_cuts_network() or probed()["calls"]):
        server.close()
        pytest.skip("this system lets no process leave its network, and filters no system calls")
    return DEEDS["needs the network"][0]


def gate_cuts_network() -> bool:
    code = "from model_store.gate.confinement import cut_network; print(cut_network())"
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[3]
    )
    return run.stdout.strip() == "True"


def test_a_trial_sees_no_variable_of_the_publisher(odd, store, key, monkeypatch):
    monkeypatch.setenv("MILLRACE_SECRET", "swordfish")
    content, nosy = odd("assert 'swordfish' not in str(os.environ)"), odd("assert 'swordfish' in str(os.environ)")
    publish(store, "odd", content, ROWS, sealing_key=key, gate=beside_the_tests(LIMITS))
    with pytest.raises(GateRefused, match="failed on the golden rows"):
        publish(store, "odd", nosy, ROWS, sealing_key=key, gate=beside_the_tests(LIMITS))


def test_a_trial_reads_no_file_of_the_publisher(odd, store, key, tmp_path):
    if not probed()["files"]:
        pytest.skip("this kernel has no Landlock")
    (tmp_path / "secret").write_text("swordfish")
    nosy = odd("open(self.where + '/secret').read()")
    with pytest.raises(GateRefused, match="failed on the golden rows: PermissionError"):
        publish(store, "odd", nosy, ROWS, sealing_key=key, gate=beside_the_tests(LIMITS))


def test_a_slow_version_is_refused(odd, store, key):
    limits = Limits(seconds=60, row_seconds=0.2)
    with pytest.raises(GateRefused, match=r"it is slow: one row took .* s, the limit is 0\.2 s"):
        publish(store, "odd", odd("time.sleep(0.3)"), ROWS, sealing_key=key, gate=beside_the_tests(limits))
    assert store.models() == []


@pytest.fixture
def own_code(tmp_path, monkeypatch):
    """An estimator whose class is in a module that only this process finds, and what publishes it."""
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "own_parts.py").write_text(
        "from sklearn.linear_model import LinearRegression\nclass Own(LinearRegression): pass\n"
    )
    monkeypatch.syspath_prepend(tmp_path / "parts")
    yield __import__("own_parts").Own().fit(ROWS, ROWS[:, 0])
    del sys.modules["own_parts"]


NEEDS = "it needs the module 'own_parts', which is not installed here: install it where replicas run"


def test_code_that_is_not_installed_is_refused_by_the_module_s_name(own_code, store, key):
    with pytest.raises(GateRefused, match=NEEDS):
        publish(store, "own", own_code, ROWS, sealing_key=key, limits=LIMITS)
    assert store.models() == []


def test_a_file_whose_code_only_the_publisher_has_is_refused_too(own_code, store, key, tmp_path):
    joblib.dump(own_code, tmp_path / "own.joblib")
    with pytest.raises(GateRefused, match=NEEDS):
        publish(store, "own", tmp_path / "own.joblib", ROWS, sealing_key=key, limits=LIMITS)


def test_a_file_whose_code_nobody_has_is_refused_when_it_is_read(own_code, store, key, tmp_path, monkeypatch):
    joblib.dump(own_code, tmp_path / "own.joblib")
    monkeypatch.undo()  # so that this process does not find it either
    with pytest.raises(ArtifactUnreadable, match=NEEDS):
        publish(store, "own", tmp_path / "own.joblib", ROWS, sealing_key=key, limits=LIMITS)


def test_a_class_of_a_script_is_refused_with_what_to_do(store, key, tmp_path):
    script = "import sys, joblib\nfrom sklearn.linear_model import LinearRegression\n"
    script += "class Own(LinearRegression): pass\njoblib.dump(Own().fit([[1.0], [2.0]], [1.0, 2.0]), sys.argv[1])"
    subprocess.run([sys.executable, "-c", script, tmp_path / "own.joblib"], check=True)
    with pytest.raises(ArtifactUnreadable, match="it needs 'Own', which was defined in a notebook or script: put it"):
        publish(store, "own", tmp_path / "own.joblib", ROWS[:, :1], sealing_key=key, limits=LIMITS)


def test_what_a_replica_imports_from_is_what_its_own_trials_import_from(own_code, store, key):
    gate = ProcessGate.of_replica()
    assert publish(store, "own", own_code, ROWS, sealing_key=key, gate=gate) == 1


def test_a_trial_imports_what_is_installed_in_the_publisher_s_order():
    path = isolation.installed_path()
    assert path[0] == str(Path(__file__).parents[3])
    assert [entry for entry in isolation.own_path() if entry in path] == path


def test_a_good_version_is_measured(store, key):
    model = LinearRegression().fit(ROWS, ROWS[:, 0])
    version = publish(store, "m", model, ROWS, sealing_key=key, limits=LIMITS)
    manifest = store.manifest("m", version)
    assert 0 < manifest.load_seconds < 30
    assert 0 < manifest.predict_seconds < 10
    assert manifest.bytes == sum(
        path.stat().st_size
        for path in store.version_folder("m", version).iterdir()
        if path.name not in (seal.MANIFEST, seal.SEAL)
    )


@pytest.mark.parametrize(("made", "fits"), [("1.0.2", False), ("", False), ("same minor", True)])
def test_a_version_made_with_another_scikit_learn_is_refused(published, made, fits):
    major, minor, *_ = sklearn.__version__.split(".")
    manifest = Manifest.from_bytes((published / seal.MANIFEST).read_bytes())
    manifest = replace(manifest, libraries={"scikit-learn": f"{major}.{minor}.99" if fits else made})
    if fits:
        check_libraries(manifest)
    else:
        with pytest.raises(LibraryMismatch, match="scikit-learn"):
            check_libraries(manifest)
    check_libraries(replace(manifest, options={"any_library_version": True}))


def test_an_estimator_fitted_with_another_scikit_learn_is_refused_unless_forced(store, key, tmp_path, open_gate):
    model = LinearRegression().fit(ROWS, ROWS[:, 0])
    state = {**model.__getstate__(), "_sklearn_version": "1.0.2"}
    model.__class__ = type("Old", (LinearRegression,), {})  # so that pickle takes our state, not a fresh one
    path = tmp_path / "old.joblib"
    joblib.dump(OldPickle(state), path)
    np.save(tmp_path / "rows.npy", ROWS)
    with pytest.raises(StoreError, match=r"fitted with scikit-learn 1\.0\.2"):
        publish(store, "old", path, tmp_path / "rows.npy", sealing_key=key, limits=LIMITS, gate=open_gate)
    assert (
        publish(store, "old", path, tmp_path / "rows.npy", sealing_key=key, limits=LIMITS, force=True, gate=open_gate)
        == 1
    )
    manifest = store.manifest("old", 1)
    assert manifest.options["any_library_version"] is True
    assert manifest.libraries["scikit-learn"] == "1.0.2"
    assert manifest.options["captured_with"] == {"scikit-learn": sklearn.__version__}
    check_libraries(manifest)
    with pytest.raises(LibraryMismatch, match=r"made with scikit-learn 1\.0\.2"):
        check_libraries(replace(manifest, options={}))


def test_forcing_an_estimator_of_this_scikit_learn_notes_no_other(store, key, tmp_path, open_gate):
    joblib.dump(LinearRegression().fit(ROWS, ROWS[:, 0]), tmp_path / "m.joblib")
    publish(store, "m", tmp_path / "m.joblib", ROWS, sealing_key=key, limits=LIMITS, force=True, gate=open_gate)
    manifest = store.manifest("m", 1)
    assert manifest.libraries["scikit-learn"] == sklearn.__version__
    assert "captured_with" not in manifest.options


class OldPickle:
    """Pickles as a linear regression of an old scikit-learn."""

    def __init__(self, state) -> None:
        self.state = state

    def __reduce__(self):
        return (LinearRegression, (), self.state)


def test_the_trial_inherits_no_open_file(odd, store, key):
    secret = os.open(os.devnull, os.O_RDONLY)
    os.set_inheritable(secret, True)
    is_it = "os.path.realpath(f'/proc/self/fd/{fd}') == os.devnull"
    deed = f"assert not [fd for fd in os.listdir('/proc/self/fd') if int(fd) > 2 and {is_it}]"
    try:
        publish(store, "odd", odd(deed), ROWS, sealing_key=key, gate=beside_the_tests(LIMITS))
    finally:
        os.close(secret)


def test_a_trial_does_not_outlive_its_publisher(odd, store, key, tmp_path):
    model = odd("time.sleep(3600)")
    script = f"""
import sys; sys.path.insert(0, {str(tmp_path)!r})
import numpy as np
from model_store import publish
from model_store.gate.process_gate import ProcessGate
import {type(model).__module__} as odd
rows = np.arange(20.0).reshape(10, 2)
key = {str(tmp_path / "keys" / "sealing.pem")!r}
publish({str(store.disk)!r}, "odd", odd.Odd().fit(rows), rows, sealing_key=key, gate=ProcessGate.of_replica())
"""
    publisher = subprocess.Popen(
        [sys.executable, "-c", script], cwd=Path(__file__).parents[3], env={**os.environ, "TMPDIR": str(tmp_path)}
    )
    assert eventually(lambda: trials(tmp_path), seconds=60)
    publisher.kill()
    publisher.wait()
    assert eventually(lambda: not trials(tmp_path), seconds=10)


def trials(scratch: Path) -> list[str]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            command = (process / "cmdline").read_bytes().decode(errors="replace")
            found += [command] if "model_store.gate.trial" in command and str(scratch) in command else []
    return found


def eventually(condition, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.1)
    return bool(condition())
