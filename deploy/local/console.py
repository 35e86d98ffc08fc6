"""What the person at the terminal sees: steps, events, and every ten seconds what Nginx has answered."""

import re
import time
from collections import Counter
from pathlib import Path

_STATUS = re.compile(rb'"http\.response\.status_code":(\d)')
_PAUSE = 10.0


def say(text: str) -> None:
    """Write one line with the time."""
    print(f"{time.strftime('%H:%M:%S')}  {text}", flush=True)


class Traffic:
    """Counts the answers in Nginx's access log by the first digit of their status."""

    def __init__(self, access_log: Path) -> None:
        self._log = access_log
        self._read = access_log.stat().st_size if access_log.is_file() else 0
        self._due = time.monotonic() + _PAUSE

    def report(self) -> str | None:
        """Give a line on the requests since the last one; None if it is not time, or if there were none."""
        if time.monotonic() < self._due:
            return None
        self._due = time.monotonic() + _PAUSE
        counts = self._fresh()
        if not counts:
            return None
        kinds = ", ".join(f"{number} of {digit.decode()}xx" for digit, number in sorted(counts.items()))
        return f"{sum(counts.values())} requests in the last {_PAUSE:.0f} s: {kinds}"

    def _fresh(self) -> Counter[bytes]:
        """Count what is new line by line: ten seconds of a busy log are many megabytes."""
        with self._log.open("rb") as log:
            if self._log.stat().st_size < self._read:  # it was put aside
                self._read = 0
            log.seek(self._read)
            counts = Counter(digit for line in log for digit in _STATUS.findall(line))
            self._read = log.tell()
        return counts
