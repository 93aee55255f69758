"""How well PII is found, beside stock Presidio without a model, in one run; pii_speed.py says at what cost.

    python tests/performance/pii_accuracy.py [--ewt en_ewt-ud-dev.iob2]

Recall: values of which half or more is hidden, under any label. Precision: findings that touch a value. F2 weighs
recall twice. The texts are made by pii_texts.py; `--ewt` adds sentences of Universal NER (English EWT).
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import tldextract
from pii_texts import (
    Marked,
    annotated,
    library_code,
    plain_queries,
    texts_with_pii,
    unseen_plain_texts,
    unseen_texts_with_pii,
)
from presidio_analyzer import AnalyzerEngine
from presidio_analyzer.nlp_engine import NlpArtifacts, NlpEngine

from daemon.adapters.finder_presidio import PresidioFinder
from daemon.settings import PiiSettings

Finding = tuple[int, int, str]
Find = Callable[[str], list[Finding]]


class NoNlp(NlpEngine):  # type: ignore[misc]
    """Presidio's way of running without a model: there are no tokens, no lemmas and no names."""

    def load(self) -> None: ...

    def is_loaded(self) -> bool:
        return True

    def process_text(self, text: str, language: str) -> NlpArtifacts:
        return NlpArtifacts([], [], [], [], self, language)

    def process_batch(self, texts: Iterable[str], language: str, **_: object) -> Iterable[tuple[str, NlpArtifacts]]:
        return ((text, self.process_text(text, language)) for text in texts)

    def is_stopword(self, word: str, language: str) -> bool:
        return False

    def is_punct(self, word: str, language: str) -> bool:
        return False

    def get_supported_entities(self) -> list[str]:
        return []

    def get_supported_languages(self) -> list[str]:
        return ["en"]


def main() -> None:
    options = parsed()
    finders = {"helix": helix(), "presidio": stock_presidio()}
    made = texts_with_pii(options.texts, seed=11)
    clean = {
        "standard library": library_code(600, seed=12),
        "plain queries": plain_queries(500, seed=13),
        "unseen plain texts": unseen_plain_texts(),
    }
    print(f"{'':18}{'values':>7}" + "".join(f"{name + ' recall':>17}{'precision':>10}{'F2':>7}" for name in finders))
    report(made, finders)
    print("\nunseen texts")
    report(unseen_texts_with_pii(options.texts, seed=14), finders)
    if options.ewt:
        print("\nEnglish EWT")
        report(annotated(options.ewt), finders, kinds=("PERSON",))
    print("\nfalse positives in texts without PII: findings per 1,000 texts, share of texts flagged")
    for name, texts in clean.items():
        print(f"{name:18}{len(texts):7}" + "".join(f"{flagged(texts, find):>24}" for find in finders.values()))


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ewt", type=Path, help="en_ewt-ud-dev.iob2 of Universal NER")
    parser.add_argument("--texts", type=int, default=1300)
    return parser.parse_args()


def helix() -> Find:
    finder = PresidioFinder(PiiSettings())
    finder.warm()
    if finder.degraded:
        raise SystemExit(finder.degraded)
    return lambda text: [(span.start, span.end, span.entity_type) for span in finder.find(text)]


def stock_presidio() -> Find:
    tldextract.tldextract.TLD_EXTRACTOR = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)
    engine = AnalyzerEngine(nlp_engine=NoNlp(), supported_languages=["en"])
    return lambda text: [(found.start, found.end, found.entity_type) for found in engine.analyze(text, "en")]


def report(texts: Sequence[Marked], finders: dict[str, Find], kinds: tuple[str, ...] = ()) -> None:
    """A line for each kind that the texts hold. A finding of another kind than these is nobody's false positive."""
    results = {name: measured(texts, find) for name, find in finders.items()}
    values = Counter(kind for text in texts for *_, kind in text.values)
    for kind in kinds or sorted(values):
        line = f"{kind:18}{values[kind]:7}"
        for result in results.values():
            recall, precision = result.recall(kind), result.precision(kind)
            line += f"{recall:17.3f}{precision:10.3f}{f2(recall, precision):7.3f}"
        print(line)


class Measured:
    def __init__(self) -> None:
        self.values: Counter[str] = Counter()
        self.hidden: Counter[str] = Counter()
        self.findings: Counter[str] = Counter()
        self.right: Counter[str] = Counter()

    def recall(self, kind: str) -> float:
        return self.hidden[kind] / self.values[kind] if self.values[kind] else 0.0

    def precision(self, kind: str) -> float:
        return self.right[kind] / self.findings[kind] if self.findings[kind] else 0.0


def measured(texts: Sequence[Marked], find: Find) -> Measured:
    result = Measured()
    for text in texts:
        found = find(text.text)
        for start, end, kind in text.values:
            covered = sum(max(0, min(end, to) - max(start, since)) for since, to, _ in found)
            result.values[kind] += 1
            result.hidden[kind] += 2 * covered >= end - start
        for since, to, kind in found:
            result.findings[kind] += 1
            result.right[kind] += any(min(end, to) > max(start, since) for start, end, _ in text.values)
    return result


def f2(recall: float, precision: float) -> float:
    return 5 * precision * recall / (4 * precision + recall) if precision + recall else 0.0


def flagged(texts: Sequence[Marked], find: Find) -> str:
    found = [len(find(text.text)) for text in texts]
    return f"{1000 * sum(found) / len(texts):7.1f} {sum(map(bool, found)) / len(texts):8.2%}"


if __name__ == "__main__":
    main()
