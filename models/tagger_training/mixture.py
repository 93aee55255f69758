"""What the tagger reads while it is trained: what others wrote, what is made up, and both together."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from random import Random

from .corpora import (
    read_code,
    read_conll,
    read_descriptions,
    read_plain,
    read_questions,
    read_scripts,
    told_of_people,
    varied,
)
from .labelled import Labelled, filled, joined
from .names import People
from .noise import cased, misspelt
from .slots import Slots
from .wordnet import WordNet
from .writer import TextWriter

_MOST_PIECES = 12_000


@dataclass(frozen=True, slots=True)
class Sources:
    """The folders that hold what others wrote."""

    corpora: Path
    questions: Path
    packages: Path
    modules: Path
    wordnet: Path


class Texts:
    """Without end; one seed, one sequence."""

    def __init__(self, sources: Sources, people: People, random: Random) -> None:
        self._random = random
        wordnet = WordNet.read(sources.wordnet)
        self._slots = Slots(people, wordnet, random)
        self._writer = TextWriter(self._slots, random)
        self._news = read_conll(sources.corpora / "wikigold.conll")
        self._posts = [
            sentence
            for file in sorted([*sources.corpora.glob("btc_*.conll"), *sources.corpora.glob("wnut_*.conll")])
            for sentence in read_conll(file)
        ]
        self._questions = [
            question
            for file in ("banking77.jsonl", "clinc150.jsonl")
            for question in read_questions(sources.questions / file)
        ]
        names = people.words()
        self._code = read_code(sources.packages, names, _MOST_PIECES, random)
        self._scripts = read_scripts(sources.modules, names, _MOST_PIECES, random)
        self._descriptions = read_descriptions(sources.packages, names, 2 * _MOST_PIECES, random)
        self._plain = read_plain((*wordnet.examples, *wordnet.definitions), names)
        self._told = told_of_people(wordnet.examples)
        self._ways = {
            self._corpus: 24,
            self._writer.sentences: 22,
            self._writer.document: 7,
            self._writer.record: 8,
            self._writer.bare: 3,
            self._writer.negative: 13,
            self._writer.agent: 5,
            self._letter: 6,
            self._about_people: 8,
            self._sentences: 5,
            self._question: 4,
            self._piece: 11,
            self._both: 5,
        }

    def any(self) -> Labelled:
        return self._random.choices(list(self._ways), list(self._ways.values()))[0]()

    def _corpus(self) -> Labelled:
        sentences = self._news if self._random.random() < 0.2 else self._posts
        at = self._random.randrange(len(sentences))
        several = sentences[at : at + self._random.choice((1, 1, 2, 3))]
        return joined(
            [varied(sentence, self._slots.names, self._random) for sentence in several],
            self._random.choice((" ", "\n")),
        )

    def _question(self) -> Labelled:
        return joined([self._random.choice(self._questions) for _ in range(self._random.choice((1, 1, 3)))], "\n")

    def _sentences(self) -> Labelled:
        """One to four of WordNet, as they are or with a capital and a full stop."""
        several = [self._random.choice(self._plain) for _ in range(self._random.choice((1, 1, 2, 4)))]
        if self._random.random() < 0.6:
            several = [_as_sentence(text) for text in several]
        text = joined(several, self._random.choice((" ", " ", "\n")))
        return cased(misspelt(text, self._random) if self._random.random() < 0.2 else text, self._random, title=0.08)

    def _about_people(self) -> Labelled:
        told = [
            _as_sentence(filled(self._random.choice(self._told), self._slots, self._random))
            for _ in range(self._random.choice((1, 1, 2, 3)))
        ]
        return cased(joined(told, " "), self._random)

    def _piece(self) -> Labelled:
        return self._random.choice(self._random.choice((self._code, self._code, self._scripts, self._descriptions)))

    def _letter(self) -> Labelled:
        return self._writer.letter(self._random.choice((self._question, self._sentences, self._piece))())

    def _both(self) -> Labelled:
        """Code or questions beside a text with names."""
        parts = [self._writer.sentences(), self._random.choice((self._piece, self._question, self._writer.agent))()]
        self._random.shuffle(parts)
        return joined(parts, "\n\n")


def _as_sentence(text: Labelled) -> Labelled:
    whole = joined([text, "" if text.text[-1:] in ".!?" else "."])
    return whole.mapped(lambda words: words[:1].upper() + words[1:])
