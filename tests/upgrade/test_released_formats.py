"""Manifests of every released format stay readable."""

import json
from pathlib import Path

import pytest

from model_store.errors import BadManifest
from model_store.manifest import FORMAT, Manifest

RELEASED = {1: "manifest-1.json"}
"""The formats that a release has written, and a manifest of each that it wrote."""


def kept(number):
    return (Path(__file__).parent / "formats" / RELEASED[number]).read_bytes()


def test_a_manifest_of_each_format_is_kept():
    assert sorted(RELEASED) == list(range(1, FORMAT + 1)), "a format that is released needs a manifest in formats/"


@pytest.mark.parametrize("number", RELEASED)
def test_a_manifest_of_a_released_format_is_read_without_loss(number):
    document = json.loads(kept(number))
    assert document["format"] == number
    assert lost(document, json.loads(Manifest.from_bytes(kept(number)).to_bytes())) == []


def test_a_format_of_the_future_is_refused():
    document = {**json.loads(kept(1)), "format": FORMAT + 1}
    with pytest.raises(BadManifest, match=f"format {FORMAT}"):
        Manifest.from_json(document)


def lost(before, now, place=""):
    """Where what was written is not what is read; ``format`` is that of the reader, and more may be there."""
    if isinstance(before, dict) and isinstance(now, dict):
        pairs = [(before[name], now.get(name), f"{place}.{name}") for name in before if f"{place}.{name}" != ".format"]
    elif isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        pairs = [(old, new, f"{place}[{i}]") for i, (old, new) in enumerate(zip(before, now, strict=True))]
    else:
        return [] if before == now else [place]
    return [where for old, new, at in pairs for where in lost(old, new, at)]
