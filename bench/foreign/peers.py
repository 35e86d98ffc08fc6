"""The servers: what each is started with. Each has two worker processes, and writes no line for each request."""

import json
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from bench.foreign import dialects
from bench.foreign.dialects import Dialect
from bench.foreign.environments import LeftOut
from bench.servers import WORKERS, free_port

SCRIPTS = Path(__file__).parent / "scripts"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a server runs: its programs, a folder to write to, the joblib models, and the port to listen on.

    ``model`` is the one to serve, if it serves one only.
    """

    programs: Path
    folder: Path
    joblib: Path
    variables: Mapping[str, str]
    port: int
    model: str = ""

    def serving(self, model: str) -> "Place":
        """Return the place of the server of one model, which has a port to itself."""
        return replace(self, model=model, port=free_port())


def _nothing(_place: Place) -> None:
    """Prepare nothing."""


@dataclass(frozen=True, slots=True)
class Peer:
    """One server; ``apart`` says that it serves one model only, so that one runs for each."""

    name: str
    package: str
    dialect: Dialect
    command: Callable[[Place], list[str]]
    prepare: Callable[[Place], None] = _nothing
    variables: Mapping[str, str] = field(default_factory=dict)
    apart: bool = False


def _script(package: str) -> Callable[[Place], list[str]]:
    script = str(SCRIPTS / f"{package}_script.py")
    return lambda place: [str(place.programs / "python"), "-P", script, str(place.port)]


def _mlserver(place: Place) -> list[str]:
    return [str(place.programs / "mlserver"), "start", str(place.folder)]


def _describe_to_mlserver(place: Place) -> None:
    """Write the settings of MLServer and of its models."""
    settings = {"debug": False, "host": "127.0.0.1", "http_port": place.port, "grpc_port": free_port()}
    settings |= {"metrics_endpoint": None, "parallel_workers": WORKERS}
    (place.folder / "settings.json").write_text(json.dumps(settings))
    for path in place.joblib.glob("*.joblib"):
        folder = place.folder / path.stem
        folder.mkdir(exist_ok=True)
        model = {"name": path.stem, "implementation": "mlserver_sklearn.SKLearnModel", "parameters": {"uri": str(path)}}
        (folder / "model-settings.json").write_text(json.dumps(model))


def _mlflow(place: Place) -> list[str]:
    command = [str(place.programs / "mlflow"), "models", "serve", "-m", str(place.folder / place.model)]
    return [*command, "-h", "127.0.0.1", "-p", str(place.port), "--env-manager", "local", "-w", str(WORKERS)]


def _save_for_mlflow(place: Place) -> None:
    """Save the models as MLflow loads them. Raises LeftOut if it cannot."""
    command = [str(place.programs / "python"), "-P", str(SCRIPTS / "mlflow_script.py"), str(place.folder)]
    done = subprocess.run(command, env=dict(place.variables), capture_output=True, text=True, check=False)
    if done.returncode:
        raise LeftOut(f"the models cannot be saved for it: {done.stderr.strip()[-500:]}")


def _bentoml(place: Place) -> list[str]:
    command = [str(place.programs / "bentoml"), "serve", "bentoml_script:Service", "--working-dir", str(SCRIPTS)]
    return [*command, "--quiet", "--host", "127.0.0.1", "-p", str(place.port)]


PEERS = (
    Peer("MLServer", "mlserver", dialects.OPEN_INFERENCE, _mlserver, _describe_to_mlserver),
    Peer("MLflow", "mlflow", dialects.MLFLOW, _mlflow, _save_for_mlflow, apart=True),
    Peer("BentoML", "bentoml", dialects.NAMED_ARRAY, _bentoml, variables={"BENTOML_DO_NOT_TRACK": "True"}),
    Peer("KServe", "kserve", dialects.TENSORFLOW, _script("kserve")),
    Peer("LitServe", "litserve", dialects.NAMED, _script("litserve")),
    Peer(
        "Ray Serve",
        "ray",
        dialects.NAMED,
        _script("ray"),
        variables={"RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "disabled"},
    ),
)
