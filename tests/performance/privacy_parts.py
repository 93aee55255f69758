"""What privacy costs beside finding: encryption, audit, answer scanning; CPU time, the least of all passes.

    OMP_NUM_THREADS=1 python tests/performance/privacy_parts.py

Prints the table of docs/privacy.md. Texts are the made ones of pii_texts.py; an answer is 300 words.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from random import Random

from pii_texts import plain_queries, texts_with_pii

from daemon.adapters.audit_sqlite import SqliteAudit
from daemon.adapters.finder_presidio import PresidioFinder
from daemon.adapters.operators_presidio import PresidioOperators
from daemon.dialects.dialect import TextKind, TextRestorer
from daemon.exchange import CacheEntry
from daemon.pii.answers import AnswerScan
from daemon.pii.passages import Passage
from daemon.pii.privacy import Privacy
from daemon.pii.vault import Vault
from daemon.ports.pii import AuditRow
from daemon.sealing import KEY_BYTES, EntrySeal, Sealer
from daemon.settings import PiiSettings

PASSES = 7
VAULT = Vault({"EMAIL_ADDRESS_1": "ann.lee@example.com"})
AUDITED = 500
"""Requests whose findings are written together: those of a busy second."""


def main() -> None:
    answer = words_of(300)
    seal = EntrySeal(Sealer([os.urandom(KEY_BYTES)]))
    entry = entry_of(answer)
    sealed = seal.closed(entry)
    privacy = loaded(PiiSettings(scan_answers=True))
    print("| a request that | CPU µs |\n| --- | --: |")
    tell("keeps an answer of 300 words, encrypted (`storage.encrypt`)", least_us(lambda: seal.closed(entry)))
    tell("is answered by it", least_us(lambda: seal.opened(sealed)))
    tell("is written into the audit, two kinds found", audit_us())
    restored = least_us(lambda: streamed(VAULT.restorer(TextKind.PLAIN), answer))
    whole = least_us(lambda: scan_of(privacy).find(Passage(answer)), times=5)
    scanned = least_us(lambda: streamed(scan_of(privacy).restorer(TextKind.PLAIN), answer), times=5)
    tell("streams 300 words word by word, values put back", restored)
    tell("the same, and the answer is scanned (`pii.scan_answers`)", scanned)
    tell("gets them whole, scanned", whole)


def tell(name: str, us: float) -> None:
    print(f"| {name} | {us:,.0f} |")


def words_of(count: int) -> str:
    """Prose with a value here and there, of so many words."""
    marked = [*texts_with_pii(10, seed=7), *plain_queries(100, seed=7)]
    Random(7).shuffle(marked)
    return " ".join(" ".join(one.text for one in marked).split()[:count])


def entry_of(answer: str) -> CacheEntry:
    return CacheEntry(
        key=b"k" * 32,
        partition=b"p" * 32,
        scope="key:local",
        dialect="chat",
        model="m",
        question="How do I write to <EMAIL_ADDRESS_1>?",
        answer=answer.encode(),
        vector=bytes(768),
        cost_nanos=1,
        input_tokens=1,
        output_tokens=1,
        made_in_ms=1,
        created_at=0.0,
        expires_at=1.0,
    )


def loaded(settings: PiiSettings) -> Privacy:
    finder = PresidioFinder(settings)
    finder.warm()
    return Privacy(finder, PresidioOperators(b"key"), settings)


def scan_of(privacy: Privacy) -> AnswerScan:
    scan = privacy.answer_scan(VAULT, Counter().update, is_asked_for=True)
    assert scan is not None
    return scan


def streamed(restorer: TextRestorer, text: str) -> str:
    return "".join([restorer.feed(f"{word} ") for word in text.split(" ")]) + restorer.finish()


def least_us(work: Callable[[], object], times: int = 100) -> float:
    return min(once_us(work, times) for _ in range(PASSES))


def once_us(work: Callable[[], object], times: int) -> float:
    before_s = time.process_time()
    for _ in range(times):
        work()
    return (time.process_time() - before_s) / times * 1e6


def audit_us() -> float:
    """Of one request, where a busy second's are written together; the thread that writes is counted."""
    return asyncio.run(_audit_us())


async def _audit_us() -> float:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    kinds = ("EMAIL_ADDRESS", "PERSON")
    rows = [AuditRow(at, f"req_{n}", "local", "question", kind, "replace", 1) for n in range(AUDITED) for kind in kinds]
    found = []
    with tempfile.TemporaryDirectory() as folder:
        audit = SqliteAudit(Path(folder) / "audit.sqlite")
        await audit.open()
        for _ in range(PASSES):
            before_s = time.process_time()
            await audit.write(rows)
            found.append(time.process_time() - before_s)
        await audit.aclose()
    return min(found) / AUDITED * 1e6


if __name__ == "__main__":
    main()
