"""What it costs to find PII, in CPU time on one thread, beside stock Presidio without a model, in one run.

    OMP_NUM_THREADS=1 python tests/performance/pii_speed.py

Prints the table of docs/pii-accuracy.md. *Patterns* is what is known by form and check sum, *all* adds the tagger of
names. A text counts its blanks-separated words; the texts of pii_texts.py are mixed to hold as many values as a row
says. Texts are scanned as new ones: nothing remembers a text, but for the last two rows, which measure that.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from random import Random

from pii_accuracy import stock_presidio
from pii_texts import Marked, plain_queries, texts_with_pii

from daemon.adapters.finder_presidio import PresidioFinder
from daemon.pii.passages import Passage
from daemon.pii.scanning import Scanner
from daemon.settings import TAGGED, PiiSettings

TEXTS = 20
PASSES = 5
TURNS = 20
TURN_WORDS = 150
NEW_TURN_WORDS = 50


@dataclass(frozen=True, slots=True)
class Row:
    name: str
    texts: Sequence[str]
    values: float
    """How many a text holds, on average."""


def main() -> None:
    both, patterns, stock = loaded(PiiSettings()), loaded(patterns_alone()), stock_presidio()
    print("| CPU ms | values | Presidio | patterns | | all | |\n| --- | --: | --: | --: | --: | --: | --: |")
    for row in rows():
        presidio, tier_0, all_of_it = (cpu_ms(row.texts, find) for find in (stock, patterns.find, both.find))
        times = f"{tier_0:.2f} | {presidio / tier_0:.0f} times less | {all_of_it:.2f} | {presidio / all_of_it:.1f}"
        print(f"| {row.name} | {row.values:.0f} | {presidio:.1f} | {times} times less |")
    unmet = made_of(300, pii_share=0.1, seed=5)
    print(f"| 300 words, every one met for the first time | {unmet.values:.0f} | | | | {first_met_ms(unmet):.2f} | |")
    whole, with_memory, alone = asyncio.run(conversation_ms(both))
    print(f"| {TURNS} turns of {TURN_WORDS} words and one of {NEW_TURN_WORDS}, as new | | | | | {whole:.2f} | |")
    print(f"| the same, the {TURNS} turns scanned before | | | | | {with_memory:.2f} | |")
    print(f"| the new turn alone | | | | | {alone:.2f} | |")


def rows() -> Iterator[Row]:
    yield made_of(300, pii_share=0, seed=1, name="300 words, clean")
    yield made_of(300, pii_share=0.15, seed=2, name="300 words with PII")
    yield made_of(300, pii_share=1, seed=3, name="300 words full of PII")
    yield made_of(3_000, pii_share=0.15, seed=4, name="3,000 words with PII")


def made_of(words: int, *, pii_share: float, seed: int, name: str = "") -> Row:
    """Texts of so many words, made of queries of which so many are replaced by texts with PII."""
    random = Random(seed)
    clean, full = cycle(plain_queries(500, seed)), cycle(texts_with_pii(1300, seed))
    made = [taken_until(words, clean, full, pii_share, random) for _ in range(TEXTS)]
    return Row(name, [text for text, _ in made], statistics.mean(values for _, values in made))


def taken_until(
    words: int, clean: Iterator[Marked], full: Iterator[Marked], pii_share: float, random: Random
) -> tuple[str, int]:
    taken: list[Marked] = []
    while sum(len(one.text.split()) for one in taken) < words:
        taken.append(next(full if random.random() < pii_share else clean))
    return "\n".join(one.text for one in taken), sum(len(one.values) for one in taken)


def patterns_alone() -> PiiSettings:
    return PiiSettings(entities=dict.fromkeys(TAGGED, "allow"))


def loaded(settings: PiiSettings) -> PresidioFinder:
    finder = PresidioFinder(settings)
    finder.warm()
    if finder.degraded:
        raise SystemExit(finder.degraded)
    return finder


def cpu_ms(texts: Sequence[str], find: Callable[[str], object]) -> float:
    """The best of some passes, for one text."""
    return min(timed(texts, find) for _ in range(PASSES)) / len(texts)


def timed(texts: Sequence[str], find: Callable[[str], object]) -> float:
    started = time.process_time()
    for text in texts:
        find(text)
    return 1000 * (time.process_time() - started)


def first_met_ms(row: Row) -> float:
    """Each text by a finder that has just been loaded: its memory of words knows the frequent ones alone."""
    return statistics.median(timed([text], loaded(PiiSettings()).find) for text in row.texts)


async def conversation_ms(finder: PresidioFinder) -> tuple[float, float, float]:
    """All of a conversation as new; with its earlier turns known; its new turn alone."""
    turns = [Passage(text) for text in made_of(TURN_WORDS, pii_share=0.15, seed=6).texts[:TURNS]]
    news = [Passage(text) for text in made_of(NEW_TURN_WORDS, pii_share=0.15, seed=7).texts]
    whole = [await scan_ms(Scanner(finder), [*turns, news[0]]) for _ in range(PASSES)]
    knowing = Scanner(finder)
    await knowing.find(turns)
    with_memory = [await scan_ms(knowing, [*turns, new]) for new in islice(news, TEXTS)]
    alone = [await scan_ms(Scanner(finder), [new]) for new in news]
    return min(whole), statistics.median(with_memory), statistics.median(alone)


async def scan_ms(scanner: Scanner, passages: Sequence[Passage]) -> float:
    started = time.process_time()
    await scanner.find(passages)
    return 1000 * (time.process_time() - started)


if __name__ == "__main__":
    main()
