"""Embedder: a sentence encoder in ONNX, on one CPU thread of its own."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np
from tokenizers import Tokenizer

from ..errors import EmbedderUnavailable
from ..exchange import Vector
from .model_files import ModelFiles

# Else onnxruntime keeps a device id in the user's home and sends events to Microsoft. It looks when it is loaded.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import onnxruntime

Result = TypeVar("Result")

# The tokenizer reads a whole text before it cuts it at 256 tokens: a million characters take 0.6 s and leave
# 100 MB behind. This many characters hold 256 tokens unless most of them are white space or endless words.
MAX_CHARACTERS = 16_384


class OnnxEmbedder:
    """Text to unit vector with the model in `files`. Texts queue for the one thread, in the order they came.

    One thread and no spinning: measured, a second one costs more CPU than it saves time, and takes it
    from the event loop.
    """

    def __init__(self, files: ModelFiles) -> None:
        self._files = files
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
            self._files.check()
            self._encoder = SentenceEncoder(self._files)

    async def _on_worker(self, step: Callable[..., Result], *arguments: str) -> Result:
        try:
            future = self._worker.submit(step, *arguments)
        except RuntimeError as error:
            raise EmbedderUnavailable("the embedder is closed") from error
        return await asyncio.wrap_future(future)


class SentenceEncoder:
    """Tokenizer and model, loaded. Not for two threads at once."""

    def __init__(self, files: ModelFiles) -> None:
        """Takes 0.1 s and 40 MB.

        Raises:
            EmbedderUnavailable: a file cannot be used.
        """
        try:
            # Truncation is set in the file, padding is not.
            self._tokenizer = Tokenizer.from_file(str(files.folder / "tokenizer.json"))
            self._session = onnxruntime.InferenceSession(
                files.folder / "model.onnx", session_options(), providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # both libraries raise classes of their own, and bare Exception
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


def session_options() -> onnxruntime.SessionOptions:
    """One thread, which sleeps when it has nothing to do, and little memory."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    # Patterns are kept for every length of text that was ever seen: 6 MB more after 600 texts, and no faster.
    # The arena stays on: with it the process stays at 118 MB, without it at 125.
    options.enable_mem_pattern = False
    return options
