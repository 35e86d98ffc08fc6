"""Asks one address over and over, as fast as it can, from several loopback addresses; prints the statuses as JSON.

``python -m tests.system.guesser PORT PATH SECONDS ADDRESSES``. Each request guesses a secret of another client id.
"""

import http.client
import json
import sys
import threading
import time
from collections import Counter

HEADERS = {"Content-Type": "application/x-www-form-urlencoded"}


def guess(port, path, until, own_address, statuses):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20, source_address=(own_address, 0))
    number = 0
    while time.monotonic() < until:
        number += 1
        guessed = f"grant_type=client_credentials&client_id=id-{own_address}-{number}&client_secret=mrs_1_{'x' * 43}"
        connection.request("POST", path, guessed, HEADERS)
        answer = connection.getresponse()
        answer.read()
        statuses[answer.status] += 1


def main(port, path, seconds, addresses):
    until, seen = time.monotonic() + seconds, [Counter() for _ in range(addresses)]
    threads = [
        threading.Thread(target=guess, args=(port, path, until, f"127.0.1.{number}", statuses))
        for number, statuses in enumerate(seen, 1)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sys.stdout.write(json.dumps([dict(statuses) for statuses in seen]))


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], float(sys.argv[3]), int(sys.argv[4]))
