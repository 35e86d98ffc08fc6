"""skops: an estimator's types and values without its code, of types that were reviewed.

skops itself holds the file, its parts, the arrays made of them, and the trees made of these, all at the same time. Here
files are written and read piece by piece, and each piece is let go of once something has been made of it.
"""

import io
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import skops
import skops.io
from skops.io._audit import Node, get_tree
from skops.io._numpy import NdArrayNode
from skops.io._sklearn import TreeNode
from skops.io._utils import SaveContext, get_state, gettype, read_schema

from model_store import npy
from model_store.artifacts.spending import SpentBytes
from model_store.artifacts.trusted_types import TRUSTED_TYPES
from model_store.artifacts.wording import words
from model_store.errors import ArtifactUnreadable

NAME = "skops"


def dump(estimator: Any, path: Path) -> None:
    """Write the estimator as skops, piece by piece. Raises ArtifactUnreadable if skops cannot hold it."""
    try:
        with ZipFile(path, "w") as archive:
            context = SaveContext(zip_file=archive)
            state = get_state(estimator, context)
            state |= {"protocol": context.protocol, "_skops_version": skops.__version__}
            archive.writestr("schema.json", json.dumps(state))
    except Exception as error:  # third-party __reduce__ and __getstate__ raise anything
        raise ArtifactUnreadable(f"skops cannot hold it: {words(error)}") from error


def load(file: io.RawIOBase) -> Any:
    """Return the estimator in a file. Raises ArtifactUnreadable for types that are not trusted, and errors of skops."""
    return load_with_types(file)[0]


def load_with_types(file: io.RawIOBase) -> tuple[Any, list[str]]:
    """Return the estimator in a file, and those of its types that the reviewed list trusts and skops does not.

    Raises ArtifactUnreadable for types that are not trusted, and errors of skops.
    """
    with ZipFile(file) as archive:
        schema, context = read_schema(archive)
        tree = get_tree(schema, replace(context, src=_ArraysLater(archive)), trusted=None)
        context.memo.clear()  # it holds all that is to be let go of
        beyond_default = tree.get_unsafe_set()
        _refuse(sorted(beyond_default - TRUSTED_TYPES))
        if isinstance(file, SpentBytes):
            file.spending = True
        _make_parts(tree, archive)
    return tree.construct(), sorted(beyond_default)


class _ArraysLater:
    """An archive that gives the name of an array's file in place of its content."""

    def __init__(self, archive: ZipFile) -> None:
        self._archive = archive

    def read(self, name: str) -> bytes:
        return name.encode() if name.endswith(".npy") else self._archive.read(name)


def _refuse(untrusted: list[str]) -> None:
    if untrusted:
        shown = ", ".join(untrusted[:5])
        raise ArtifactUnreadable(f"it holds types that are not on the reviewed list: {shown}")


def _make_parts(node: Node, archive: ZipFile) -> None:
    """Make arrays and scikit-learn's trees, which all else is made of, and let go of what they were made from."""
    for child in _children(node):
        _make_parts(child, archive)
    if isinstance(node, NdArrayNode) and node.type == "numpy" and node.buffer is not None:
        with archive.open(node.buffer.getvalue().decode()) as node.buffer:
            node._constructed = _array(node)  # noqa: SLF001 - construct() returns it from now on
        node.buffer, node.children = None, {}
    elif isinstance(node, TreeNode):
        node.construct()
        node.attrs, node.children = None, {}


def _array(node: NdArrayNode) -> Any:
    """Return a node's array, or the scalar that it is kept for."""
    values = npy.read(node.buffer)
    kind = f"{node.module_name}.{node.class_name}"
    return values if kind == "numpy.ndarray" else gettype(node.module_name, node.class_name)(values)


def _children(node: Node) -> Iterator[Node]:
    for child in node.children.values():
        entries = child.values() if isinstance(child, dict) else child if isinstance(child, list) else (child,)
        yield from (entry for entry in entries if isinstance(entry, Node))
