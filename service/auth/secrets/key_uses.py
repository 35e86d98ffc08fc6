"""When API keys were last used: noted in memory, written to the database seconds later and not once a request."""

from service.auth.tables import api_keys
from service.database.connection import Database


class KeyUses:
    """The uses of keys in this worker that are not in the database yet."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._uses: dict[str, int] = {}

    def note(self, key_id: str, at: float) -> None:
        """Note that a key was used; ``at`` is in seconds since 1970."""
        self._uses[key_id] = int(at)

    def write(self) -> None:
        """Write the noted uses to the database. Raises Unavailable, and they are lost then."""
        uses, self._uses = self._uses, {}
        if not uses:
            return
        with self._database.writing() as connection:
            for key_id, at in uses.items():
                connection.execute(api_keys.update().where(api_keys.c.id == key_id).values(last_used_at=at))
