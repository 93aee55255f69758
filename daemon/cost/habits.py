"""What calls of each model usually look like, learned from those that were settled."""

from __future__ import annotations

import math
from collections import OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from ..exchange import Target

N = TypeVar("N", int, float)

BYTES_PER_TOKEN = 4.0
"""English prose in the tokenizers of today's models: the estimate before a model has answered once."""

WEIGHT_OF_NEWEST = 0.1
USUAL_SHARE = 0.9
"""`usual_output` is what this share of calls stays within."""

MODELS_KEPT = 1_000
CALLS_KEPT = 256


@dataclass(slots=True)
class Habit:
    """One model's calls. A byte is a byte of the request's JSON, so the ratio absorbs its syntax."""

    bytes_per_token: float = BYTES_PER_TOKEN
    outputs: deque[int] = field(default_factory=lambda: deque(maxlen=CALLS_KEPT))
    seconds: deque[float] = field(default_factory=lambda: deque(maxlen=CALLS_KEPT))


class Habits:
    """Habits by provider and model; the least recently used is forgotten first."""

    def __init__(self) -> None:
        self._by_target: OrderedDict[Target, Habit] = OrderedDict()

    def saw_output(self, target: Target, output_tokens: int) -> None:
        """One more call; one that wrote nothing, as an embedding, tells nothing of those that write."""
        if output_tokens > 0:
            self._habit(target).outputs.append(output_tokens)

    def saw_duration(self, target: Target, seconds: float) -> None:
        """How long a call took until it was settled."""
        self._habit(target).seconds.append(seconds)

    def saw_input(self, target: Target, body_bytes: int, prompt_tokens: int) -> None:
        """Move the ratio towards this call's; a call without either tells nothing."""
        if prompt_tokens <= 0 or body_bytes <= 0:
            return
        habit = self._habit(target)
        newest = body_bytes / prompt_tokens
        habit.bytes_per_token += WEIGHT_OF_NEWEST * (newest - habit.bytes_per_token)

    def tokens_in(self, target: Target, size: int) -> int:
        """About how many tokens `size` bytes are, rounded up."""
        habit = self._by_target.get(target)
        return math.ceil(size / (habit.bytes_per_token if habit else BYTES_PER_TOKEN))

    def usual_output(self, target: Target) -> int | None:
        """The output tokens that nine calls in ten stay within; None before the first."""
        habit = self._by_target.get(target)
        return _usual(habit.outputs) if habit is not None else None

    def usual_s(self, target: Target) -> float | None:
        """The seconds that nine calls in ten are settled within; None before the first."""
        habit = self._by_target.get(target)
        return _usual(habit.seconds) if habit is not None else None

    def of(self, target: Target) -> CallsOfAKind:
        return CallsOfAKind(self, target)

    def _habit(self, target: Target) -> Habit:
        if target not in self._by_target:
            self._by_target[target] = Habit()
            if len(self._by_target) > MODELS_KEPT:
                self._by_target.popitem(last=False)
        self._by_target.move_to_end(target)
        return self._by_target[target]


@dataclass(frozen=True, slots=True)
class CallsOfAKind:
    """What is known of one model's calls at the moment when it is asked."""

    habits: Habits
    target: Target

    def usual_output(self) -> int | None:
        return self.habits.usual_output(self.target)

    def usual_s(self) -> float | None:
        return self.habits.usual_s(self.target)


def _usual(seen: Sequence[N]) -> N | None:
    ranked = sorted(seen)
    return ranked[math.ceil(USUAL_SHARE * len(ranked)) - 1] if ranked else None
