"""`presidio_analyzer` without spaCy, which it imports for engines that nothing here uses."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

_MODULES = ("spacy", "spacy.tokens", "spacy.language", "spacy.util")


def import_presidio() -> None:
    """Import it so that spaCy costs nothing: half a second of CPU and 41 MB otherwise.

    Presidio names spaCy's classes in signatures, and enters a tokenizer of its own in spaCy's registry. Should another
    version want more of it, it gets spaCy itself, by whoever imports it next.
    """
    if "presidio_analyzer" in sys.modules:
        return
    try:
        with _stand_ins():
            import presidio_analyzer
            import presidio_analyzer.predefined_recognizers  # noqa: F401
    except Exception:
        for name in [name for name in sys.modules if name.partition(".")[0] == "presidio_analyzer"]:
            del sys.modules[name]


@contextmanager
def _stand_ins() -> Iterator[None]:
    """Whoever imports spaCy later gets the real one; whoever has it already keeps it."""
    missing = {} if "spacy" in sys.modules else {name: _StandIn(name) for name in _MODULES}
    sys.modules.update(missing)
    try:
        yield
    finally:
        for name in missing:
            sys.modules.pop(name, None)


class _StandIn(ModuleType):
    """Any class that is asked of it, empty."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.__path__: list[str] = []

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Empty(name, (), {})


class _Empty(type):
    """Its class attributes are makers of decorators, as those of spaCy's registry, that change nothing."""

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *_: lambda decorated: decorated
