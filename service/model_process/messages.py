"""What a worker and a model process say to each other: the head of each frame, as MessagePack with fixed fields."""

from typing import Literal

import msgspec

NO_ENGINE = "no_engine"
"""The code of a version whose answers are not the stored ones."""
Form = Literal["raw", "text", "gaps"]
"""How an array lies in a frame's body: see ``service.model_process.arrays``."""


class Piece(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """One array in the body, after the ones before it: its name, dtype, shape, form, and bytes."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    form: Form
    bytes: int


class Load(msgspec.Struct, frozen=True, tag="load", forbid_unknown_fields=True):
    """Load the version: by its plan or not, trying faster engines or not, finding out what is joined or not."""

    plan: bool
    candidates: bool
    joins: bool


class Ready(msgspec.Struct, frozen=True, tag="ready", forbid_unknown_fields=True):
    """The version answers its golden rows.

    ``engine`` executes it, ``joins`` has outputs that are joined with the most rows, ``held`` the parts of its
    confinement with whether they hold.
    """

    engine: str
    joins: dict[str, int]
    held: dict[str, bool]


class Failed(msgspec.Struct, frozen=True, tag="failed", forbid_unknown_fields=True):
    """The version cannot be loaded: the error's code, what is wrong, and the traceback for the log."""

    code: str
    text: str
    trace: str


class Ask(msgspec.Struct, frozen=True, tag="ask", forbid_unknown_fields=True):
    """Predict these outputs for so many rows. ``matrix`` says that the one array in the body is the batch's matrix."""

    rows: int
    outputs: tuple[str, ...]
    matrix: bool
    pieces: tuple[Piece, ...]


class Answer(msgspec.Struct, frozen=True, tag="answer", forbid_unknown_fields=True):
    """The outputs, in the order in which they were asked for, and how many seconds it took."""

    seconds: float
    pieces: tuple[Piece, ...]


class Refusal(msgspec.Struct, frozen=True, tag="refusal", forbid_unknown_fields=True):
    """No answer. ``input``: the estimator refused the rows; ``invalid``: they are none that it can be asked.

    ``contract``: it answered what its schema does not declare; ``failed``: all else. ``trace`` is for the log alone.
    """

    kind: Literal["input", "invalid", "contract", "failed"]
    text: str
    trace: str


Message = Load | Ready | Failed | Ask | Answer | Refusal
