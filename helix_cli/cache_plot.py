"""A picture of what `helix bench cache` measured: share of hits against the wrong share of hits, a panel a file."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from daemon.control_api.cache import BenchRow, BenchTable

WIDTH, HEIGHT = 300, 260
LEFT, RIGHT, TOP, BOTTOM = 40, 285, 34, 215
MOST_WRONG = 0.5
"""The right end of a panel, on a scale of square roots: 1% and 50% are both to be seen."""

COLOURS = {"helix": "#0b7285", "cosine": "#c92a2a"}
NAMES = {"helix": "Helix, by max_error", "cosine": "static cosine threshold"}


def svg(tables: Sequence[BenchTable]) -> str:
    """An SVG as wide as its panels."""
    panels = "".join(
        f'<g transform="translate({WIDTH * at} 0)">{"".join(_panel(table))}</g>' for at, table in enumerate(tables)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH * len(tables)} {HEIGHT}" '
        f'font-family="sans-serif" font-size="10"><rect width="100%" height="100%" fill="white"/>{panels}</svg>\n'
    )


def _panel(table: BenchTable) -> Iterator[str]:
    yield f'<text x="{LEFT}" y="16" font-size="12" font-weight="bold">{escape(table["file"])}</text>'
    yield from _axes()
    for at, rule in enumerate(NAMES):
        rows = [row for row in table["rows"] if row["rule"] == rule and row["hits"]]
        yield from _curve(rows, COLOURS[rule])
        yield f'<text x="{LEFT}" y="{HEIGHT - 18 + 12 * at}" fill="{COLOURS[rule]}">● {NAMES[rule]}</text>'


def _axes() -> Iterator[str]:
    yield f'<path d="M{LEFT} {TOP}V{BOTTOM}H{RIGHT}" fill="none" stroke="#868e96"/>'
    for share in (0.01, 0.05, 0.1, 0.2, 0.5):
        x = _x(share)
        yield f'<path d="M{x:.0f} {TOP}V{BOTTOM}" stroke="#e9ecef"/>'
        yield f'<text x="{x:.0f}" y="{BOTTOM + 12}" text-anchor="middle" fill="#495057">{share:.0%}</text>'
    for share in (0.25, 0.5, 0.75, 1.0):
        yield f'<text x="{LEFT - 4}" y="{_y(share) + 3:.0f}" text-anchor="end" fill="#495057">{share:.0%}</text>'
    yield f'<text x="{LEFT - 34}" y="{TOP - 6}" fill="#495057">hits</text>'
    yield f'<text x="{RIGHT}" y="{BOTTOM + 24}" text-anchor="end" fill="#495057">wrong of hits</text>'


def _curve(rows: Sequence[BenchRow], colour: str) -> Iterator[str]:
    """Points with their settings, and bars for the 95% interval of the wrong share."""
    points = [(_x(row["wrong_of_hits"]), _y(row["hit_rate"])) for row in rows]
    if points:
        yield f'<path d="M{"L".join(f"{x:.1f} {y:.1f}" for x, y in points)}" fill="none" stroke="{colour}"/>'
    for row, (x, y) in zip(rows, points, strict=True):
        low, high = _x(row["wrong_low"]), _x(row["wrong_high"])
        yield f'<path d="M{low:.1f} {y:.1f}H{high:.1f}" stroke="{colour}" stroke-opacity=".4" stroke-width="3"/>'
        yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>'
        setting = f"{row['setting']:.2f}".lstrip("0")
        yield f'<text x="{x + 4:.1f}" y="{y - 5:.1f}" fill="{colour}">{setting}</text>'


def _x(wrong: float) -> float:
    return LEFT + (RIGHT - LEFT) * math.sqrt(min(wrong, MOST_WRONG) / MOST_WRONG)


def _y(hits: float) -> float:
    return BOTTOM - (BOTTOM - TOP) * hits
