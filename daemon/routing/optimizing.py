"""The owner's rules by which a cheaper model answers in place of the one that was asked."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase

from ..dialects.dialect import Dialect
from ..dialects.tools import uses_tools
from ..errors import UnknownModel
from ..exchange import Ask, DialectName, Target
from ..json_text import to_json
from ..settings import OptimizeSettings
from .route import Route
from .router import Router

log = logging.getLogger(__name__)

TokensIn = Callable[[Target, int], int]
"""About how many tokens so many bytes are for a model."""

_DIALECTS: frozenset[DialectName] = frozenset({"chat", "messages", "responses", "completions"})
"""Where a model writes an answer. Vectors of two models are not alike, nor are their counts of tokens."""


class Optimizer:
    """Built from settings, and as unchanging as they are. The first rule that fits decides."""

    def __init__(self, rules: Sequence[OptimizeSettings], router: Router, tokens_in: TokensIn) -> None:
        self._router = router
        self._tokens_in = tokens_in
        self._rules = tuple(rule for rule in rules if _is_served(rule, router))

    def optimized(self, ask: Ask, dialect: Dialect, route: Route) -> tuple[Ask, Route]:
        """Request and route as they are, or as a rule wants them; the body is hidden by now.

        The model that was asked becomes the last fallback of the cheaper one, so that no rule makes a request fail. A
        conversation that its provider keeps stays where it is.
        """
        if not self._rules or ask.dialect not in _DIALECTS or dialect.earlier_turns(ask.body) is not None:
            return ask, route
        for rule in self._rules:
            cheaper = self._cheaper(rule, ask, dialect, route)
            if cheaper is not None:
                others = (target for target in route.targets if target not in cheaper.targets)
                swapped = replace(ask, swapped_from=route.targets[0].model)
                return swapped, replace(cheaper, targets=(*cheaper.targets, *others))
        return ask, route

    def _cheaper(self, rule: OptimizeSettings, ask: Ask, dialect: Dialect, route: Route) -> Route | None:
        """The route that a rule leads to; None where it is not meant, or leads to where the request goes anyway."""
        if not (_is_from(rule, ask, route.targets[0]) and self._fits(rule, ask, dialect, route.targets[0])):
            return None
        try:
            cheaper = self._router.route(rule.to, ask.dialect)
        except UnknownModel:  # not served in this dialect
            return None
        return None if cheaper.primaries == route.primaries else cheaper

    def _fits(self, rule: OptimizeSettings, ask: Ask, dialect: Dialect, target: Target) -> bool:
        when = rule.when
        if when.no_tools and uses_tools(ask.body):
            return False
        if when.max_output_tokens is not None:
            limit = dialect.output_limit(ask.body)
            if limit is None or limit > when.max_output_tokens:
                return False
        if when.max_prompt_tokens is None:
            return True
        return self._tokens_in(target, len(to_json(ask.body))) <= when.max_prompt_tokens


def _is_from(rule: OptimizeSettings, ask: Ask, target: Target) -> bool:
    """By the name that was asked, or by the one that it leads to."""
    names = (ask.model, target.model, f"{target.provider}/{target.model}")
    return any(fnmatchcase(name, rule.from_) for name in names)


def _is_served(rule: OptimizeSettings, router: Router) -> bool:
    try:
        router.model(rule.to)
    except UnknownModel:
        log.warning("optimize: no provider serves %s, so the rule from %s is left out", rule.to, rule.from_)
        return False
    return True
