"""What an entry is worth, for both stores: the order in which entries leave when there are too many.

Each use of an entry, its making included, is worth what the call had cost, and half as much with every day that
passes: worth(t) = sum over uses of cost x 2^-(t - used at). All fade alike, so entries keep their order while nothing
happens, and log2(worth(t)) + t stays what it was: that is what is stored, and only a use has to change it.
"""

from __future__ import annotations

import math

HALVED_EVERY_S = 86_400.0


def worth_when_made(cost_nanos: int, now: float) -> float:
    """Of an entry that was just made; `now` in Unix seconds."""
    return math.log2(max(cost_nanos, 1)) + now / HALVED_EVERY_S


def worth_after_hits(worth: float, cost_nanos: int, hits: int, now: float) -> float:
    """The worth with `hits` more uses."""
    added = worth_when_made(hits * max(cost_nanos, 1), now)
    return max(worth, added) + math.log2(1 + 2 ** -abs(worth - added))
