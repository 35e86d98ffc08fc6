"""Who was refused, which quotas are used up, what was audited; database, audit trail, certificate."""

from monitoring.grafana.colours import GREEN, ORANGE, RED, Look
from monitoring.grafana.frame import dashboard
from monitoring.grafana.panels import Section, lines, number
from monitoring.grafana.queries import Json, Query, rate
from monitoring.grafana.variables import OF_REPLICA, REPLICA

_SKIPPED = f"millrace_issuer_keys_skipped_total{{{OF_REPLICA}}}"

_WELL_BEING = Section(
    "Well-being",
    (
        number(
            "Database",
            "1 where the database answers every replica.",
            "none",
            Query("min(millrace_database_up)"),
            warn=1,
            low_is_bad=True,
            runbook="MillraceDatabaseDown",
            width=8,
            names={0: ("down", RED), 1: ("answers", GREEN)},
        ),
        number(
            "Audit trail",
            "1 where the last check found the chain of hashes whole.",
            "none",
            Query("min(millrace_audit_chain_ok)"),
            warn=1,
            low_is_bad=True,
            runbook="MillraceAuditChainBroken",
            width=8,
            names={0: ("altered", RED), 1: ("whole", GREEN)},
        ),
        number(
            "Certificate",
            "Time until the TLS certificate expires; empty without TLS.",
            "s",
            Query("min(millrace_certificate_expiry_timestamp_seconds) - time()"),
            warn=14 * 86400,
            bad=2 * 86400,
            low_is_bad=True,
            runbook="MillraceCertificateExpires",
            width=8,
            no_value="no TLS",
        ),
    ),
)

_REFUSALS = Section(
    "Refusals",
    (
        lines(
            "Refusals by reason",
            "Requests a second refused by authentication or authorization.",
            "reqps",
            Query(rate("millrace_auth_refusals_total", "reason", OF_REPLICA), "{{reason}}"),
            stack=True,
            width=6,
            looks=(Look(".", ORANGE),),
        ),
        lines(
            "Refusals by quota",
            "Requests a second refused because a quota was used up.",
            "reqps",
            Query(rate("millrace_quota_refusals_total", "quota", OF_REPLICA), "{{quota}}"),
            stack=True,
            width=6,
            looks=(Look(".", ORANGE),),
        ),
        lines(
            "Token cache",
            "Share of tokens that were found verified in the cache.",
            "percentunit",
            Query(
                rate("millrace_token_cache_total", "", f'{OF_REPLICA}, result="hit"')
                + " / "
                + rate("millrace_token_cache_total", "", OF_REPLICA),
                "hits",
            ),
            width=6,
            soft=1,
        ),
        lines(
            "Skipped keys of issuers",
            "Published keys of OpenID Connect issuers that cannot be used, counted once by each worker.",
            "short",
            Query(
                f"sum by (issuer) ({_SKIPPED}) or "
                f'label_replace(vector(0) unless on() {_SKIPPED}, "issuer", "none", "", "")',
                "{{issuer}}",
            ),
            width=6,
            soft=4,
        ),
    ),
)

_AUDIT = Section(
    "Audit",
    (
        lines(
            "Audit events",
            "Events a minute, by action and outcome.",
            "opm",
            Query(
                f"60 * {rate('millrace_audit_events_total', 'action, outcome', OF_REPLICA)}",
                "{{action}} {{outcome}}",
            ),
            stack=True,
            width=24,
            no_value="None yet",
            looks=(Look("(refused|denied|failed|failure)$", RED),),
        ),
    ),
)


def access() -> Json:
    """Give the dashboard as Grafana's JSON."""
    return dashboard(
        "access",
        "Access",
        "Refusals, quotas, audit; the database, the audit trail's chain and the certificate.",
        [_WELL_BEING, _REFUSALS, _AUDIT],
        [REPLICA],
    )
