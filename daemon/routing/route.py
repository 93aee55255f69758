"""What the settings say of one model: where it is answered, and who answers instead, for which cause."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from ..exchange import Target
from ..settings import Strategy


class Cause(StrEnum):
    """Why a provider refuses a request that another one may well answer."""

    CONTEXT_WINDOW = "context window"
    CONTENT_POLICY = "content policy"


@dataclass(frozen=True, slots=True)
class Sharing:
    """How several targets share a model."""

    shares: tuple[float, ...]
    """Of the route's first targets, in their order."""
    strategy: Strategy = "weighted"
    is_sticky: bool = True
    """Whether a conversation stays with its target, where the provider's prompt cache knows it."""


@dataclass(frozen=True, slots=True)
class Route:
    """Where a request may be answered: the primary, or those that share the model, then the fallbacks in order."""

    targets: tuple[Target, ...]
    """Each once."""
    sharing: Sharing | None = None
    """None: one primary."""
    by_cause: Mapping[Cause, tuple[Target, ...]] = field(default_factory=dict)
    """Who is asked in place of all others where a target refuses for this cause."""

    @property
    def primaries(self) -> tuple[Target, ...]:
        """The targets that are the model, as its owner says: an answer of any of them is the model's."""
        return self.targets[:1] if self.sharing is None else self.targets[: len(self.sharing.shares)]

    @property
    def model(self) -> str | None:
        """The primaries' name of the model; None where they have several."""
        if self.sharing is None:
            return self.targets[0].model
        names = {target.model for target in self.primaries}
        return names.pop() if len(names) == 1 else None
