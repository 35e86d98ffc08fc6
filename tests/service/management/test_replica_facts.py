"""What a master tells at a scrape, from a store and announcements on disk."""

import json
import os
import time
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from model_store import channels
from model_store.replicas.presence import Record
from model_store.schema import Column, Output, Schema
from model_store.stores.folder import FolderStore
from service.management.replica_facts import Objectives, ReplicaFacts
from service.metrics.catalogue import BY_NAME
from tests.model_store.replicas.memory_presence import MemoryPresence

OBJECTIVES = Objectives(0.999, 0.99, 0.25)


class Shelf(FolderStore):
    """A store whose versions are known without being there."""

    def models(self):
        return ["iris"]

    def versions(self, _name):
        return [1, 2]

    def manifest(self, _name, _version):
        return SimpleNamespace(created="2026-01-02T03:04:05+00:00", bytes=1000, schema=SimpleNamespace(names=()))


@pytest.fixture
def store(tmp_path):
    store = Shelf(tmp_path / "models")
    store.model_folder("iris").mkdir(parents=True)
    return store


@pytest.fixture
def facts(store, tmp_path):
    (tmp_path / "run").mkdir()
    channels.promote(store, "iris", 2, "someone")
    return ReplicaFacts(store, MemoryPresence(), "replica-1", tmp_path / "run", OBJECTIVES)


def announce(facts, replica, states, pid=None):
    model = {
        "generation": channels.read(facts.store, "iris").generation,
        "pointers": {"stable": 2},
        "states": {str(v): {"state": state, "reason": "because"} for v, state in states.items()},
        "trouble": "",
    }
    told = {
        "format": 1, "replica": replica, "pid": pid or os.getpid(), "started": time.time(), "at": time.time(),
        "memory": 1, "settled": True, "models": {"iris": model},
    }  # fmt: skip
    facts.presence.announce(Record(replica, told["pid"], json.dumps(told).encode()))


def told(facts):
    return {(name, labels): value for name, labels, value in facts()}


def test_every_reading_is_declared_with_as_many_labels(facts, store):
    announce(facts, "replica-1", {2: "READY"})
    for name, labels, _ in facts():
        assert len(BY_NAME[name].labels) == len(labels), name
        assert BY_NAME[name].origin == "replica"


def test_channels_and_states_of_this_replica_are_told(facts, store):
    announce(facts, "replica-1", {2: "READY"}, pid=11)
    announce(facts, "replica-1", {2: "LOADING"}, pid=12)
    announce(facts, "replica-2", {2: "FAILED"}, pid=13)
    readings = told(facts)
    assert readings["millrace_model_channel_version", ("iris", "stable")] == 2
    assert readings["millrace_model_state", ("iris", "2", "READY")] == 1
    assert readings["millrace_model_state", ("iris", "2", "LOADING")] == 1
    assert ("millrace_model_state", ("iris", "2", "FAILED")) not in readings
    assert readings["millrace_versions_converged", ("iris",)] == 0


def test_a_replica_whose_workers_follow_has_converged(facts, store):
    announce(facts, "replica-1", {2: "READY"})
    assert told(facts)["millrace_versions_converged", ("iris",)] == 1


def test_a_version_that_failed_is_no_news_once_nobody_wants_it(facts, store):
    announce(facts, "replica-1", {2: "READY", 1: "FAILED"})
    assert ("millrace_model_state", ("iris", "1", "FAILED")) not in told(facts)
    assert facts.current() == {("iris", "2")}


class Profiled(Shelf):
    """A store whose versions have a profile of the first release, with texts among its values."""

    def manifest(self, name, version):
        columns = (Column("mail", "string"), Column("city", "string", categories=("Oslo", "Rome")))
        found = super().manifest(name, version)
        found.schema = Schema("table", columns, (Output("predict", "float64"),))
        return found

    def read(self, _name, _version, _file):
        def values(*names):
            return {"kind": "categorical", "missing": 0.0, "values": [[name, 0.5] for name in names], "other": 0.0}

        features = {"mail": values("anna@example.org", "bo@example.org"), "city": values("Oslo", "Rome")}
        return json.dumps({"format": 1, "rows": 120, "features": features, "outputs": {}}).encode()


def test_the_sample_is_told_by_its_rows_and_categories_and_without_its_texts(facts, tmp_path):
    facts.store = Profiled(tmp_path / "models")
    facts.profile_features = 10
    readings = told(facts)
    assert readings["millrace_profile_sample_rows", ("iris", "2")] == 120
    reference = "millrace_feature_reference_ratio"
    bins = {labels[3:]: share for (name, labels), share in readings.items() if name == reference}
    assert bins == {
        ("mail", "other"): 1,
        ("mail", "missing"): 0,
        ("city", "00 Oslo"): 0.5,
        ("city", "01 Rome"): 0.5,
        ("city", "other"): 0,
        ("city", "unseen"): 0,
        ("city", "missing"): 0,
    }


def test_the_certificates_expiry_is_told(facts, tmp_path):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    expires = datetime.now(UTC).replace(microsecond=0) + timedelta(days=30)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(expires - timedelta(days=60))
        .not_valid_after(expires)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path / "tls.crt"
    from cryptography.hazmat.primitives.serialization import Encoding

    file.write_bytes(certificate.public_bytes(Encoding.PEM))
    facts.certificate = file
    assert told(facts)["millrace_certificate_expiry_timestamp_seconds", ()] == expires.timestamp()


def test_a_part_that_cannot_be_read_leaves_the_others(facts, tmp_path):
    facts.certificate = tmp_path / "absent.crt"
    readings = told(facts)
    assert readings["millrace_slo_availability_objective_ratio", ()] == 0.999
    assert readings["millrace_slo_latency_objective_ratio", ("0.25",)] == 0.99
    assert readings["millrace_disk_size_bytes", ("run",)] > 0


def test_an_objective_that_no_bucket_can_measure_is_refused():
    with pytest.raises(ValueError, match=r"SLO_LATENCY_SECONDS is 0\.3"):
        Objectives(0.999, 0.99, 0.3)


def test_what_holds_of_the_confinement_is_told_part_by_part(facts):
    facts.confinement = {"files": False, "calls": True}
    told = {labels: value for name, labels, value in facts() if name == "millrace_model_confinement"}
    assert told == {("files",): 0.0, ("calls",): 1.0}


def test_versions_in_quarantine_are_told(facts):
    for version in (1, 2):
        (facts.store.model_folder("iris") / str(version)).mkdir()
    channels.quarantine(facts.store, "iris", 2, instead=1, by="tests")
    told = {labels: value for name, labels, value in facts() if name == "millrace_model_quarantined"}
    assert told == {("iris", "2"): 1.0}


def test_the_capacity_is_told_where_it_is_known(facts):
    assert ("millrace_capacity_requests", ()) not in told(facts)
    facts.connections = 64
    assert told(facts)["millrace_capacity_requests", ()] == 64
