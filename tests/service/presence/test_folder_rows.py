import pytest

from service.metrics.instruments import child
from service.presence.folder_rows import FolderRows
from service.presence.recent_rows import MOST_WORKERS
from tests.service.presence.recent_rows_contract import RECORDS, RecentRowsContract, key, row


def rows_in(*folders, replica="replica 1"):
    return FolderRows(folders, replica=replica, records=RECORDS)


class TestFolderRows(RecentRowsContract):
    @pytest.fixture
    def rows(self, tmp_path):
        return rows_in(tmp_path / "shared", tmp_path / "own")

    @pytest.fixture
    def again(self, tmp_path):
        return lambda: rows_in(tmp_path / "shared", tmp_path / "own2", replica="replica 2")


def test_the_file_of_a_worker_does_not_grow(tmp_path):
    rows = rows_in(tmp_path)
    for i in range(3 * RECORDS):
        rows.remember([row(str(i))])
    (ring,) = tmp_path.glob("*.ring")
    assert ring.stat().st_size == RECORDS * 40


def test_where_the_first_folder_cannot_be_written_the_next_is(tmp_path):
    (tmp_path / "file").write_text("no folder")
    rows_in(tmp_path / "file", tmp_path / "own").remember([row("a")])
    assert list(rows_in(tmp_path / "own").find([key("a")])) == [key("a")]


def test_files_of_workers_that_are_gone_are_bounded(tmp_path):
    for i in range(MOST_WORKERS + 3):
        rows_in(tmp_path, replica=str(i)).remember([row(str(i))])
    assert len(list(tmp_path.glob("*.ring"))) == MOST_WORKERS


def test_a_file_that_went_meanwhile_is_marked_by_nobody(tmp_path):
    rows = rows_in(tmp_path)
    rows.remember([row("a")])
    found = list(rows.find([key("a")])[key("a")].values())
    next(tmp_path.glob("*.ring")).unlink()
    assert rows.mark(found) == set()


def test_a_ring_has_its_room_on_the_disk_before_anything_is_written(tmp_path):
    rows_in(tmp_path).remember([row("a")])
    (ring,) = tmp_path.glob("*.ring")
    assert ring.stat().st_blocks * 512 >= RECORDS * 40


def test_rows_that_have_no_room_are_counted_and_leave_no_file(tmp_path):
    unwritten = child("millrace_unwritten_total", "recent_prediction")
    before = unwritten._value.get()
    FolderRows([tmp_path], replica="replica", records=2**50).remember([row("a"), row("b")])
    assert unwritten._value.get() - before == 2
    assert list(tmp_path.iterdir()) == []
