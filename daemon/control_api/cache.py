"""What the cache did and would do."""

from __future__ import annotations

from typing import TypedDict


class CacheHits(TypedDict):
    exact: int
    semantic: int
    coalesced: int


class CacheScope(TypedDict):
    """How right near hits of one scope are, by answers that were asked all the same and compared."""

    scope: str
    mode: str
    """`shadow`, `serving` or `stopped`; what is proven is served in each of them."""
    threshold: float | None
    """The least probability that is served; None where none is."""
    reading: str | None
    """`specific` or `topical`: what the probability is of, see models/verifier/."""
    checks: int
    wrong: int
    error_low: float
    """Of the 95% interval of the share of wrong ones."""
    error_high: float


class CacheStats(TypedDict):
    """`checks` to `error_high` are those of all scopes together."""

    entries: int
    bytes: int
    hits: CacheHits
    misses: int
    saved_usd: str
    saved_s: float
    checks: int
    wrong: int
    error_low: float
    error_high: float
    scopes: list[CacheScope]


class BenchRow(TypedDict):
    """What one rule did with a labelled file, over all seeds."""

    rule: str
    """`helix` with a `max_error`, or `cosine` with a threshold."""
    setting: float
    asked: int
    answerable: int
    """How many had a right answer in the cache."""
    hits: int
    wrong: int
    hit_rate: float
    """Of all that were asked."""
    wrong_of_hits: float
    wrong_low: float
    """Of its 95% interval (Wilson)."""
    wrong_high: float


class BenchTable(TypedDict):
    """`helix bench cache`, for one file."""

    file: str
    kind: str
    """`stream` or `pairs`."""
    rows: list[BenchRow]


class RefusedLine(TypedDict):
    place: int
    """In the list that was sent, from 0 on."""
    reason: str


class Imported(TypedDict):
    kept: int
    passed_over: int
    """They had ended, their places were taken, or they are of another scope than was asked for."""
    with_pii: int
    """In whose question or answer PII was found, so that they are not kept."""
    refused: list[RefusedLine]
    """What is no line of an export."""


class AuditPlan(TypedDict):
    """What an audit would do now."""

    near_hits: int
    """How many could be asked again."""
    sample: int
    unpriced: int
    """Of the sample, those whose price is not known: they are not asked."""
    likely_usd: str


class AuditedScope(TypedDict):
    scope: str
    checks: int
    wrong: int
    error_low: float
    error_high: float


class CacheAudit(TypedDict):
    checks: int
    """Near hits that were asked again and compared, each request once."""
    wrong: int
    failed: int
    """They could not be: the provider refused, the price is not known, or there was no text."""
    error_low: float
    """Of the 95% interval of the share of wrong ones."""
    error_high: float
    cost_usd: str
    scopes: list[AuditedScope]


class WhyStep(TypedDict):
    step: str
    """scope, exact, eligible, candidates, age, threshold, placeholders, guards, verifier, bound"""
    outcome: str
    """pass, stop or hit"""
    detail: str


class WhyCandidate(TypedDict):
    id: int
    similarity: float
    question: str
    verdict: str
    """`hit`, or which check refused it"""


class Why(TypedDict):
    verdict: str
    """exact, semantic or miss"""
    steps: list[WhyStep]
    candidates: list[WhyCandidate]
    model: str
    key: str
