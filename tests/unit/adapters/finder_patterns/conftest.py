"""What the patterns find, without the tagger, which has its own tests."""

from collections.abc import Callable

import pytest

from daemon.adapters.finder_patterns.structured import find_structured, merged
from daemon.adapters.finder_presidio_registry import StructuredRecognizer

Found = Callable[[str], list[tuple[str, str]]]


@pytest.fixture(scope="session")
def found() -> Found:
    """A text's values, each with its kind."""
    tlds = StructuredRecognizer(["SECRET"]).tlds

    def found(text: str) -> list[tuple[str, str]]:
        return [(text[span.start : span.end], span.entity_type) for span in merged(find_structured(text, tlds))]

    return found
