"""The releases whose state and code this tree has to go together with."""

import io
import json
import shutil
import sqlite3
import subprocess
import tarfile
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from tests.system.running import ROOT
from tests.upgrade import calls

HERE = Path(__file__).parent
CODE = ("deploy", "examples", "model_store", "monitoring", "nginx", "service")
"""The folders that a stack runs from."""


@dataclass(frozen=True)
class Release:
    """A released version: the name of its files here, its commit, and the migration that its database is at."""

    name: str
    commit: str
    schema: str

    @property
    def archive(self):
        """Its state."""
        return HERE / f"{self.name}.tar.gz"

    def recorded(self):
        """What it was asked and what it answered: pairs of dialect, call and answer."""
        for dialect in calls.DIALECTS:
            for document in json.loads((HERE / self.name / f"{dialect}.json").read_text()):
                yield dialect, *calls.from_json(document)


FIRST = Release("first-release", "5fbac4ef8db1fbc3af9041c42cc0f4446365e477", "0001")


def check_out(commit, folder):
    """The code of a commit, in a folder; raises CalledProcessError where the history does not have it."""
    made = subprocess.run(["git", "archive", commit, *CODE], cwd=ROOT, check=True, capture_output=True)
    with tarfile.open(fileobj=io.BytesIO(made.stdout)) as tar:
        tar.extractall(folder, filter="data")
    return folder


def copy_of_this_tree(folder):
    """The code as it is now, in a folder."""
    for name in CODE:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def unpack(release, folder):
    """A release's state in a folder, as old as if it had been made just now; returns its credentials."""
    with tarfile.open(release.archive) as tar:
        tar.extractall(folder, filter="data")
    make_young(folder / "var" / "state" / "millrace.db")
    return json.loads((folder / "credentials.json").read_text())


def make_young(database):
    """Move what expires by the age of the state. The audit's times are sealed in its chain and stay."""
    moved = {
        "refresh_tokens": ("created_at", "expires_at", "used_at"),
        "revocations": ("expires_at",),
        "clients": ("previous_until",),
        "api_keys": ("expires_at",),
        "operations": ("created_at", "seen_at", "finished_at"),
    }
    with closing(sqlite3.connect(database)) as connection, connection:
        made = connection.execute("SELECT max(created_at) FROM operations").fetchone()[0]
        for table, columns in moved.items():
            changes = ", ".join(f"{column} = {column} + :age" for column in columns)
            age = {"age": int(time.time()) - made}
            connection.execute(f"UPDATE {table} SET {changes}", age)  # noqa: S608 - names of ours
