"""Somebody guesses secrets at the token endpoint as fast as they can; those who predict do not notice."""

import json
import statistics
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NOWHERE = "/nowhere"
"""What Nginx answers itself: as busy an attacker, and nothing to do for a replica."""
ROUNDS, SECONDS = 3, 4
AT_ONCE, A_SECOND = {1: 11, 40: 41}, {1: 5, 40: 20}
"""How many guesses Nginx lets pass at once, and a second: of one address, and of all."""


def flood(stack, path, addresses, load):
    """The 99th percentile of predictions, in seconds, and the attackers' statuses, while a flood lasts."""
    command = [sys.executable, "-m", "tests.system.guesser", str(stack.port), path, str(SECONDS + 1), str(addresses)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as attack:
        time.sleep(0.5)  # until it runs
        with load(clients=2) as predicting:
            time.sleep(SECONDS)
        told = json.loads(attack.communicate(timeout=60)[0])
    assert predicting.failed == []
    seen = [{int(status): count for status, count in statuses.items()} for statuses in told]
    return statistics.quantiles((one.seconds for one in predicting.seen), n=100)[-1], seen


@pytest.mark.slow
@pytest.mark.parametrize("addresses", [1, 40], ids=["one address", "forty addresses"])
def test_predictions_are_as_fast_while_secrets_are_guessed(stack, load, addresses):
    calm, attacked, statuses = [], [], Counter()
    for _ in range(ROUNDS):
        calm.append(flood(stack, NOWHERE, addresses, load)[0])
        slowest, seen = flood(stack, "/oauth/token", addresses, load)
        attacked.append(slowest)
        for one in seen:
            statuses.update(one)
    ratio = statistics.median(attacked) / statistics.median(calm)
    seconds = ROUNDS * (SECONDS + 1)
    assert set(statuses) <= {401, 429, 503}
    assert statuses[401] <= ROUNDS * AT_ONCE[addresses] + A_SECOND[addresses] * seconds * 2
    assert statuses[429] > statuses[401] or addresses > 1
    assert ratio < 3, (calm, attacked, statuses)
