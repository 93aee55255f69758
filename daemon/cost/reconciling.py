"""A provider's invoice beside the ledger: what differs on which day for which model, and why that may be."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

from ..errors import BadRequest
from ..exchange import JsonObject
from ..spend_sums import BilledDay
from .cheaper import undated
from .money import usd_about

SAME_RATIO = Decimal("0.005")
"""Days on which invoice and ledger differ by one factor, up to this part of it, differ by price."""

MAX_USD = Decimal("1e15")
YEARS = range(1970, 2200)
"""Beyond these a line is no line of an invoice."""

_ZERO_USD = Decimal(0)


@dataclass(frozen=True, slots=True)
class InvoiceLine:
    """What an invoice has for a day (UTC) and a model; the model is empty where it names none. `tolerance_usd` is how
    far its amounts were rounded."""

    day: date
    model: str
    cost_usd: Decimal
    tolerance_usd: Decimal


@dataclass(frozen=True, slots=True)
class Difference:
    """None where one side has nothing. `reason` is outside, not_invoiced, other_day, unpriced, unknown, estimated,
    price, higher or lower; `text` says it in words."""

    day: date
    model: str
    invoice_usd: Decimal | None
    ledger_usd: Decimal | None
    difference_usd: Decimal
    reason: str
    text: str


@dataclass(frozen=True, slots=True)
class Reconciliation:
    invoice_usd: Decimal
    ledger_usd: Decimal
    equal: int
    """How many days of models agree."""
    differences: Sequence[Difference]
    providers: Sequence[str]
    """Those whose rows were compared."""


@dataclass(slots=True)
class _Cell:
    """One day of one model, both sides."""

    day: date
    model: str
    invoice_usd: Decimal | None = None
    tolerance_usd: Decimal = _ZERO_USD
    billed: list[BilledDay] = field(default_factory=list)

    @property
    def ledger_usd(self) -> Decimal | None:
        return sum((one.cost_usd for one in self.billed), _ZERO_USD) if self.billed else None

    @property
    def difference_usd(self) -> Decimal:
        return (self.invoice_usd or _ZERO_USD) - (self.ledger_usd or _ZERO_USD)

    @property
    def agrees(self) -> bool:
        """A day on which the ledger has calls without a known cost agrees only where both amounts do."""
        return abs(self.difference_usd) <= self.tolerance_usd

    @property
    def ratio(self) -> Decimal | None:
        if self.invoice_usd is None or not self.ledger_usd or self.agrees:
            return None
        return self.invoice_usd / self.ledger_usd

    def count(self, state: str) -> int:
        return sum(getattr(one, state) for one in self.billed)


def reconcile(lines: Iterable[InvoiceLine], billed: Iterable[BilledDay], provider: str | None) -> Reconciliation:
    """Compare, day by day and model by model; where the invoice names no model, day by day.

    Only rows of `provider` count or, where that is None, of the providers of which the invoice names a model: an
    invoice says nothing of others.
    """
    lines = list(lines)
    names_models = any(line.model for line in lines)
    billed = _of_invoice(lines, list(billed), provider, names_models=names_models)
    cells = _cells(lines, billed, names_models=names_models)
    by_model: defaultdict[str, list[_Cell]] = defaultdict(list)
    for cell in cells:
        by_model[cell.model].append(cell)
    return Reconciliation(
        invoice_usd=sum((line.cost_usd for line in lines), _ZERO_USD),
        ledger_usd=sum((one.cost_usd for one in billed), _ZERO_USD),
        equal=sum(cell.agrees for cell in cells),
        differences=[_difference(cell, by_model[cell.model]) for cell in cells if not cell.agrees],
        providers=sorted({one.provider for one in billed}),
    )


def read_lines(body: JsonObject) -> list[InvoiceLine]:
    """
    Raises:
        BadRequest: there are no lines, or one is not what `InvoiceLine` says.
    """
    lines = body.get("lines")
    if not isinstance(lines, list) or not lines:
        raise BadRequest("lines: expected at least one line of an invoice", param="lines")
    try:
        return [_read_line(line) for line in lines]
    except (KeyError, TypeError, ValueError, ArithmeticError) as error:
        raise BadRequest("lines: expected day, model, cost_usd and tolerance_usd in each", param="lines") from error


def _read_line(line: JsonObject) -> InvoiceLine:
    cost_usd, tolerance_usd = Decimal(line["cost_usd"]), Decimal(line["tolerance_usd"])
    day = date.fromisoformat(line["day"])
    if not (abs(cost_usd) < MAX_USD and 0 <= tolerance_usd < MAX_USD and day.year in YEARS):
        raise ValueError("out of range")
    return InvoiceLine(day, str(line["model"]), cost_usd, tolerance_usd)


def plain_name(model: str) -> str:
    """What invoices and APIs have in common: `Claude Haiku 4.5` and `claude-haiku-4-5-20251001` are one model."""
    return undated(model.strip().lower().rpartition("/")[2].replace(" ", "-")).replace(".", "-")


def _of_invoice(
    lines: Sequence[InvoiceLine], billed: Sequence[BilledDay], provider: str | None, *, names_models: bool
) -> list[BilledDay]:
    if provider is not None:
        return [one for one in billed if one.provider == provider]
    if not names_models:
        return list(billed)
    on_invoice = {plain_name(line.model) for line in lines}
    providers = {one.provider for one in billed if plain_name(one.model) in on_invoice}
    return [one for one in billed if one.provider in providers]


def _cells(lines: Iterable[InvoiceLine], billed: Iterable[BilledDay], *, names_models: bool) -> list[_Cell]:
    cells: dict[tuple[date, str], _Cell] = {}

    def cell_of(day: date, model: str) -> _Cell:
        name = plain_name(model) if names_models else ""
        return cells.setdefault((day, name), _Cell(day, name))

    for line in lines:
        cell = cell_of(line.day, line.model)
        cell.invoice_usd = (cell.invoice_usd or _ZERO_USD) + line.cost_usd
        cell.tolerance_usd += line.tolerance_usd
    for one in billed:
        cell_of(one.day, one.model).billed.append(one)
    return [cells[at] for at in sorted(cells)]


def _difference(cell: _Cell, of_model: Sequence[_Cell]) -> Difference:
    reason, text = next(_reasons(cell, of_model))
    return Difference(cell.day, cell.model, cell.invoice_usd, cell.ledger_usd, cell.difference_usd, reason, text)


def _reasons(cell: _Cell, of_model: Sequence[_Cell]) -> Iterator[tuple[str, str]]:
    """Those that fit, the most certain first."""
    other_day = _made_up_for_on(cell, {other.day: other for other in of_model})
    if other_day is not None:
        yield "other_day", f"{other_day} differs by as much the other way: the provider's day begins elsewhere"
    if not cell.billed:
        yield "outside", "nothing of it went through Helix that day: another key, client or machine"
    if cell.difference_usd > 0:
        yield from _what_is_not_known(cell)
    if cell.invoice_usd is None:
        yield "not_invoiced", "not on the invoice: another account, or billed later"
    if estimated := cell.count("estimated"):
        yield "estimated", f"{estimated} calls are estimated: cut off, not counted, or with web searches"
    if cell.ratio is not None and _is_steady(cell.ratio, of_model):
        yield "price", f"always {cell.ratio:.3f} of the ledger's: a discount, batches, tax, or another price"
    if cell.difference_usd > 0:
        yield "higher", "calls outside Helix, services that are not billed by token, or another price"
    yield "lower", "a discount, batches, credits, or another price"


def _what_is_not_known(cell: _Cell) -> Iterator[tuple[str, str]]:
    if unpriced := cell.count("unpriced"):
        yield "unpriced", f"{unpriced} calls have no price here: give the model one in [[models]]"
    if unknown := cell.count("unknown"):
        bound_usd = sum((one.bound_usd for one in cell.billed), _ZERO_USD)
        yield "unknown", f"nobody saw how {unknown} calls ended; they cost at most ${usd_about(bound_usd)}"


def _made_up_for_on(cell: _Cell, by_day: Mapping[date, _Cell]) -> date | None:
    """The day before or after, where both together agree."""
    for other in (by_day.get(cell.day + timedelta(days=step)) for step in (-1, 1)):
        if other is None or other.agrees:
            continue
        if abs(cell.difference_usd + other.difference_usd) <= cell.tolerance_usd + other.tolerance_usd:
            return other.day
    return None


def _is_steady(ratio: Decimal, of_model: Sequence[_Cell]) -> bool:
    """Whether at least one other day has it too."""
    ratios = [other.ratio for other in of_model if other.ratio is not None]
    return sum(abs(other - ratio) <= SAME_RATIO * ratio for other in ratios) > 1
