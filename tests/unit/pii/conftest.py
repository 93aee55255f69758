"""Parts for these tests: a real finder, a dialect whose body is a list of texts."""

from types import SimpleNamespace

import pytest

from daemon.adapters.finder_presidio import PresidioFinder
from daemon.adapters.operators_presidio import PresidioOperators
from daemon.dialects.dialect import Place, TextKind
from daemon.pii.privacy import Privacy
from daemon.settings import PiiSettings


class TextsDialect:
    """`{"texts": [...], "arguments": [...]}`: plain texts, and texts that hold JSON."""

    def earlier_turns(self, body):
        return None

    def is_kept(self, body):
        return False

    def places(self, body):
        return [
            *(Place(body["texts"], at) for at in range(len(body.get("texts", ())))),
            *(Place(body["arguments"], at, TextKind.JSON) for at in range(len(body.get("arguments", ())))),
        ]

    answer_places = spoken_places = places


@pytest.fixture(scope="session")
def warm_finder():
    finder = PresidioFinder(PiiSettings())
    finder.warm()
    return finder


@pytest.fixture(scope="session")
def loaded_privacy():
    """Makes the policy of some settings, with a finder of its own that is loaded."""

    def make(**settings):
        finder = PresidioFinder(PiiSettings(**settings))
        finder.warm()
        return Privacy(finder, PresidioOperators(b"key"), PiiSettings(**settings))

    return make


@pytest.fixture
def finder(warm_finder):
    """The real finder, which counts what it was asked."""
    asked = []

    def find(text):
        asked.append(text)
        return warm_finder.find(text)

    return SimpleNamespace(version="1", is_ready=True, degraded=None, warm=lambda: None, find=find, asked=asked)


@pytest.fixture
def dialect():
    return TextsDialect()


@pytest.fixture
def privacy_with(finder):
    def make(**settings):
        return Privacy(finder, PresidioOperators(b"key"), PiiSettings(**settings), ready_wait_s=0.01)

    return make


@pytest.fixture
def privacy(privacy_with):
    return privacy_with()
