"""Databases that do not answer, for tests of what happens then."""

import time
from contextlib import contextmanager

from service.database.connection import Database
from service.errors import Unavailable


class FailingDatabase(Database):
    """A database that answers until ``away`` is set; counts how often it was asked."""

    def __init__(self, url, clock=time.time, *, away=False):
        super().__init__(url, clock)
        self.away = away
        self.asked = 0

    @contextmanager
    def reading(self):
        self._answer()
        with super().reading() as connection:
            yield connection

    @contextmanager
    def writing(self):
        self._answer()
        with super().writing() as connection:
            yield connection

    def _answer(self):
        self.asked += 1
        if self.away:
            raise Unavailable("the database is away")
