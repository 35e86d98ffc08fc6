"""What runs inside a confined process: tries one harmless thing after another and says how each ended, as JSON.

``python inside.py FACTS`` with FACTS a JSON object of paths and ports that the tests have made.
"""

import json
import os
import sys
from pathlib import Path

from model_store.confinement.confine import confine

FACTS = json.loads(sys.argv[1]) if __name__ == "__main__" else {}
VERSION, SCRATCH = Path(FACTS.get("version", "")), Path(FACTS.get("scratch", ""))
STATUS = ("NoNewPrivs", "Seccomp", "CapEff", "CapPrm", "Threads")


def read_memory():
    """Ask for one byte of the parent, by process_vm_readv(2); refused before any address counts."""
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    vector = (ctypes.c_size_t * 2)(0, 0)
    if libc.process_vm_readv(os.getppid(), vector, 1, vector, 1, 0) < 0:
        raise OSError(ctypes.get_errno(), "process_vm_readv")


def trace():
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    if libc.ptrace(16, os.getppid(), None, None) < 0:  # PTRACE_ATTACH
        raise OSError(ctypes.get_errno(), "ptrace")


def connect(family, kind, address):
    import socket

    with socket.socket(family, kind) as made:
        made.connect(address)


def tcp():
    import socket

    connect(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", FACTS["port"]))


def udp():
    import socket

    connect(socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", FACTS["port"]))


def unix():
    import socket

    connect(socket.AF_UNIX, socket.SOCK_STREAM, FACTS["unix"])


def by_link():
    (SCRATCH / "link").symlink_to(FACTS["key"])
    (SCRATCH / "link").read_bytes()


def cut_short():
    os.close(os.open(VERSION / "model.joblib", os.O_RDONLY | os.O_TRUNC))


def run():
    import subprocess

    subprocess.run(["/bin/true"], check=False)


def raise_limit():
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def io_uring():
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(425, 1, None) < 0:
        raise OSError(ctypes.get_errno(), "io_uring_setup")


def descriptor_left():
    return os.fstat(FACTS["left_open"]).st_size


REFUSED = {
    "reads a key": lambda: Path(FACTS["key"]).read_bytes(),
    "reads a key by a link": by_link,
    "lists the folder of keys": lambda: list(Path(FACTS["key"]).parent.iterdir()),
    "moves a key into its folder": lambda: Path(FACTS["key"]).rename(SCRATCH / "key"),
    "links a key into its folder": lambda: os.link(FACTS["key"], SCRATCH / "hard"),
    "makes a key readable for all": lambda: Path(FACTS["key"]).chmod(0o644),
    "changes a key's times": lambda: os.utime(FACTS["key"]),
    "removes a key": lambda: Path(FACTS["key"]).unlink(),
    "writes outside": lambda: (Path(FACTS["key"]).parent / "new").write_text("x"),
    "writes to its version": lambda: (VERSION / "new").write_text("x"),
    "changes its artifact": lambda: (VERSION / "model.joblib").open("r+b"),
    "cuts its artifact short": cut_short,
    "writes to shared memory": lambda: Path("/dev/shm/millrace-confined").write_text("x"),  # noqa: S108 - it must not come to be
    "reads another process's memory": read_memory,
    "reads another process's memory as a file": lambda: os.open(f"/proc/{os.getppid()}/mem", os.O_RDONLY),
    "reads another process's variables": lambda: Path(f"/proc/{os.getppid()}/environ").read_bytes(),
    "reads another process's command": lambda: Path(f"/proc/{os.getppid()}/cmdline").read_bytes(),
    "traces another process": trace,
    "signals another process": lambda: os.kill(os.getppid(), 0),
    "signals its group": lambda: os.killpg(os.getpgid(0), 0) if os.getpgid(0) != os.getpid() else os.kill(-1, 0),
    "slows all processes of its user": lambda: os.setpriority(os.PRIO_USER, os.getuid(), 19),
    "connects by TCP": tcp,
    "connects by UDP": udp,
    "connects to a unix socket": unix,
    "makes a pair of sockets": lambda: __import__("socket").socketpair(),
    "starts a process": run,
    "forks": os.fork,
    "becomes another program": lambda: os.execv("/bin/true", ["true"]),  # noqa: S606 - without a shell, as it should
    "raises a limit": raise_limit,
    "asks for io_uring": io_uring,
    "uses a descriptor that was left open": descriptor_left,
    "takes all memory": lambda: bytearray(2**45),
}


def threads():
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(abs, [-1, -2]))


def joblib_threads():
    from joblib import Parallel, delayed

    return Parallel(2, prefer="threads")(delayed(abs)(number) for number in (-1, -2))


def temporary_file():
    import tempfile

    with tempfile.NamedTemporaryFile("w+") as file:
        file.write("x")
        return str(Path(file.name).parent)


def predictions(file):
    import joblib

    model, rows = joblib.load(VERSION / file)
    return model.predict(rows).tolist()


def many_values():
    import numpy as np

    square = np.ones((600, 600))
    return float((square @ square).sum())


def time_zone():
    import pandas as pd

    return str(pd.Timestamp("2026-01-01", tz="Europe/Berlin").utcoffset())


WORKS = {
    "makes temporary files in its folder": temporary_file,
    "has threads": threads,
    "takes joblib's threads for one": joblib_threads,
    "counts processors": lambda: os.cpu_count() >= 1,
    "reads about itself": lambda: "VmRSS" in Path("/proc/self/status").read_text(),
    "multiplies matrices": many_values,
    "knows time zones": time_zone,
    "loads and predicts a forest": lambda: predictions("model.joblib"),
    "loads and predicts with a histogram": lambda: predictions("boosting.joblib"),
    "writes to a null device": lambda: Path("/dev/null").write_text("x"),
    "signals itself": lambda: os.kill(os.getpid(), 0),
    "talks through the inherited socket": lambda: os.write(FACTS["inherited"], b"hello"),
}


def outcome(deed):
    try:
        return ["did", deed()]
    except BaseException as error:  # noqa: BLE001 - how it ended is the answer
        return [type(error).__name__, str(error)]


def told(deed):
    kind, said = outcome(deed)
    return [kind, said if isinstance(said, (str, int, float, bool, list)) else str(said)]


def main():
    held = dict(confine(VERSION, SCRATCH, FACTS["inherited"]))
    lines = Path("/proc/self/status").read_text().splitlines()
    status = {key: value.strip() for key, _, value in (line.partition(":") for line in lines) if key in STATUS}
    variables = sorted(os.environ)
    answer = {"held": held, "status": status, "variables": variables}
    answer["refused"] = {name: told(deed) for name, deed in REFUSED.items()}
    answer["works"] = {name: told(deed) for name, deed in WORKS.items()}
    print(json.dumps(answer))  # noqa: T201 - what the tests read


if __name__ == "__main__":
    main()
    sys.stdout.flush()
    os._exit(0)
