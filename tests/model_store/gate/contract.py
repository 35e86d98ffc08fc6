"""What every gate that lets a good version pass keeps."""

from model_store.gate.gate import GateReport


class GateContract:
    """Its subclasses have a fixture `gate`."""

    def test_a_good_version_passes_and_is_measured(self, gate, published, store):
        report = gate.try_version(published, store.manifest("iris", 1))
        assert isinstance(report, GateReport)
        assert report.load_seconds > 0
        assert report.predict_seconds > 0
        assert report.peak_bytes > 0

    def test_trying_changes_no_file_of_the_version(self, gate, published, store):
        before = {path.name: path.read_bytes() for path in published.iterdir()}
        gate.try_version(published, store.manifest("iris", 1))
        assert {path.name: path.read_bytes() for path in published.iterdir()} == before
