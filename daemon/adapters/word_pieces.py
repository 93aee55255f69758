"""MiniLM's tokenizer, which the embedder and the tagger share."""

from __future__ import annotations

import threading

from tokenizers import Tokenizer

from ..errors import ModelUnavailable
from .model_files import ModelFiles


class WordPieces:
    """Loaded when it is first asked for, and once: each more would take 8 MB. Safe from several threads."""

    def __init__(self, files: ModelFiles) -> None:
        self._file = files.folder / "tokenizer.json"
        self._lock = threading.Lock()
        self._tokenizer: Tokenizer | None = None

    @property
    def tokenizer(self) -> Tokenizer:
        """It cuts a text at 256 pieces, and does not pad.

        Raises:
            ModelUnavailable: its file cannot be read.
        """
        with self._lock:
            if self._tokenizer is None:
                try:
                    self._tokenizer = Tokenizer.from_file(str(self._file))
                except Exception as error:  # the tokenizer raises bare Exception
                    raise ModelUnavailable(f"{self._file} cannot be read ({type(error).__name__})") from error
            return self._tokenizer
