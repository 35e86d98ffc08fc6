"""Metrics of access control: tokens, quotas, the audit trail and the database."""

from service.metrics.adding import adder
from service.metrics.instruments import bounded, child


class AccessMetrics:
    """Counts what access control does in a process. Every method is cheap, and safe to call from any thread."""

    def __init__(self) -> None:
        self._found, self._missed = (adder(child("millrace_token_cache_total", result)) for result in ("hit", "miss"))

    def token_looked_up(self, *, hit: bool) -> None:
        """Count a look-up in the cache of verified tokens."""
        (self._found if hit else self._missed)(1)

    def key_skipped(self, issuer: str) -> None:
        """Count a published key that cannot be used; ``issuer`` is the name that the configuration gives it."""
        child("millrace_issuer_keys_skipped_total", bounded("issuer", issuer)).inc()

    def quota_refused(self, quota: str) -> None:
        """Count a request refused for a used-up quota; ``quota`` names the kind, not the caller."""
        child("millrace_quota_refusals_total", bounded("quota", quota)).inc()

    def audited(self, action: str, outcome: str) -> None:
        """Count an event of the audit trail."""
        child("millrace_audit_events_total", bounded("action", action), bounded("outcome", outcome)).inc()

    def database(self, *, up: bool) -> None:
        """Record whether the database answered."""
        child("millrace_database_up").set(1 if up else 0)

    def audit_chain(self, *, whole: bool) -> None:
        """Record what a check of the audit trail found."""
        child("millrace_audit_chain_ok").set(1 if whole else 0)
