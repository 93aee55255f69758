"""Embedder: a sentence encoder in ONNX, on one CPU thread of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np

from ..errors import EmbedderUnavailable, ModelUnavailable
from ..exchange import Vector
from .model_files import ModelFiles
from .onnx_session import open_session
from .word_pieces import WordPieces

Result = TypeVar("Result")

# The tokenizer reads a whole text before it cuts it at 256 tokens: a million characters take 0.6 s and leave
# 100 MB behind. This many characters hold 256 tokens unless most of them are white space or endless words.
MAX_CHARACTERS = 16_384


class OnnxEmbedder:
    """Text to unit vector with the model in `files`. Texts queue for the one thread, in the order they came.

    One thread and no spinning: measured, a second one costs more CPU than it saves time, and takes it
    from the event loop.
    """

    def __init__(self, files: ModelFiles, pieces: WordPieces | None = None) -> None:
        """`pieces`: the model's tokenizer, where others use it too; else it loads one."""
        self._files = files
        self._pieces = pieces or WordPieces(files)
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="embedder")
        self._encoder: SentenceEncoder | None = None

    @property
    def is_ready(self) -> bool:
        return self._encoder is not None

    async def warm(self) -> None:
        await self._on_worker(self._load)

    async def embed(self, text: str) -> Vector:
        if self._encoder is None:
            raise EmbedderUnavailable("the embedding model is not loaded yet")
        return await self._on_worker(self._encoder.encode, text)

    async def aclose(self) -> None:
        """Take no more texts; those in the queue are still embedded."""
        self._worker.shutdown(wait=False)

    def _load(self) -> None:
        if self._encoder is None:
            try:
                self._files.check()
            except ModelUnavailable as error:
                raise EmbedderUnavailable(str(error)) from error
            self._encoder = SentenceEncoder(self._files, self._pieces)

    async def _on_worker(self, step: Callable[..., Result], *arguments: str) -> Result:
        try:
            future = self._worker.submit(step, *arguments)
        except RuntimeError as error:
            raise EmbedderUnavailable("the embedder is closed") from error
        return await asyncio.wrap_future(future)


class SentenceEncoder:
    """Tokenizer and model, loaded. Not for two threads at once."""

    def __init__(self, files: ModelFiles, pieces: WordPieces | None = None) -> None:
        """Takes 0.1 s and 40 MB.

        Raises:
            EmbedderUnavailable: a file cannot be used.
        """
        try:
            self._tokenizer = (pieces or WordPieces(files)).tokenizer
            self._session = open_session(files.folder / "model.onnx")
        except ModelUnavailable as error:
            raise EmbedderUnavailable(f"the model in {files.folder} cannot be loaded: {error}") from error

    def encode(self, text: str) -> Vector:
        """The text's unit vector.

        Raises:
            EmbedderUnavailable: the tokenizer or the model failed.
        """
        try:
            token_ids = self._tokenizer.encode(text[:MAX_CHARACTERS]).ids
            (vectors,) = self._session.run(None, {"input_ids": np.array([token_ids], dtype=np.int64)})
        except Exception as error:
            # `from None`: what these libraries say may quote the text.
            raise EmbedderUnavailable(f"the embedding model failed ({type(error).__name__})") from None
        vector: Vector = vectors[0]
        return vector
