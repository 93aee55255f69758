"""What is counted for `/metrics`, in Prometheus' terms.

No label holds what a caller chose freely (a model name, a tag): its values would grow without bound.
Money is a float here and only here: a gauge for graphs, not an account.
"""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from ..exchange import LedgerRow

_OVERHEAD_S = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1.0)
_TTFT_S = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)


class Metrics:
    """Counters of one daemon. Every method is cheap and never raises."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._rows = self._counter("helix_rows", "Ledger rows: calls, hits and refusals", "kind", "cache", "outcome")
        self._status = self._counter("helix_answers", "Answers by status class", "status")
        self._tokens = self._counter("helix_tokens", "Tokens billed by providers", "class")
        self._cost = self._counter("helix_cost_usd", "Spent, US dollars")
        self._saved = self._counter("helix_saved_usd", "Saved by the cache, US dollars")
        self._pii = self._counter("helix_pii_findings", "Hidden values by kind", "entity_type")
        self._overhead = Histogram(
            "helix_overhead_seconds", "Time inside Helix until the head", buckets=_OVERHEAD_S, registry=self._registry
        )
        self._ttft = Histogram(
            "helix_ttft_seconds", "Time to the provider's first byte", buckets=_TTFT_S, registry=self._registry
        )
        self._degraded = Gauge("helix_part_degraded", "1 where a part is degraded", ["part"], registry=self._registry)
        self.waiting = Gauge(
            "helix_waiting_for_provider", "Requests that wait for a provider, coalesced ones included",
            registry=self._registry,
        )  # fmt: skip
        # Finding a child by its labels costs a lock and a tuple each time: remember them.
        self._row_children: dict[tuple[str, str, str], Counter] = {}
        self._status_children: dict[int, Counter] = {}

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(name, text, labels, registry=self._registry)

    def row(self, row: LedgerRow) -> None:
        """Count one ledger row."""
        kind = (row.kind, row.cache, row.outcome)
        child = self._row_children.get(kind)
        if child is None:
            child = self._row_children[kind] = self._rows.labels(*kind)
        child.inc()
        if row.saved_usd:
            self._saved.inc(float(row.saved_usd))
        if row.kind == "call":
            self._call(row)

    def _call(self, row: LedgerRow) -> None:
        self._tokens.labels("input").inc(row.input_tokens)
        self._tokens.labels("output").inc(row.output_tokens)
        if row.cost_usd:
            self._cost.inc(float(row.cost_usd))
        if row.ttft_ms is not None:
            self._ttft.observe(row.ttft_ms / 1e3)

    def answer(self, status: int, overhead_s: float) -> None:
        """Count one answer at the moment its head goes out."""
        status_class = status // 100
        child = self._status_children.get(status_class)
        if child is None:
            child = self._status_children[status_class] = self._status.labels(f"{status_class}xx")
        child.inc()
        self._overhead.observe(overhead_s)

    def found(self, counts: Mapping[str, int]) -> None:
        """Count hidden values by kind."""
        for entity_type, count in counts.items():
            self._pii.labels(entity_type).inc(count)

    def parts(self, degraded: Mapping[str, bool]) -> None:
        for part, is_degraded in degraded.items():
            self._degraded.labels(part).set(is_degraded)

    def render(self) -> bytes:
        """Prometheus' text format."""
        return generate_latest(self._registry)
