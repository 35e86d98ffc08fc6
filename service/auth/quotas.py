"""Requests and rows per minute, counted over all workers without a database call in any request.

A worker books units of a caller's calendar minute in the database ahead of their use, in the background, ``chunk`` at a
time: a fiftieth of the quota, at least one. What is not yet booked may be used up to one chunk; a request that needs
more waits a moment for the booking. So with W workers no more than ``quota + W * chunk`` is let through in a minute,
and none is refused before ``quota - (W - 1) * chunk`` has been. While the database is down, or takes longer than half a
second to book, every worker counts alone.
"""

import math
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

import sqlalchemy as sa
from sqlalchemy import Connection

from service.auth import tables
from service.auth.principals import Principal, Quota
from service.database.connection import Database, insert_missing
from service.errors import LargerThanQuota, QuotaExceeded, Unavailable
from service.metrics.access import AccessMetrics

MINUTE = 60
_SHARE = 50
_WAIT_SECONDS = 0.5
_KEEP_MINUTES = 2

_Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class _Need:
    """Units of one caller's minute to be booked: ``ask`` of them, the ``owed`` ones in any case."""

    subject: str
    resource: str
    minute: int
    ask: int
    owed: int
    limit: int


class _Fit(Enum):
    YES = "yes"
    AFTER_BOOKING = "after booking"
    NO = "no"


_YES, _AFTER_BOOKING, _NO = _Fit


@dataclass(slots=True)
class Meter:
    """One worker's view of one quota of one caller in one minute.

    ``booked`` units are this worker's own, ``used`` of them are gone (more, while a booking is under way); ``left`` is
    what nobody had booked when the database was last asked, ``wanted`` what a waiting request needs; ``chunk`` units
    are booked ahead at a time.
    """

    minute: int
    limit: int
    left: int
    chunk: int
    booked: int = 0
    used: int = 0
    wanted: int = 0

    def fits(self, units: int) -> _Fit:
        """Return whether so many units may be used now."""
        short = self.used + units - self.booked
        if short <= 0:
            return _YES
        if short > self.left:
            return _NO
        return _YES if short <= self.chunk else _AFTER_BOOKING

    def fits_alone(self, units: int) -> bool:
        """Return whether so many units may be used if the database cannot be asked."""
        return self.used + units <= self.limit

    def to_book(self) -> int:
        """Return how many units to book now: what is used or wanted beyond the booked ones, and a chunk ahead."""
        ahead = self.booked - self.used - self.wanted
        return 0 if ahead > self.chunk // 2 or (self.left <= 0 and ahead >= 0) else self.chunk - ahead

    @property
    def owed(self) -> int:
        """Units used that are not booked yet: booked even if the quota is used up."""
        return max(0, self.used - self.booked)

    @property
    def remaining(self) -> int:
        """How many units may still be used, as far as this worker knows."""
        return max(0, self.booked - self.used + self.left)


