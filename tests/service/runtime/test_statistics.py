"""Statistics: every replica's master is asked over its own port, and a sum is whole or none."""

import socket

import pytest

from model_store.replicas.presence import Unreachable
from service.errors import Unavailable
from service.management.pages import pages
from service.management.server import serve
from service.metrics.version_counts import VersionCounts
from service.runtime.announcer import Announcer
from service.runtime.catalog import CatalogSnapshot
from service.runtime.statistics import Statistics
from tests.model_store.replicas.memory_presence import MemoryPresence


def one(model="m", version="1", **counts):
    return {"model": model, "version": version, **counts}


@pytest.fixture
def presence():
    return MemoryPresence()


@pytest.fixture
def master():
    """Starts the management port of a replica that tells what it is given; gives its address."""
    servers = []

    def start(replica, *versions):
        told = {"replica": replica, "versions": list(versions)}
        server = serve("127.0.0.1:0", pages(alive=lambda: 1, ready=None, metrics=None, counts=lambda: told))
        servers.append(server)
        return f"127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def announce(presence, replica, address):
    Announcer(presence, replica, management=address).announce(CatalogSnapshot(), settled=True)


def test_the_counts_of_all_replicas_are_added_up(presence, master):
    announce(presence, "a", master("a", one(answered=2, rows=5, decode=0.5, last=20.0), one(version="2", answered=1)))
    announce(presence, "b", master("b", one(answered=3, refused=1, rows=7, decode=0.25, last=10.0)))
    announce(presence, "c", master("c"))
    assert Statistics(presence).read() == {
        ("m", "1"): VersionCounts(answered=5, refused=1, rows=12, decode=0.75, last=20.0),
        ("m", "2"): VersionCounts(answered=1),
    }


def test_what_later_releases_tell_as_well_is_left_out(presence, master):
    announce(presence, "a", master("a", one(answered=2, waited=3.0)))
    assert Statistics(presence).read() == {("m", "1"): VersionCounts(answered=2)}


def test_replicas_that_say_no_address_are_left_out(presence, master):
    announce(presence, "a", master("a", one(answered=2)))
    announce(presence, "of 0.1.0", "")
    assert Statistics(presence).read() == {("m", "1"): VersionCounts(answered=2)}


def closed_port():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return f"127.0.0.1:{taken.getsockname()[1]}"


@pytest.mark.parametrize("address", ["nowhere", "127.0.0.1:x", "127.0.0.1:70000"])
def test_no_sum_is_told_without_one_of_its_replicas(presence, master, address):
    announce(presence, "a", master("a", one(answered=2)))
    announce(presence, "b", address)
    with pytest.raises(Unavailable, match="'b' cannot be asked now"):
        Statistics(presence).read()


def test_a_replica_whose_port_is_closed_is_named(presence):
    announce(presence, "gone", closed_port())
    with pytest.raises(Unavailable, match="'gone' cannot be asked now"):
        Statistics(presence).read()


def test_an_address_at_which_another_replica_answers_is_not_counted_twice(presence, master):
    address = master("a", one(answered=2))
    announce(presence, "a", address)
    announce(presence, "on another machine", address)
    with pytest.raises(Unavailable, match="'on another machine' cannot be asked now"):
        Statistics(presence).read()


@pytest.mark.parametrize("version", [{}, {"model": "m"}, one(answered="many"), one(answered=None)])
def test_a_page_that_cannot_be_understood_is_no_answer(presence, master, version):
    announce(presence, "a", master("a", version))
    with pytest.raises(Unavailable):
        Statistics(presence).read()


def test_while_nobody_says_where_to_ask_there_are_no_statistics(presence):
    with pytest.raises(Unavailable, match="no replica says where"):
        Statistics(presence).read()


def test_while_replicas_cannot_find_each_other_there_are_no_statistics(presence, master):
    announce(presence, "a", master("a"))
    presence.trouble = Unreachable("the folder is away")
    with pytest.raises(Unavailable, match="cannot be asked now"):
        Statistics(presence).read()
