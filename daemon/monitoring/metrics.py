"""What is counted for `/metrics`, in Prometheus' terms.

Counting is on every request's path, so it is plain additions; the families are made when somebody asks.
No label holds what a caller chose freely (a model name, a tag): its values would grow without bound.
Money is a float in the exposition and only there: a gauge for graphs, not an account.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from itertools import accumulate

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from ..control_api.cache import CacheStats
from ..exchange import LedgerRow

_OVERHEAD_S = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1.0)
_TTFT_S = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)


class Buckets:
    """A histogram: how many values were at most each bound, and their sum."""

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def observe(self, value: float) -> None:
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def family(self, name: str, text: str) -> Metric:
        names = [*map(str, self._bounds), "+Inf"]
        buckets = list(zip(names, map(float, accumulate(self._counts)), strict=True))
        family = HistogramMetricFamily(name, text)
        family.add_metric([], buckets, self._sum)
        return family


class Metrics(Collector):
    """Counters of one daemon, for the event loop's thread. Every method is cheap and never raises."""

    def __init__(self) -> None:
        self._rows: Counter[tuple[str, str, str]] = Counter()
        self._answers: Counter[int] = Counter()
        self._tokens: Counter[str] = Counter()
        self._found: Counter[str] = Counter()
        self._soft_limits: Counter[tuple[str, str]] = Counter()
        self._cost_usd = Decimal(0)
        self._saved_usd = Decimal(0)
        self._overhead = Buckets(_OVERHEAD_S)
        self._ttft = Buckets(_TTFT_S)
        self._waiting = 0
        self._cache: CacheStats | None = None
        self._degraded: Mapping[str, bool] = {}
        self._unwell: Mapping[str, bool] = {}
        self._registry = CollectorRegistry()
        self._registry.register(self)

    def row(self, row: LedgerRow) -> None:
        """Count one ledger row."""
        self._rows[row.kind, row.cache, row.outcome] += 1
        if row.saved_usd:
            self._saved_usd += row.saved_usd
        if row.kind == "call":
            self._call(row)

    def _call(self, row: LedgerRow) -> None:
        self._tokens["input"] += row.input_tokens
        self._tokens["output"] += row.output_tokens
        if row.cost_usd:
            self._cost_usd += row.cost_usd
        if row.ttft_ms is not None:
            self._ttft.observe(row.ttft_ms / 1e3)

    def answer(self, status: int, overhead_s: float) -> None:
        """Count one answer at the moment its head goes out."""
        self._answers[status // 100] += 1
        self._overhead.observe(overhead_s)

    def found(self, counts: Mapping[str, int]) -> None:
        """Count hidden values by kind."""
        if counts:
            self._found.update(counts)

    def soft_limit(self, scope: str, window: str) -> None:
        """Count a budget that passed its soft limit. Only the owner names budgets."""
        self._soft_limits[scope, window] += 1

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """While inside, one more request waits for a provider."""
        self._waiting += 1
        try:
            yield
        finally:
            self._waiting -= 1

    def parts(self, degraded: Mapping[str, bool], unwell: Mapping[str, bool]) -> None:
        """Take each part's mode as it is now, and whether each provider's circuit breaker is open."""
        self._degraded, self._unwell = degraded, unwell

    def cache(self, stats: CacheStats) -> None:
        """Take the cache's account of itself as it is now."""
        self._cache = stats

    def render(self) -> bytes:
        """Prometheus' text format."""
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        yield _counter(
            "helix_rows", "Ledger rows: calls, hits and refusals", ("kind", "cache", "outcome"), self._rows.items()
        )
        answers = [((f"{status}xx",), count) for status, count in self._answers.items()]
        yield _counter("helix_answers", "Answers by status class", ("status",), answers)
        tokens = [((kind,), count) for kind, count in self._tokens.items()]
        yield _counter("helix_tokens", "Tokens billed by providers", ("class",), tokens)
        found = [((kind,), count) for kind, count in self._found.items()]
        yield _counter("helix_pii_findings", "Hidden values by kind", ("entity_type",), found)
        soft = "Budgets that passed their soft limit, once in each window"
        yield _counter("helix_soft_limits", soft, ("scope", "window"), self._soft_limits.items())
        yield CounterMetricFamily("helix_cost_usd", "Spent, US dollars", float(self._cost_usd))
        yield CounterMetricFamily("helix_saved_usd", "Saved by the cache, US dollars", float(self._saved_usd))
        waiting = "Requests that wait for a provider, coalesced ones included"
        yield GaugeMetricFamily("helix_waiting_for_provider", waiting, self._waiting)
        yield _gauge("helix_part_degraded", "1 where a part is degraded", "part", self._degraded)
        yield _gauge("helix_provider_unwell", "1 where its circuit breaker is open", "provider", self._unwell)
        if self._cache is not None:
            yield from _cache_families(self._cache)
        yield self._overhead.family("helix_overhead_seconds", "Time inside Helix until the head")
        yield self._ttft.family("helix_ttft_seconds", "Time to the provider's first byte")


def _cache_families(stats: CacheStats) -> Iterator[Metric]:
    """Scopes are counted by their mode and not named: there may be one for each key."""
    yield GaugeMetricFamily("helix_cache_entries", "Answers that are kept", stats["entries"])
    yield GaugeMetricFamily("helix_cache_bytes", "Bytes of the answers that are kept", stats["bytes"])
    hits = [((kind,), count) for kind, count in sorted(stats["hits"].items()) if isinstance(count, int)]
    yield _counter("helix_cache_hits", "Requests that a kept or shared answer answered", ("kind",), hits)
    yield CounterMetricFamily("helix_cache_misses", "Requests for which nothing was kept", stats["misses"])
    yield CounterMetricFamily("helix_cache_saved_seconds", "Providers' time that hits saved", stats["saved_s"])
    modes = Counter(scope["mode"] for scope in stats["scopes"])
    family = GaugeMetricFamily("helix_cache_scopes", "Scopes by what near hits may do there", labels=["mode"])
    for mode in ("shadow", "serving", "stopped"):
        family.add_metric([mode], modes[mode])
    yield family
    yield GaugeMetricFamily("helix_cache_checks", "Kept answers that were compared with fresh ones", stats["checks"])
    yield GaugeMetricFamily("helix_cache_checks_wrong", "Of these, those that were wrong", stats["wrong"])
    error = GaugeMetricFamily("helix_cache_error_ratio", "95% interval of their share", labels=["bound"])
    error.add_metric(["low"], stats["error_low"])
    error.add_metric(["high"], stats["error_high"])
    yield error


def _gauge(name: str, text: str, label: str, states: Mapping[str, bool]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, text, labels=[label])
    for value, state in states.items():
        family.add_metric([value], state)
    return family


def _counter(
    name: str, text: str, labels: tuple[str, ...], counts: Iterable[tuple[Sequence[str], int]]
) -> CounterMetricFamily:
    family = CounterMetricFamily(name, text, labels=labels)
    for values, count in counts:
        family.add_metric(values, count)
    return family
