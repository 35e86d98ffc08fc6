"""Files that appear whole."""

import os

import pytest

from model_store import atomic_file


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("durable", [False, True])
def test_a_file_is_made_and_replaced(tmp_path, durable):
    path = tmp_path / "pointer.json"
    for content in (b"one", b"two"):
        atomic_file.write(path, content, durable=durable)
        assert path.read_bytes() == content
    assert names(tmp_path) == ["pointer.json"]


def test_a_file_that_is_there_stays_if_it_must_not_be_replaced(tmp_path):
    path = tmp_path / "secret"
    atomic_file.write(path, b"one", replace=False)
    with pytest.raises(FileExistsError):
        atomic_file.write(path, b"two", replace=False)
    assert path.read_bytes() == b"one"
    assert names(tmp_path) == ["secret"]


def test_the_new_file_has_the_mode_that_was_asked_for(tmp_path):
    path = tmp_path / "secret"
    path.write_bytes(b"readable by all")
    atomic_file.write(path, b"hidden", mode=0o600)
    assert path.stat().st_mode & 0o777 == 0o600


def test_without_a_mode_the_umask_decides(tmp_path):
    before = os.umask(0o027)
    try:
        atomic_file.write(tmp_path / "page", b"")
    finally:
        os.umask(before)
    assert (tmp_path / "page").stat().st_mode & 0o777 == 0o640


def half_way(path):
    with atomic_file.replacing(path) as beside:
        beside.write_bytes(b"half")
        raise RuntimeError("the disk is full")


def test_a_writer_that_fails_leaves_what_was_there(tmp_path):
    path = tmp_path / "archive"
    path.write_bytes(b"whole")
    with pytest.raises(RuntimeError):
        half_way(path)
    assert path.read_bytes() == b"whole"
    assert names(tmp_path) == ["archive"]


def test_a_reader_sees_the_old_file_until_the_new_one_is_whole(tmp_path):
    path = tmp_path / "archive"
    path.write_bytes(b"old")
    with atomic_file.replacing(path) as beside:
        beside.write_bytes(b"new")
        assert path.read_bytes() == b"old"
        assert beside.name.startswith(atomic_file.WRITING)
    assert path.read_bytes() == b"new"


def test_a_folder_that_is_missing_is_said(tmp_path):
    with pytest.raises(FileNotFoundError):
        atomic_file.write(tmp_path / "nowhere" / "file", b"")
