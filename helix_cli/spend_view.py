"""What `helix spend` shows to a person."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from itertools import chain
from typing import TYPE_CHECKING

from . import output

if TYPE_CHECKING:
    from daemon.control_api import BudgetRow
    from daemon.control_api.logs import ExplainedRow, PricePart
    from daemon.control_api.spend import (
        Advice,
        MonthOutlook,
        PromptCache,
        Reconciliation,
        Review,
        Spend,
        SpendRow,
        SpendStep,
        UnusualSpend,
    )

ROWS_SHOWN = 20
"""Of a report in a terminal; --json and --csv have all."""
COURSE_WIDTH = 60
BAR_WIDTH = 10


def show_spend(found: Spend, review: Review, budgets: Sequence[BudgetRow], by: str) -> None:
    """The sums with their course, the groups, then what stands out and what would save money."""
    told = (
        _headline(found, review["previous"]),
        _course(review["course"]),
        _month(review["month"]),
        _prompt_cache(review["prompt_cache"]),
        _nearly_used_up(budgets),
        _doubts(found),
    )
    for line in chain.from_iterable(told):
        output.line(line)
    output.line()
    _show_groups(found, by)
    if review["unusual"]:
        output.line()
        output.table(["unusual", "when or which", "cost>", "usually>", "z>"], map(_unusual, review["unusual"]))
    for advice in review["advice"]:
        output.line()
        _show_advice(advice)


def show_attempt(attempt: ExplainedRow) -> None:
    """One attempt of a request, class by class."""
    asked = attempt["upstream_model"] or attempt["model"]
    said = f"{attempt['kind']} {attempt['outcome']}".strip()
    output.line(f"{attempt['id']}  {output.local_time(attempt['at'])}  {asked}  {said}, status {attempt['status']}")
    if attempt["parts"]:
        output.table(["class", "tokens>", "USD a million>", "USD>"], [_part(part) for part in attempt["parts"]])
    output.line(f"cost {attempt['cost_usd'] or 'not known'}, saved {attempt['saved_usd'] or 0} USD")
    notes = {
        "at most": attempt["bound_usd"],
        "price": attempt["price_source"],
        "in place of": attempt.get("swapped_from"),
        "reason": attempt["reason"],
    }
    for name, note in notes.items():
        if note:
            output.line(f"{name}: {output.printable(note)}")


def show_reconciliation(found: Reconciliation) -> None:
    """What differs, day by day, with the likely reason."""
    whose = f" ({', '.join(found['providers'])})" if found["providers"] else ""
    output.line(
        f"invoice {output.usd(found['invoice_usd'])}, ledger{whose} {output.usd(found['ledger_usd'])}: "
        f"{_signed(found['difference_usd'])}"
    )
    differences = found["differences"]
    compared = output.counted(found["equal"] + len(differences), "day")
    output.line(f"of {compared} of a model {output.count(len(differences))} differ")
    if differences:
        output.line()
        output.table(
            ["day", "model", "invoice>", "ledger>", "difference>", "likely because"],
            [
                (
                    one["day"],
                    one["model"] or "all",
                    _or_dash(one["invoice_usd"]),
                    _or_dash(one["ledger_usd"]),
                    _signed(one["difference_usd"]),
                    one["text"],
                )
                for one in differences
            ],
        )


def _or_dash(amount: str | None) -> str:
    return "–" if amount is None else output.usd(amount)


def _signed(amount: str) -> str:
    usd = output.usd(amount.removeprefix("-"))
    return f"-{usd}" if amount.startswith("-") else f"+{usd}" if Decimal(amount) else usd


def _headline(found: Spend, previous: Spend | None) -> Iterator[str]:
    asked = found["calls"] + found["hits"]
    saved = f"saved {output.usd(found['saved_usd'])}{_saved_time(found.get('saved_s', 0))}"
    yield f"spent {output.usd(found['cost_usd'])}{_trend(found, previous)}, {saved}"
    yield (
        f"{output.counted(found['calls'], 'call')}, {output.counted(found['hits'], 'hit')} "
        f"({output.share(found['hits'], asked)}), {output.count(found['refused'])} refused"
    )


def _trend(found: Spend, previous: Spend | None) -> str:
    before = Decimal(previous["cost_usd"]) if previous else Decimal(0)
    if before <= 0:
        return ""
    change = (Decimal(found["cost_usd"]) / before - 1) * 100
    return f" ({change:+.0f}% on as long before)"


def _saved_time(saved_s: float) -> str:
    return f" and {output.duration(saved_s)}" if saved_s >= 1 else ""


def _course(steps: Sequence[SpendStep]) -> Iterator[str]:
    if len(steps) < 2:
        return
    each = -(-len(steps) // COURSE_WIDTH)
    costs = [Decimal(step["cost_usd"]) for step in steps]
    sums = [sum(costs[first : first + each], Decimal(0)) for first in range(0, len(costs), each)]
    unit = "hour" if "T" in steps[0]["at"] else "day"
    span = unit if each == 1 else f"{each} {unit}s"
    most = output.usd(str(max(sums)))
    yield f"{output.sparkline(sums)}  {_label(steps[0])} to {_label(steps[-1])}, at most {most} a {span}"


def _label(step: SpendStep) -> str:
    return f"{step['at'][11:]}:00" if "T" in step["at"] else f"{date.fromisoformat(step['at']):%b %-d}"


def _month(month: MonthOutlook | None) -> Iterator[str]:
    if month is not None:
        name = f"{date.fromisoformat(month['month'] + '-01'):%B}"
        yield (
            f"{name}: {output.usd(month['spent_usd'])} so far, about {output.usd(month['projected_usd'])} by its end "
            f"at the pace of {month['days_known']} days"
        )


def _prompt_cache(found: PromptCache) -> Iterator[str]:
    if not found["read_tokens"] and not found["written_tokens"]:
        return
    saved_usd = Decimal(found["saved_usd"])
    verdict = "saved" if saved_usd >= 0 else "lost"
    yield (
        f"providers' prompt caches: {output.short_count(found['read_tokens'])} tokens read, "
        f"{output.short_count(found['written_tokens'])} written, {verdict} {output.usd(str(abs(saved_usd)))}"
    )


def _doubts(found: Spend) -> Iterator[str]:
    """What the sums do not have, or not for certain."""
    if found["unknown"]:
        yield f"not in these sums: {output.counted(found['unknown'], 'call')} whose outcome nobody saw"
    if found.get("unpriced"):
        yield f"not in these sums: {output.counted(found['unpriced'], 'call')} without a price (see [[models]])"
    if found.get("estimated"):
        calls = output.counted(found["estimated"], "call")
        yield f"estimated in these sums: {calls} cut off, not counted or with web searches"


def _nearly_used_up(budgets: Sequence[BudgetRow]) -> Iterator[str]:
    """Budgets past their soft limit."""
    for budget in budgets:
        spent_usd, limit_usd = Decimal(budget["spent_usd"]), Decimal(budget["limit_usd"])
        if limit_usd and spent_usd * 100 >= limit_usd * budget["soft_pct"]:
            of = f"{output.usd(budget['spent_usd'])} of {output.usd(budget['limit_usd'])}"
            yield f"budget {budget['scope']} ({budget['window']}): {of}, {spent_usd / limit_usd:.0%}"


def _show_groups(found: Spend, by: str) -> None:
    whole = Decimal(found["cost_usd"])
    columns = [by, "calls>", "hits>", "cost>", "", "saved>", "read>", "written>"]
    output.table(columns, [_row(row, by, whole) for row in found["rows"][:ROWS_SHOWN]])
    if more := found["rows"][ROWS_SHOWN:]:
        cost = output.usd(str(sum((Decimal(row["cost_usd"]) for row in more), Decimal(0))))
        output.line(f"… and {output.count(len(more))} more, {cost} together")


def _row(row: SpendRow, by: str, whole: Decimal) -> tuple[str, ...]:
    return (
        str(row.get(by) or "–"),
        output.short_count(row.get("calls", 0)),
        output.short_count(row.get("hits", 0)),
        _cost(row),
        output.bar(Decimal(row.get("cost_usd", "0")), whole, BAR_WIDTH),
        output.usd(row.get("saved_usd")),
        output.short_count(row.get("input_tokens", 0)),
        output.short_count(row.get("output_tokens", 0)),
    )


def _cost(row: SpendRow) -> str:
    """What is not known is no zero."""
    if not row.get("unpriced") and not row.get("unknown"):
        return output.usd(row.get("cost_usd"))
    known = Decimal(row.get("cost_usd", "0"))
    return f"{output.usd(str(known))} + {output.UNKNOWN}" if known else output.UNKNOWN


def _unusual(one: UnusualSpend) -> tuple[str, ...]:
    name = f"{datetime.fromisoformat(one['name'] + ':00'):%b %-d %H:%M}" if one["kind"] == "hour" else one["name"]
    return one["kind"], name, output.usd(one["cost_usd"]), output.usd(one["usual_usd"]), f"{one['z']:.1f}"


def _show_advice(advice: Advice) -> None:
    output.paragraph(f"{output.usd(advice['saving_usd'])} less: {advice['text']}")
    for line in advice["step"].splitlines():
        output.line(f"    {line}")


def _part(part: PricePart) -> tuple[str, ...]:
    return part["name"], output.count(part["tokens"]), part["usd_per_mtok"], part["cost_usd"]
