import os

import pytest

from service.disk.room import Room
from service.settings.kinds import Reserve, reserve, written


def test_a_disk_with_less_than_its_reserve_is_named(tmp_path):
    assert str(tmp_path) in Room([tmp_path], Reserve(bytes=2**60)).shortage()
    assert Room([tmp_path], Reserve(bytes=1)).shortage() == ""


def test_what_is_about_to_be_written_counts(tmp_path):
    disk = os.statvfs(tmp_path)
    room = Room([tmp_path], Reserve(bytes=1))
    assert room.shortage(more=1) == ""
    assert room.shortage(more=2 * disk.f_bavail * disk.f_frsize) != ""


def test_a_folder_that_is_not_there_is_passed_over(tmp_path):
    assert Room([tmp_path / "none"], Reserve(bytes=2**60)).shortage() == ""


def test_the_disks_are_looked_at_once_a_second(tmp_path):
    now = [100.0]
    room = Room([tmp_path / "later"], Reserve(bytes=2**60), clock=lambda: now[0])
    assert room.shortage() == ""
    (tmp_path / "later").mkdir()
    assert room.shortage() == ""
    now[0] += 1.0
    assert room.shortage() != ""


@pytest.mark.parametrize(
    ("text", "kept"),
    [("2%", 20), ("0.5%", 5), ("7", 7), ("0", 0), ("50%", 500)],
    ids=["2%", "half", "bytes", "0", "50%"],
)
def test_a_reserve_is_a_share_or_bytes(text, kept):
    assert reserve.read(text).of(1000) == kept
    assert reserve.read(written(reserve.read(text))) == reserve.read(text)


@pytest.mark.parametrize("text", ["51%", "-1", "-1%", "much", "%"])
def test_what_is_no_reserve_is_refused(text):
    with pytest.raises(ValueError, match=r"^$|could not convert"):
        reserve.read(text)
