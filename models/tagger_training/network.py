"""The tagger's network, and how texts become its batches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import nn
from torch.nn import functional

from daemon.adapters import tagger_words

from .labelled import IGNORE, KINDS, Labelled

LABELS = ("O", *(f"{prefix}-{kind}" for kind in KINDS for prefix in "BI"))
NOT_COUNTED = -100


class Vocabulary:
    """The words met so far: of each its pieces, its grams and its shape."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._ids: dict[str, int] = {}
        self.pieces: list[list[int]] = []
        self.grams: list[list[int]] = []
        self.shapes: list[int] = []

    def id_of(self, word: str) -> int:
        at = self._ids.get(word)
        if at is None:
            at = self._ids[word] = len(self._ids)
            pieces, grams, shape = tagger_words.features(word, self._tokenizer)
            self.pieces.append(pieces)
            self.grams.append(grams)
            self.shapes.append(shape)
        return at


@dataclass(frozen=True, slots=True)
class Example:
    words: np.ndarray
    gaps: np.ndarray
    labels: np.ndarray


def example_of(labelled: Labelled, vocabulary: Vocabulary) -> Example:
    """Each word's label: that of the mark in which its first character stands."""
    words = tagger_words.split(labelled.text)
    labels = np.zeros(len(words.texts), np.int64)
    marks = iter(sorted(labelled.marks, key=lambda mark: mark.start))
    mark, is_first = next(marks, None), True
    for at, (start, _) in enumerate(words.spans):
        while mark and start >= mark.end:
            mark, is_first = next(marks, None), True
        if mark and start >= mark.start:
            labels[at] = NOT_COUNTED if mark.kind == IGNORE else 1 + 2 * KINDS.index(mark.kind) + (not is_first)
            is_first = False
    ids = np.array([vocabulary.id_of(word) for word in words.texts], np.int64)
    return Example(ids, np.array(words.gaps, np.int64), labels)


class WordVectors(nn.Module):
    """A word's vector: its pieces' MiniLM vectors (frozen) projected, and its grams' and its shape's, learned."""

    def __init__(self, pieces: torch.Tensor, width: int) -> None:
        super().__init__()
        self.register_buffer("pieces", pieces, persistent=False)
        self.project = nn.Linear(pieces.shape[1], width, bias=False)
        self.grams = nn.EmbeddingBag(tagger_words.GRAM_BUCKETS, width, mode="mean")
        self.shapes = nn.Embedding(tagger_words.SHAPES, width)
        nn.init.normal_(self.grams.weight, std=0.5)
        nn.init.normal_(self.shapes.weight, std=0.5)

    def forward(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        """What is known by the letters, and by the shape; the vector is the sum of both."""
        meant = functional.embedding_bag(batch.pieces, self.pieces, batch.piece_offsets, mode="mean")
        return self.project(meant) + self.grams(batch.grams, batch.gram_offsets), self.shapes(batch.shapes)


class Context(nn.Module):
    """Word vectors and gaps to label scores: gated residual convolutions over the words beside."""

    def __init__(self, width: int, dilations: Sequence[int]) -> None:
        super().__init__()
        self.gaps = nn.Embedding(len(tagger_words.Gap), width)
        self.first_norm = nn.LayerNorm(width)
        self.convolutions = nn.ModuleList(
            nn.Conv1d(width, 2 * width, 3, padding=dilation, dilation=dilation) for dilation in dilations
        )
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in dilations)
        self.scores = nn.Linear(width, len(LABELS))

    def forward(
        self, vectors: torch.Tensor, gaps: torch.Tensor, mask: torch.Tensor | None = None, drop: float = 0.0
    ) -> torch.Tensor:
        """(batch, words, width), (batch, words) to (batch, words, labels). `mask` is 0 where a text has ended."""
        state = self.first_norm(vectors + self.gaps(gaps))
        for convolution, norm in zip(self.convolutions, self.norms, strict=True):
            if mask is not None:
                state = state * mask
            value, gate = convolution(state.transpose(1, 2)).transpose(1, 2).chunk(2, dim=-1)
            change = functional.relu(value) * torch.sigmoid(gate)
            if drop:  # of whole words: as good as of single numbers, and a tenth cheaper
                change = change * functional.dropout(torch.ones_like(change[..., :1]), drop)
            state = norm(state + change)
        return self.scores(state)


class Tagger(nn.Module):
    def __init__(self, pieces: torch.Tensor, width: int, dilations: Sequence[int]) -> None:
        super().__init__()
        self.words = WordVectors(pieces, width)
        self.context = Context(width, dilations)
        self.unknown = nn.Parameter(torch.zeros(width))
        """Stands for the letters of a word that is hidden while training, so that the words beside have to tell."""

    def forward(self, batch: Batch, word_drop: float = 0.0, drop: float = 0.0) -> torch.Tensor:
        """Of the hidden words every second keeps its shape: so a name that nobody has heard of looks."""
        letters, shapes = (vectors[batch.words] for vectors in self.words(batch))
        if word_drop:
            roll = torch.rand(batch.words.shape).unsqueeze(-1)
            letters = torch.where(roll < word_drop, self.unknown, letters)
            shapes = torch.where(roll < word_drop / 2, torch.zeros(()), shapes)
        return self.context(letters + shapes, batch.gaps, batch.mask, drop)


@dataclass(frozen=True, slots=True)
class Batch:
    """Texts of about one length, padded; the words of them once, as rows that `words` points to."""

    words: torch.Tensor
    gaps: torch.Tensor
    labels: torch.Tensor
    mask: torch.Tensor
    pieces: torch.Tensor
    piece_offsets: torch.Tensor
    grams: torch.Tensor
    gram_offsets: torch.Tensor
    shapes: torch.Tensor


def batch_of(examples: Sequence[Example], vocabulary: Vocabulary) -> Batch:
    size = max(len(example.words) for example in examples)
    unique, where = np.unique(np.concatenate([example.words for example in examples]), return_inverse=True)
    words, gaps = np.zeros((len(examples), size), np.int64), np.zeros((len(examples), size), np.int64)
    labels = np.full((len(examples), size), NOT_COUNTED, np.int64)
    mask = np.zeros((len(examples), size, 1), np.float32)
    reached = 0
    for row, example in enumerate(examples):
        count = len(example.words)
        words[row, :count] = where[reached : reached + count]
        gaps[row, :count], labels[row, :count], mask[row, :count] = example.gaps, example.labels, 1
        reached += count
    return Batch(
        *map(torch.from_numpy, (words, gaps, labels, mask)),
        *_bags([vocabulary.pieces[word] for word in unique]),
        *_bags([vocabulary.grams[word] for word in unique]),
        torch.tensor([vocabulary.shapes[word] for word in unique], dtype=torch.long),
    )


def _bags(bags: Sequence[Sequence[int]]) -> tuple[torch.Tensor, torch.Tensor]:
    """As torch.nn.EmbeddingBag takes them: the rows of all bags, and where each begins."""
    offsets = np.cumsum([0, *map(len, bags[:-1])])
    return torch.tensor([row for bag in bags for row in bag], dtype=torch.long), torch.from_numpy(offsets)
