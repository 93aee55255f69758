"""New ledger rows, with all that the request itself says of them."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from ..dialects.tools import brings_tools
from ..errors import BudgetExceeded, RequestRefused
from ..exchange import Ask, LedgerRow, RowKind, Target, Verdict
from .limits import budget_name


@dataclass(frozen=True, slots=True)
class StandIn:
    """A cheaper model that a budget names, for a call that it has no room for."""

    model: str
    """As callers name it."""
    for_model: str
    """The one that would have answered, as its provider names it."""
    because: str


def stand_in_for(model: str, refused: BudgetExceeded) -> StandIn:
    budget = budget_name(refused.state.scope, refused.state.window)
    return StandIn(refused.fallback_model, model, f"the budget {budget} had no room for {model}")


def call_row(ask: Ask, target: Target, attempt: int, *, cache: Verdict, pii: str) -> LedgerRow:
    """An attempt at a provider, which counts as `unknown` until its outcome is seen. The first attempt, 0, has the
    request's own id."""
    row = row_of_ask(ask, "call", pii=pii)
    row.id = ask.id if attempt == 0 else f"{ask.id}.{attempt}"
    row.outcome = "unknown"
    row.provider, row.upstream_model = target.provider, target.model
    row.cache = cache.value
    row.prompt_print = ask.prompt_print
    row.swapped_from = ask.swapped_from if ask.swapped_from != target.model else ""
    row.with_tools = brings_tools(ask.body)
    return row


def refuse(row: LedgerRow, error: RequestRefused) -> LedgerRow:
    """Make `row` that of a refusal, which costs nothing."""
    row.kind, row.outcome, row.cost_usd = "refused", "", Decimal(0)
    row.status = error.status
    row.reason = f"{_subject(error)}: {error}"
    return row


def was_refused_by(row: LedgerRow, scope: str, window: str) -> bool:
    return row.kind == "refused" and row.reason.startswith(f"{BudgetExceeded.code} {budget_name(scope, window)}: ")


def _subject(error: RequestRefused) -> str:
    if isinstance(error, BudgetExceeded):
        return f"{error.code} {budget_name(error.state.scope, error.state.window)}"
    return error.code or error.error_type


def row_of_ask(ask: Ask, kind: RowKind, *, pii: str) -> LedgerRow:
    return LedgerRow(
        id=ask.id,
        request_id=ask.id,
        at=ask.received_at,
        kind=kind,
        outcome="",
        dialect=ask.dialect,
        model=ask.model,
        key=ask.caller.key,
        user=ask.caller.user,
        team=ask.caller.team,
        org=ask.caller.org,
        tags=ask.tags,
        streamed=ask.stream,
        pii=pii,
        session=ask.session,
        client=ask.client,
    )
