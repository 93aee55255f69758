"""Make what the cache knows of English words from WordNet's files.

    python models/build_lexicon.py --wordnet DIR

DIR holds data.noun, index.noun and their kin (Debian: the package wordnet-base, /usr/share/wordnet). Writes
daemon/caching/guards/antonyms.txt, and verifier/words.npz: which words mean the same, and which are two of one kind
(measles and mumps). Equal files give equal files.
"""

from __future__ import annotations

import argparse
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from daemon.caching.guards.stems import stem
from daemon.caching.guards.words import LIGHT
from daemon.caching.lexicon import FILE, IS_KIND, hash_of

HERE = Path(__file__).parent
ANTONYMS = HERE.parent / "daemon" / "caching" / "guards" / "antonyms.txt"
PARTS = {"n": "noun", "v": "verb", "a": "adj", "r": "adv"}
SENSES = 2
"""Of each part of speech the commonest ones; rare senses relate what nobody means."""

HEADER = """\
# A word and its opposites. From WordNet 3.0, Copyright 2006 by Princeton University. All rights reserved.
# Used, copied and changed as the licence beside this file permits. Made by models/build_lexicon.py.
"""
NO_OPPOSITES = {("express", "local"), ("level", "raise"), ("mushroom", "toadstool"), ("like", "unlike")}


class Synset(NamedTuple):
    words: list[str]
    pointers: list[tuple[str, str, int, int]]
    """Symbol, the synset that is pointed to, and the number of the word at either end; 0: the whole synset."""


def synsets(folder: Path) -> dict[str, Synset]:
    return dict(_synset(part, line) for part, name in PARTS.items() for line in _lines(folder / f"data.{name}"))


def _synset(part: str, line: str) -> tuple[str, Synset]:
    fields = line.split(" | ", maxsplit=1)[0].split()
    count = int(fields[3], 16)
    words = [re.sub(r"\(.*", "", word).lower() for word in fields[4 : 4 + 2 * count : 2]]
    at = 5 + 2 * count
    pointers = [_pointer(fields[i : i + 4]) for i in range(at, at + 4 * int(fields[at - 1]), 4)]
    return part + fields[0], Synset(words, pointers)


def _pointer(fields: list[str]) -> tuple[str, str, int, int]:
    symbol, offset, part, ends = fields
    return symbol, part.replace("s", "a") + offset, int(ends[:2], 16), int(ends[2:], 16)


def senses(folder: Path) -> Iterator[tuple[str, list[str]]]:
    """Each single word with its commonest synsets."""
    for part, name in PARTS.items():
        for line in _lines(folder / f"index.{name}"):
            word, _, count, pointers, *rest = line.split()
            if re.fullmatch(r"[a-z]{3,}", word):
                yield word, [part + offset for offset in rest[int(pointers) + 2 :][: min(SENSES, int(count))]]


def _lines(file: Path) -> list[str]:
    return [line for line in file.read_text().splitlines() if not line.startswith("  ")]


def opposites(all_synsets: dict[str, Synset], irregular: dict[str, set[str]]) -> dict[str, set[str]]:
    """Each word with its opposites, of two the one that is first in the alphabet; irregular forms too."""
    found: dict[str, set[str]] = defaultdict(set)
    for synset in all_synsets.values():
        for symbol, other, mine, theirs in synset.pointers:
            if symbol == "!":
                pair = sorted((synset.words[mine - 1], all_synsets[other].words[theirs - 1]))
                if all(map(str.isalpha, pair)) and tuple(pair) not in NO_OPPOSITES:
                    for one in (pair[0], *irregular.get(pair[0], ())):
                        found[one] |= {pair[1], *irregular.get(pair[1], ())}
    return found


def irregular_forms(folder: Path) -> dict[str, set[str]]:
    """Of `win`: `won`."""
    forms: dict[str, set[str]] = defaultdict(set)
    for line in _lines(folder / "verb.exc"):
        form, word = line.split()[:2]
        if form.isalpha():
            forms[word].add(form)
    return forms


def relations(folder: Path, all_synsets: dict[str, Synset]) -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    """Of each stem its synsets, and the kinds that these belong to: hypernyms, or an adjective's head."""
    own: dict[str, set[str]] = defaultdict(set)
    kinds: dict[str, set[str]] = defaultdict(set)
    for word, found in senses(folder):
        if word in LIGHT:
            continue
        own[stem(word)] |= set(found)
        for name in found:
            kinds[stem(word)] |= {
                other for symbol, other, *_ in all_synsets[name].pointers if symbol in ("@", "@i", "&")
            }
    used = Counter(name for word in own for name in own[word] | kinds[word])
    shared = {name for name, count in used.items() if count > 1}
    return {w: own[w] & shared for w in own}, {w: (kinds[w] & shared) - own[w] for w in own}


def pack(own: dict[str, set[str]], kinds: dict[str, set[str]]) -> dict[str, np.ndarray]:
    """Rows in the order of the words' hashes: how many names each has, and these, kinds with IS_KIND set."""
    number = {name: at for at, name in enumerate(sorted(set().union(*own.values(), *kinds.values())))}
    by_hash = {hash_of(word): word for word in sorted(own)}
    words = [by_hash[key] for key in sorted(by_hash)]
    rows = [
        sorted(number[name] for name in own[word]) + sorted(number[name] | IS_KIND for name in kinds[word])
        for word in words
    ]
    return {
        "hashes": np.array(sorted(by_hash), dtype=np.uint32),
        "counts": np.array([len(row) for row in rows], dtype=np.uint8),
        "names": np.array([name for row in rows for name in row], dtype=np.uint32),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--wordnet", type=Path, required=True)
    folder = parser.parse_args().wordnet
    all_synsets = synsets(folder)
    found = opposites(all_synsets, irregular_forms(folder))
    ANTONYMS.write_text(HEADER + "".join(f"{word} {' '.join(sorted(found[word]))}\n" for word in sorted(found)))
    arrays = pack(*relations(folder, all_synsets))
    np.savez_compressed(HERE / "verifier" / FILE, **arrays)
    print(f"{sum(map(len, found.values()))} pairs of opposites, {len(arrays['hashes'])} words")


if __name__ == "__main__":
    main()
