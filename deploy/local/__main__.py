"""`make run`: the whole stack on this machine, in the foreground, from nothing to serving and down again."""

import os
import shlex
import sys
import time

from deploy.local import preparation
from deploy.local.console import say
from deploy.local.settings import ROOT, CannotRun, LocalSettings, read, remember
from deploy.local.stack import Stack

_DEMO = "iris"
_DEMO_ROWS = '{"instances": [[5.1, 3.5, 1.4, 0.2]]}'


def main() -> int:
    """Run until interrupted; return 0 after an orderly end, 1 if the stack could not run."""
    os.chdir(ROOT)
    os.umask(0o077)  # state and logs say who calls and what for
    began = time.monotonic()
    try:
        settings = read()
        lock = preparation.make_folders(settings)
        with lock:
            _run(settings, began)
    except CannotRun as error:
        print(f"\nmillrace: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:  # before there is anything to stop
        return 130
    return 0


def _run(settings: LocalSettings, began: float) -> None:
    preparation.check_certificate(settings)
    preparation.make_secrets(settings)
    stack = Stack(settings)
    stack.check_ports()
    preparation.check_store(settings)
    preparation.publish_demo_models(settings)
    preparation.note_store(settings)
    say(f"starting {settings.replicas} replicas, logs in {settings.var / 'log'}")
    remember(settings)
    try:
        stack.start()
        if not stack.interrupted:
            print(_welcome(settings, time.monotonic() - began), flush=True)
            stack.supervise()
        say("stopping: finishing what has begun (once more to stop at once)")
    finally:
        stack.stop()
    say("stopped")


def _welcome(settings: LocalSettings, seconds: float) -> str:
    certificate = f" --cacert {settings.texts['TLS_CERT']}" if settings.tls else ""
    folder = settings.var_dir
    make = (
        "make -s token" if folder == LocalSettings.var_dir.default else f"make -s token VAR_DIR={shlex.quote(folder)}"
    )
    header = f'-H "Authorization: Bearer $({make})"'
    demo = (settings.store / _DEMO).is_dir()
    call = f"/v1/models/{_DEMO}:predict -d '{_DEMO_ROWS}'" if demo else "/v1/models"
    return f"""
  Millrace serves on {settings.url} after {seconds:.1f} s. In another shell, in this folder:

      curl -s{certificate} {header} {settings.url}{call}

  Every route: {settings.url}/docs     Stop: Ctrl-C
"""


if __name__ == "__main__":
    sys.exit(main())
