"""Which of several targets of a model answers a request: by weight, load, latency or price."""

from __future__ import annotations

import hashlib
import math
import os
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from ..exchange import Target
from ..ports.clock import Clock
from .loads import Loads
from .route import Route, Sharing

HOMES_KEPT = 10_000
HOME_KEPT_S = 3600.0
"""No provider's prompt cache remembers a conversation for longer."""


@dataclass(frozen=True, slots=True)
class Asking:
    """What the choice of a target needs of one request."""

    conversation: bytes = b""
    """What all requests of its conversation begin with."""
    stream: bool = False
    usd: Mapping[Target, Decimal] = field(default_factory=dict)
    """What it is likely to cost at each target; left out: nobody knows. Only for `cheapest`."""


@dataclass(slots=True)
class _Home:
    target: Target
    until_s: float


class Balancer:
    """Orders a route's targets for one request. Used on the event loop only."""

    def __init__(self, clock: Clock, loads: Loads, dice: Callable[[int], bytes] = os.urandom) -> None:
        self._clock = clock
        self._loads = loads
        self._dice = dice
        self._homes: OrderedDict[bytes, _Home] = OrderedDict()

    def in_order(self, route: Route, asking: Asking) -> tuple[Target, ...]:
        """The route's targets: the one to ask first, the others that share the model, the fallbacks."""
        sharing = route.sharing
        if sharing is None:
            return route.targets
        claims = self._claims(route, sharing, asking)
        measure = self._measure(route, sharing, asking)
        ranked = sorted(route.primaries, key=lambda target: (measure(target), -claims[target]))
        if sharing.is_sticky and (home := self._home(asking.conversation)) in ranked:
            ranked.remove(home)
            ranked.insert(0, home)
        return (*ranked, *route.targets[len(ranked) :])

    def answered(self, route: Route, asking: Asking, target: Target) -> None:
        """The conversation is known to `target` now: it goes there next time."""
        sharing = route.sharing
        # By weight a conversation finds its target by itself, on every node and after a restart.
        if sharing is None or not sharing.is_sticky or sharing.strategy == "weighted":
            return
        if target in route.primaries:
            digest = _digest(asking.conversation)
            self._homes[digest] = _Home(target, self._clock.monotonic_s() + HOME_KEPT_S)
            self._homes.move_to_end(digest)
            if len(self._homes) > HOMES_KEPT:
                self._homes.popitem(last=False)

    def _home(self, conversation: bytes) -> Target | None:
        home = self._homes.get(_digest(conversation))
        return home.target if home is not None and self._clock.monotonic_s() < home.until_s else None

    def _claims(self, route: Route, sharing: Sharing, asking: Asking) -> dict[Target, float]:
        """How much each target lays claim to the request; where only the claims decide, each has its share.

        By its conversation it always has the same: where a target joins or leaves, only its own share moves (weighted
        rendezvous hashing).
        """
        lot = asking.conversation if sharing.is_sticky else self._dice(8)
        pairs = zip(route.primaries, sharing.shares, strict=True)
        return {target: _claim(lot, target, share) for target, share in pairs}

    def _measure(self, route: Route, sharing: Sharing, asking: Asking) -> Callable[[Target], float | Decimal]:
        """What is to be as little as possible."""
        match sharing.strategy:
            case "weighted":
                return lambda target: 0
            case "least_busy":
                shares = dict(zip(route.primaries, sharing.shares, strict=True))
                return lambda target: self._loads.busy(target) / shares[target]
            case "lowest_latency":
                return lambda target: self._loads.expected_s(target, stream=asking.stream)
            case "cheapest":
                return lambda target: asking.usd.get(target, math.inf)


def _claim(lot: bytes, target: Target, share: float) -> float:
    digest = hashlib.blake2b(lot, digest_size=8, key=f"{target.provider}/{target.model}".encode()[:64]).digest()
    return share / -math.log((int.from_bytes(digest, "big") + 0.5) / 2**64)


def _digest(conversation: bytes) -> bytes:
    return hashlib.blake2b(conversation, digest_size=16).digest()
