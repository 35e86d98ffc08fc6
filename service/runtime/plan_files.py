"""The files of a compiled version, on their way into a worker."""

import logging
from dataclasses import dataclass

from model_store.plans import files
from model_store.plans.plan import Plan
from model_store.stores.store import VerifiedVersion
from service.runtime.private_copies import Copy, PrivateCopies

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PlanFiles:
    """A plan's document, and its arrays: a copy to be mapped, or their bytes where there was no room for one."""

    document: bytes
    arrays: Copy | bytes

    @classmethod
    def of(cls, version: VerifiedVersion, copies: PrivateCopies) -> "PlanFiles":
        """Read the document and copy the arrays. Raises SealBroken, OSError."""
        return cls(version.read(files.PLAN), _arrays(version, copies))

    def plan(self) -> Plan:
        """Return the plan, which reads its arrays where they are. Raises SealBroken, OSError if the copy is lost."""
        content = self.arrays if isinstance(self.arrays, bytes) else self.arrays.mapped()
        return files.read(self.document, files.content(content))


def _arrays(version: VerifiedVersion, copies: PrivateCopies) -> Copy | bytes:
    try:
        return copies.make(version, files.ARRAYS)
    except OSError as error:
        manifest = version.manifest
        log.warning(
            "the arrays of version %d of %s cannot be copied to where workers share them (%s): they are held in memory",
            manifest.version,
            manifest.model,
            error,
        )
        return version.read(files.ARRAYS)
