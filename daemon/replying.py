"""What goes back to a caller: the answer with the caller's own values in it, in the form that was asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import partial

from .caching.flights import Seat
from .cost.accounts import Accounts
from .cost.money import usd_of, usd_text
from .exchange import CacheEntry, JsonObject, LedgerRow, Reply, Verdict
from .fetch import Asked, Request
from .json_text import parse_object, to_json
from .monitoring.metrics import Metrics
from .pii.answers import AnswerScan
from .pii.audit import Audit
from .pii.privacy import Privacy, counts_header
from .pii.remembering import RememberingSource
from .pii.revealing import PieceSource, RevealedStream, reveal_whole
from .pii.vaults import Vaults
from .ports.clock import Clock


@dataclass(frozen=True, slots=True)
class Replies:
    """Makes replies. `leads`: the request made the call itself, others follow it."""

    privacy: Privacy
    vaults: Vaults
    audit: Audit
    accounts: Accounts
    metrics: Metrics
    clock: Clock

    async def from_cache(self, request: Request, entry: CacheEntry) -> Reply:
        saved_usd = usd_of(entry.cost_nanos)
        tokens = (entry.input_tokens, entry.output_tokens)
        row = self._record_hit(request, request.lookup.verdict, saved_usd, *tokens, saved_ms=entry.made_in_ms)
        body = await self._revealed_whole(request, entry.answer)
        return Reply(200, self._headers(request, 200, {}, row), self._in_callers_form(request, body))

    def in_pieces(self, request: Request, asked: Asked, seat: Seat, *, leads: bool) -> Reply:
        """An answer as it comes: a file as it is, a stream restored as it passes; the provider's own bytes where
        nothing is to be put back or taken out. The reply's pieces own the seat."""
        headers = self._headers_of(request, asked, asked.row, leads=leads)
        if asked.is_file:
            return Reply(asked.status, headers, pieces=RevealedStream(seat, None))
        vault, dialect = request.hidden.vault, request.dialect
        scan = self._answer_scan(request, Counter())
        restore = scan.restorer if scan is not None else None if vault.is_empty else vault.restorer
        rewriter = dialect.rewriter(restore, with_usage=dialect.wants_usage(request.ask.body))
        at_end = None if leads else partial(self._record_follower, request, asked)
        source: PieceSource = seat
        if vault.matters_later and dialect.is_kept(request.ask.body):
            source = RememberingSource(seat, dialect.assemble_partial, partial(self._remember, request))
        return Reply(asked.status, headers, pieces=RevealedStream(source, rewriter, at_end))

    async def whole(self, request: Request, asked: Asked, body: bytes, *, leads: bool) -> Reply:
        """An answer that has come to its end."""
        await self._forget_removed(request, asked)
        row = asked.row if leads else self._record_follower(request, asked)
        headers = self._headers_of(request, asked, row, leads=leads)
        if asked.status != 200:
            return Reply(asked.status, headers, body)
        if asked.streamed:  # this caller asked for it whole
            body = to_json(request.dialect.assemble(body) or request.dialect.assemble_partial(body))
        brought: Counter[str] = Counter()
        body = request.lookup.completed(await self._scanned(request, body, brought))
        if brought:
            headers["x-helix-answer-pii"] = counts_header(brought)
        return Reply(200, headers, self._in_callers_form(request, await self._revealed_whole(request, body)))

    async def _scanned(self, request: Request, body: bytes, brought: Counter[str]) -> bytes:
        """The answer without PII that the model itself brings, where somebody wants that. What is kept in the cache
        brings none, so hits are not scanned."""
        scan = self._answer_scan(request, brought)
        answer = parse_object(body) if scan is not None else None
        if scan is None or answer is None or not await scan.whole(request.dialect, answer):
            return body
        return to_json(answer)

    def _answer_scan(self, request: Request, brought: Counter[str]) -> AnswerScan | None:
        """`brought` counts what is found, which the audit and the metrics are told too."""

        def on_found(counts: Mapping[str, int]) -> None:
            brought.update(counts)
            self.metrics.found(counts)
            self.audit.note(request.ask, "answer", counts, self.privacy.operators_of(counts))

        vault = request.hidden.vault
        return self.privacy.answer_scan(vault, on_found, is_asked_for=request.ask.scan_answer)

    async def _revealed_whole(self, request: Request, body: bytes) -> bytes:
        """The answer with this caller's values in it, which are kept where later requests may go on from it."""
        if request.hidden.vault.matters_later and request.dialect.is_kept(request.ask.body):
            await self._remember(request, parse_object(body) or {})
        return reveal_whole(request.dialect, request.hidden, body)

    async def _remember(self, request: Request, answer: JsonObject) -> bool:
        """Whether the answer, or its beginning, says as what its provider keeps it."""
        references = request.dialect.kept_as(request.ask.body, answer)
        for reference in references:
            await self.vaults.remember(request.ask.caller, reference, request.hidden.vault)
        return bool(references)

    def _in_callers_form(self, request: Request, body: bytes) -> bytes:
        """A whole answer as this caller asked for it: whole, or as the bytes of a stream."""
        if not request.ask.stream:
            return body
        answer = parse_object(body)
        if answer is None:
            return body
        return request.dialect.replay(answer, with_usage=request.dialect.wants_usage(request.ask.body))

    async def _forget_removed(self, request: Request, asked: Asked) -> None:
        reference = request.dialect.earlier_turns(request.ask.body)
        if asked.status == 200 and reference is not None and request.dialect.removes_kept(request.ask.body):
            await self.vaults.forget(request.ask.caller, reference)

    def _record_follower(self, request: Request, asked: Asked) -> LedgerRow:
        saved_usd = asked.row.cost_usd or Decimal(0)
        return self._record_hit(request, Verdict.COALESCED, saved_usd, asked.row.input_tokens, asked.row.output_tokens)

    def _record_hit(
        self,
        request: Request,
        verdict: Verdict,
        saved_usd: Decimal,
        input_tokens: int,
        output_tokens: int,
        *,
        saved_ms: float | None = None,
    ) -> LedgerRow:
        return self.accounts.record_hit(
            request.ask,
            verdict=verdict,
            saved_usd=saved_usd,
            similarity=request.lookup.similarity,
            input_tokens=input_tokens,
            output_tokens=output_tokens,
            total_ms=(self.clock.monotonic_s() - request.ask.started_s) * 1e3,
            pii=request.hidden.header,
            saved_ms=saved_ms,
        )

    def _headers_of(self, request: Request, asked: Asked, row: LedgerRow, *, leads: bool) -> dict[str, str]:
        """A provider's ids and rate limits belong to the one who made the call."""
        headers = asked.headers if leads or asked.status != 200 else {}
        return self._headers(request, asked.status, headers, row, asked)

    def _headers(
        self, request: Request, status: int, headers: Mapping[str, str], row: LedgerRow, asked: Asked | None = None
    ) -> dict[str, str]:
        """The provider's headers and ours, at the moment when they go out. `asked` is the call that was made for it,
        also where another one asked."""
        ask, lookup = request.ask, request.lookup
        provider_s = asked.provider_s if asked is not None else 0.0
        overhead_s = max(0.0, self.clock.monotonic_s() - ask.started_s - provider_s)
        self.metrics.answer(status, overhead_s)
        out = dict(headers)
        if status == 200 and not _is_as_asked(headers, stream=ask.stream):
            out["content-type"] = "text/event-stream; charset=utf-8" if ask.stream else "application/json"
        out["x-helix-request-id"] = ask.id
        out["x-helix-cache"] = lookup.verdict.value
        out["x-helix-overhead-ms"] = f"{overhead_s * 1e3:.2f}"
        if lookup.stale_s and lookup.entry is not None:
            out["age"] = f"{ask.received_at.timestamp() - lookup.entry.created_at:.0f}"
        if lookup.similarity is not None:
            out["x-helix-similarity"] = f"{lookup.similarity:.4f}"
        if found := request.hidden.header:
            out["x-helix-pii"] = found
        answered_by = (asked.row.upstream_model if asked is not None else "") or request.route.model
        if answered_by and answered_by != ask.model:
            out["x-helix-model"] = answered_by
        if not ask.stream:
            if row.cost_usd is not None:
                out["x-helix-cost-usd"] = usd_text(row.cost_usd)
            if row.saved_usd is not None:
                out["x-helix-saved-usd"] = usd_text(row.saved_usd)
        return out


def _is_as_asked(headers: Mapping[str, str], *, stream: bool) -> bool:
    """Whether a provider's answer goes out in the form in which it came, so that it is still what it says to be."""
    said = headers.get("content-type", "")
    return bool(said) and said.startswith("text/event-stream") == stream