def chunk_of(limit: int) -> int:
    """Return how many units a worker books at a time, and may be wrong by."""
    return max(1, limit // _SHARE)


class Quotas:
    """All meters of one worker. ``wake`` asks the background thread to call ``book`` soon."""

    def __init__(self, database: Database, wake: Callable[[], None], clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._wake = wake
        self._clock = clock
        self._meters: dict[_Key, Meter] = {}
        self._lock = threading.RLock()
        self._condition = threading.Condition(self._lock)
        self._alone = False

    def charge(self, principal: Principal, rows: int) -> Mapping[str, str]:
        """Count one request with so many rows and return RateLimit headers.

        Raises QuotaExceeded, and LargerThanQuota, which counts nothing.
        """
        quota = principal.quota
        if quota.requests is None and quota.rows is None:
            return {}
        _check_size(quota, rows)
        deadline = 0.0
        with self._lock:
            while True:
                now = self._clock()
                charges = self._charges(principal, rows, int(now) // MINUTE)
                fits = [meter.fits(units) for _name, meter, units in charges]
                if fits.count(_YES) == len(fits):
                    return self._take(charges, now)
                if _NO in fits:
                    raise self._refusal(charges, now)
                deadline = deadline or time.monotonic() + _WAIT_SECONDS
                if not self._alone:
                    self._alone = not self._wait(charges, deadline)
                if self._alone:
                    return self._take_alone(charges, now)

    def book(self) -> None:
        """Book what the meters need, in one transaction. Raises Unavailable."""
        with self._lock:
            self._drop_old(int(self._clock()) // MINUTE)
            needs = [(meter, _need(key, meter)) for key, meter in self._in_order() if meter.to_book()]
        if not needs:
            return
        try:
            with self._database.writing() as connection:
                answers = [(meter, _book(connection, need)) for meter, need in needs]
        except Unavailable:
            self._alone = True
            raise
        with self._lock:
            self._alone = False
            for meter, (got, left) in answers:
                meter.booked += got
                meter.left = left
                meter.wanted = 0
            self._condition.notify_all()

    def delete_old(self, connection: Connection) -> None:
        """Delete the minutes that are over."""
        oldest = int(self._clock()) // MINUTE - _KEEP_MINUTES
        connection.execute(tables.quota_windows.delete().where(tables.quota_windows.c.minute < oldest))

    def _charges(self, principal: Principal, rows: int, minute: int) -> list[tuple[str, Meter, int]]:
        quota = principal.quota
        charges = []
        if quota.requests is not None:
            charges.append(("requests", self._meter((principal.subject, "requests"), quota.requests, minute), 1))
        if quota.rows is not None:
            charges.append(("rows", self._meter((principal.subject, "rows"), quota.rows, minute), rows))
        return charges

    def _meter(self, key: _Key, limit: int, minute: int) -> Meter:
        meter = self._meters.get(key)
        if meter is None or meter.minute != minute:
            meter = self._meters[key] = Meter(minute, limit, limit, chunk_of(limit))
        elif meter.limit != limit:
            meter.left += limit - meter.limit
            meter.limit, meter.chunk = limit, chunk_of(limit)
        return meter

    def _take(self, charges: list[tuple[str, Meter, int]], now: float) -> Mapping[str, str]:
        short = 0
        for _name, meter, units in charges:
            meter.used += units
            short += meter.to_book()
        if short:
            self._wake()
        return _headers(charges, now)

    def _take_alone(self, charges: list[tuple[str, Meter, int]], now: float) -> Mapping[str, str]:
        if not all(meter.fits_alone(units) for _name, meter, units in charges):
            raise self._refusal(charges, now)
        return self._take(charges, now)

    def _wait(self, charges: list[tuple[str, Meter, int]], deadline: float) -> bool:
        """Let the background book for this request; return False once the time for that is over."""
        for _name, meter, units in charges:
            meter.wanted = max(meter.wanted, units)
        self._wake()
        return self._condition.wait(max(0.0, deadline - time.monotonic()))

    def _refusal(self, charges: list[tuple[str, Meter, int]], now: float) -> QuotaExceeded:
        spent = next(((n, m, u) for n, m, u in charges if m.fits(u) is not _YES), charges[0])
        name, meter, units = spent
        AccessMetrics().quota_refused(name)
        error = QuotaExceeded(
            f"the quota is {meter.limit} {name} a minute: {units} more would be over it", retry_after=_seconds_left(now)
        )
        error.headers = dict(_headers(charges, now))
        return error

    def _in_order(self) -> list[tuple[_Key, Meter]]:
        """Return the meters in the order in which all workers lock rows: two that wait for each other would fail."""
        return sorted(self._meters.items(), key=lambda item: item[0])

    def _drop_old(self, minute: int) -> None:
        for key in [key for key, meter in self._meters.items() if meter.minute < minute]:
            del self._meters[key]


def _check_size(quota: Quota, rows: int) -> None:
    if quota.rows is not None and rows > quota.rows:
        AccessMetrics().quota_refused("rows")
        raise LargerThanQuota(
            f"the request has {rows} rows, and the quota is {quota.rows} rows a minute: "
            f"send at most {quota.rows} rows in one request"
        )


def _need(key: _Key, meter: Meter) -> _Need:
    return _Need(*key, meter.minute, meter.to_book(), meter.owed, meter.limit)


def _book(connection: Connection, need: _Need) -> tuple[int, int]:
    """Book up to what is asked for, at least what is owed; return how many units, and how many are left for all."""
    table = tables.quota_windows
    where = sa.and_(table.c.subject == need.subject, table.c.resource == need.resource, table.c.minute == need.minute)
    query = sa.select(table.c.booked).where(where).with_for_update()
    before = connection.execute(query).scalar()
    if before is None:
        values = {"subject": need.subject, "resource": need.resource, "minute": need.minute, "booked": 0}
        insert_missing(connection, table, values)
        before = connection.execute(query).scalar_one()
    got = max(need.owed, min(need.ask, need.limit - before))
    connection.execute(table.update().where(where).values(booked=table.c.booked + got))
    return got, max(0, need.limit - before - got)


def _headers(charges: list[tuple[str, Meter, int]], now: float) -> Mapping[str, str]:
    """Return each quota and its window, and what remains for how long (draft-ietf-httpapi-ratelimit-headers)."""
    seconds = _seconds_left(now)
    policy = ", ".join([_policy(name, meter.limit) for name, meter, _units in charges])
    state_now = ", ".join([f'"{name}";r={meter.remaining};t={seconds}' for name, meter, _units in charges])
    return {"RateLimit-Policy": policy, "RateLimit": state_now}


@lru_cache(maxsize=256)
def _policy(name: str, limit: int) -> str:
    return f'"{name}";q={limit};w={MINUTE}'


def _seconds_left(now: float) -> int:
    return max(1, math.ceil(MINUTE - now % MINUTE))
