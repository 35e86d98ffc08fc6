"""`make predict`: one prediction through Nginx, by default with the demo model of irises."""

import argparse
import http.client
import json
import ssl
import subprocess
import sys
from urllib.parse import quote, urlsplit

from deploy.local.settings import ROOT, CannotRun, LocalSettings, read


def main() -> int:
    """Ask, and print the response; return 1 if it was no prediction."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="iris")
    parser.add_argument("--rows", type=json.loads, default=[[5.1, 3.5, 1.4, 0.2]], help="JSON: a list of rows")
    given = parser.parse_args()
    try:
        settings = read(of_running=True)
        status, answer = _ask(settings, given.model, given.rows)
    except (CannotRun, OSError) as error:
        sys.exit(f"millrace: {error}")
    print(answer)
    return 0 if status == http.client.OK else 1


def _ask(settings: LocalSettings, model: str, rows: object) -> tuple[int, str]:
    where = urlsplit(settings.url)
    if settings.tls:
        trusted = ssl.create_default_context(cafile=str(ROOT / settings.texts["TLS_CERT"]))
        connection: http.client.HTTPConnection = http.client.HTTPSConnection(where.netloc, timeout=60, context=trusted)
    else:
        connection = http.client.HTTPConnection(where.netloc, timeout=60)
    headers = {"Authorization": f"Bearer {_token(settings)}", "Content-Type": "application/json"}
    body = json.dumps({"instances": rows})
    try:
        connection.request("POST", f"/v1/models/{quote(model)}:predict", body, headers)
    except ConnectionRefusedError:
        raise CannotRun(f"Nothing answers on {settings.url}: is `make run` running?") from None
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


def _token(settings: LocalSettings) -> str:
    if not settings.client.is_file():
        raise CannotRun("There is no demo client yet: `make run` makes it.")
    command = [sys.executable, "-m", "service.auth", "token", "--client-file", str(settings.client)]
    asked = subprocess.run(
        command, cwd=ROOT, env=settings.environment(), check=False, stdout=subprocess.PIPE, text=True
    )
    if asked.returncode:
        raise CannotRun("There is no token, for the reason above.")
    return asked.stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
