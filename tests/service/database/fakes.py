"""Databases that do not answer, for tests of what happens then."""

from contextlib import contextmanager

from service.database.connection import Database
from service.errors import Unavailable


class FailingDatabase(Database):
    """A database that answers until ``away`` is set; counts how often it was asked."""

    def __init__(self, *arguments, away=False):
        super().__init__(*arguments)
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
