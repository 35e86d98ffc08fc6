"""The audit chain: nothing in it can be changed unseen, and a killed writer leaves it whole."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
import sqlalchemy as sa

from service.audit.entry import Entry
from service.audit.log import AuditLog
from service.audit.search import Search
from service.database.connection import Database

KEY = b"k" * 40


@pytest.fixture
def database(database_url):
    database = Database(database_url)
    yield database
    database.close()


@pytest.fixture
def audit(database):
    audit = AuditLog(database, KEY)
    for number in range(6):
        audit.record(
            Entry("client:a" if number % 2 else "client:b", "token.issue", f"thing-{number}", detail={"n": number})
        )
    return audit


@pytest.fixture
def tamper(database):
    """Changes the table as someone would who got round the database's own refusal."""

    def tamper(statement):
        with database.writing() as connection:
            if database.sqlite:
                connection.exec_driver_sql("DROP TRIGGER audit_no_update")
                connection.exec_driver_sql("DROP TRIGGER audit_no_delete")
            else:
                connection.exec_driver_sql("DROP TRIGGER audit_no_change ON audit")
            connection.exec_driver_sql(statement)

    return tamper


def test_an_untouched_chain_is_whole(audit):
    assert audit.verify() == (6, None)


@pytest.mark.parametrize("statement", ["UPDATE audit SET actor = 'x'", "DELETE FROM audit"])
def test_the_database_itself_refuses_changes(audit, database, statement):
    with pytest.raises(sa.exc.DBAPIError), database.engine.begin() as connection:
        connection.exec_driver_sql(statement)
    assert audit.verify() == (6, None)


@pytest.mark.parametrize(
    ("statement", "number"),
    [
        ("UPDATE audit SET actor = 'client:c' WHERE number = 3", 3),
        ("UPDATE audit SET detail = '{}' WHERE number = 2", 2),
        ("UPDATE audit SET at = '2020-01-01T00:00:00.000000Z' WHERE number = 5", 5),
        ("UPDATE audit SET previous = digest WHERE number = 4", 4),
        ("DELETE FROM audit WHERE number = 1", 1),
        ("DELETE FROM audit WHERE number = 4", 4),
        ("DELETE FROM audit WHERE number = 6", 6),
        ("UPDATE audit_head SET number = 5", 7),
    ],
)
def test_the_first_broken_link_is_named(audit, tamper, statement, number):
    tamper(statement)
    _intact, broken = audit.verify()
    assert broken is not None
    assert broken.number == number


def test_a_chain_made_anew_with_another_key_does_not_pass(audit, database):
    assert AuditLog(database, b"x" * 40).verify()[1].number == 1


def test_writers_at_once_leave_one_chain(audit, database_url):
    script = textwrap.dedent("""
        import sys
        from service.audit.entry import Entry
        from service.audit.log import AuditLog
        from service.database.connection import Database
        audit = AuditLog(Database(sys.argv[1]), b"k" * 40)
        for number in range(30):
            audit.record(Entry("writer", "test", str(number)))
    """)
    writers = [subprocess.Popen([sys.executable, "-c", script, database_url]) for _ in range(3)]
    assert [writer.wait() for writer in writers] == [0, 0, 0]
    assert audit.verify() == (96, None)


def test_a_writer_killed_in_the_middle_leaves_the_chain_whole(audit, database_url):
    script = textwrap.dedent("""
        import sys
        from service.audit.entry import Entry
        from service.audit.log import AuditLog
        from service.database.connection import Database
        audit = AuditLog(Database(sys.argv[1]), b"k" * 40)
        while True:
            audit.record(Entry("writer", "test", detail={"padding": "x" * 2000}))
            print("recorded", flush=True)
    """)
    for _ in range(3):
        writer = subprocess.Popen([sys.executable, "-c", script, database_url], stdout=subprocess.PIPE)
        writer.stdout.readline()
        time.sleep(0.1)
        os.kill(writer.pid, signal.SIGKILL)
        writer.wait()
        writer.stdout.close()
    entries, broken = audit.verify()
    assert broken is None
    assert entries > 6
    audit.record(Entry("after", "test"))
    assert audit.verify() == (entries + 1, None)


def test_the_record_can_be_searched_and_paged(audit):
    assert [e["target"] for e in audit.find(Search(actor="client:a"))] == ["thing-5", "thing-3", "thing-1"]
    first = audit.find(Search(limit=4))
    rest = audit.find(Search(limit=4, before=first[-1]["number"]))
    assert [entry["number"] for entry in first + rest] == [6, 5, 4, 3, 2, 1]
    assert audit.find(Search(until="2020")) == []
    assert len(audit.find(Search(since="2020", action="token.issue", outcome="ok"))) == 6


def test_what_an_entry_quotes_is_cut_and_made_harmless(audit):
    audit.record(Entry("a" * 9999, "x", "line\nbreak\x1b[31m\ud800", detail={"much": "x" * 10_000}))
    entry = audit.find(Search(limit=1))[0]
    assert len(entry["actor"]) == 512
    assert entry["target"].isprintable()
    assert "left_out" in entry["detail"]
    assert audit.verify() == (7, None)


def test_the_command_names_the_first_broken_link(audit, tamper, database_url, tmp_path):
    (tmp_path / "audit.key").write_bytes(b"q7RwZ2mK9pXvT4sJ8nLcB6yHdF3gQ1aE5uWoIiOk")
    environment = {**os.environ, "DATABASE_URL": database_url, "AUDIT_KEY_FILE": str(tmp_path / "audit.key")}
    command = [sys.executable, "-m", "service.auth", "verify-audit", "--json"]
    root = Path(__file__).parents[3]
    found = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, cwd=root)
    assert found.returncode == 2
    assert '"first_broken": 1' in found.stdout
