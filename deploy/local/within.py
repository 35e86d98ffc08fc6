"""Runs a module of Millrace as the local stack is set: python -m deploy.local.within model_store list."""

import os
import sys

from deploy.local.settings import ROOT, CannotRun, read


def main() -> None:
    """Become ``python -m MODULE ARGUMENTS…`` with the stack's environment."""
    module, *arguments = sys.argv[1:]
    try:
        settings = read(of_running=True)
    except CannotRun as error:
        sys.exit(f"millrace: {error}")
    if module == "service.auth" and arguments[:1] == ["token"]:
        if not settings.client.is_file():
            sys.exit("millrace: there is no demo client yet: `make run` makes it")
        arguments += ["--client-file", str(settings.client)]
    os.chdir(ROOT)
    os.execve(  # noqa: S606 - the arguments are the person's own
        sys.executable, [sys.executable, "-m", module, *arguments], settings.environment()
    )


if __name__ == "__main__":
    main()
