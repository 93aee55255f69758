"""What was counted for several items together, as parts of each."""

from __future__ import annotations


def even_shares(total: int, count: int) -> list[int]:
    """Whole numbers that are as equal as can be, and `total` together."""
    return [total * (at + 1) // count - total * at // count for at in range(count)]
