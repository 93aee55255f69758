"""Ledger rows, budgets and sums in the shapes of the control API: money as text, moments in UTC."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import cast

from ..control_api import BudgetRow
from ..control_api.logs import ExplainedRow, LogRow, PricePart
from ..control_api.spend import InvoiceDifference, Reconciliation, Spend
from ..exchange import JsonObject, LedgerRow
from .limits import Limit
from .money import usd_of, usd_text
from .prices import MTOK
from .rates import Part, read_parts
from .reconciling import Difference
from .reconciling import Reconciliation as Reconciled
from .standings import Standing


def log_row(row: LedgerRow) -> LogRow:
    return LogRow(
        id=row.id,
        at=_moment(row.at),
        kind=row.kind,
        outcome=row.outcome,
        dialect=row.dialect,
        provider=row.provider,
        model=row.model,
        key=row.key,
        cache=row.cache,
        similarity=row.similarity,
        status=row.status,
        cost_usd=None if row.cost_usd is None else usd_text(row.cost_usd),
        saved_usd=None if row.saved_usd is None else usd_text(row.saved_usd),
        input_tokens=row.input_tokens,
        output_tokens=row.output_tokens,
        ttft_ms=row.ttft_ms,
        total_ms=row.total_ms,
        pii=row.pii,
        reason=row.reason,
        tags=list(row.tags),
        user=row.user,
        team=row.team,
        org=row.org,
        session=row.session,
        client=row.client,
    )


def explained(row: LedgerRow) -> ExplainedRow:
    return ExplainedRow(
        **log_row(row),
        request_id=row.request_id,
        upstream_model=row.upstream_model,
        swapped_from=row.swapped_from,
        price_source=row.price_source,
        bound_usd=None if row.bound_usd is None else usd_text(row.bound_usd),
        parts=[_part(part) for part in read_parts(row.price_parts)],
    )


def _part(part: Part) -> PricePart:
    return PricePart(
        name=part.name,
        tokens=part.tokens,
        usd_per_mtok=usd_text(part.usd_per_token * MTOK),
        cost_usd=usd_text(part.usd_per_token * part.tokens),
    )


def budget_row(limit: Limit, standing: Standing) -> BudgetRow:
    return BudgetRow(
        scope=limit.scope,
        window=limit.window,
        limit_usd=usd_text(limit.limit_usd),
        spent_usd=usd_text(usd_of(standing.settled_nanos)),
        reserved_usd=usd_text(usd_of(standing.reserved_nanos)),
        resets_at=None if standing.resets_at is None else _moment(standing.resets_at),
        soft_pct=limit.soft_pct,
        fallback_model=limit.fallback_model,
        origin=limit.origin,
        raised_until=None if limit.raised_until is None else _moment(limit.raised_until),
    )


def reconciliation(found: Reconciled) -> Reconciliation:
    return Reconciliation(
        invoice_usd=usd_text(found.invoice_usd),
        ledger_usd=usd_text(found.ledger_usd),
        difference_usd=usd_text(found.invoice_usd - found.ledger_usd),
        equal=found.equal,
        differences=[_difference(one) for one in found.differences],
        providers=list(found.providers),
    )


def _difference(one: Difference) -> InvoiceDifference:
    return InvoiceDifference(
        day=one.day.isoformat(),
        model=one.model,
        invoice_usd=None if one.invoice_usd is None else usd_text(one.invoice_usd),
        ledger_usd=None if one.ledger_usd is None else usd_text(one.ledger_usd),
        difference_usd=usd_text(one.difference_usd),
        reason=one.reason,
        text=one.text,
    )


def spend(report: JsonObject) -> Spend:
    """A spend log's report with its amounts as text."""
    rows = [_amounts_as_text(row) for row in report["rows"]]
    return cast(Spend, {**_amounts_as_text(report), "rows": rows})


def _amounts_as_text(sums: JsonObject) -> JsonObject:
    return {name: usd_text(value) if isinstance(value, Decimal) else value for name, value in sums.items()}


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()
