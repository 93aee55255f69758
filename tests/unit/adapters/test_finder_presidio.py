"""The finder as the settings make it, over patterns of its own, the tagger, and Presidio's where they are wanted."""

import logging
from itertools import pairwise

import pytest

from daemon.adapters import finder_presidio_registry
from daemon.adapters.finder_presidio import PresidioFinder
from daemon.errors import FinderUnavailable, ModelUnavailable
from daemon.settings import PiiSettings


@pytest.fixture(scope="module")
def finder():
    finder = PresidioFinder(PiiSettings())
    finder.warm()
    return finder


def kinds(finder, text):
    return [(text[span.start : span.end], span.entity_type) for span in finder.find(text)]


def test_findings_are_sorted_and_do_not_overlap(finder):
    text = (
        "bob+tag@mail.corp.local +1 (555) 123-4567 4111 1111 1111 1111 Dear Ms Brown, 8.8.8.8 my SSN is 536-90-4399 "
        * 3
    )
    spans = finder.find(text)

    assert 15 <= len(spans)
    assert all(left.end <= right.start for left, right in pairwise(spans))
    assert all(span.start < span.end for span in spans)


def test_a_context_word_counts_only_as_a_whole_word(finder):
    assert [] == kinds(finder, "assnx 536904399")
    assert [("536904399", "US_SSN")] == kinds(finder, "user_ssn 536904399")


def test_a_kind_that_is_allowed_is_not_looked_for():
    finder = PresidioFinder(PiiSettings(entities={"EMAIL_ADDRESS": "allow"}))
    finder.warm()

    assert [("4111111111111111", "CREDIT_CARD")] == kinds(finder, "ann@example.com 4111111111111111")


def test_the_owners_recognizers_are_run():
    settings = PiiSettings(recognizers=[{"name": "EMPLOYEE_ID", "regex": r"\bEMP-\d{6}\b", "score": 0.1}])
    finder = PresidioFinder(settings)
    finder.warm()

    assert [("EMP-123456", "EMPLOYEE_ID")] == kinds(finder, "x" * 20_000 + " EMP-123456 EMP-12 AEMP-123456")


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("URL", "see https://example.com/x now", "https://example.com/x"),
        ("DATE_TIME", "on 2024-05-06 we", "2024-05-06"),
        ("US_BANK_NUMBER", "bank account 12345678901", "12345678901"),
        ("US_PASSPORT", "passport number 912803456", "912803456"),
        ("US_DRIVER_LICENSE", "driver license H12234567", "H12234567"),
    ],
)
def test_kinds_off_by_default_are_presidios_once_switched_on(kind, text, value):
    finder = PresidioFinder(PiiSettings(entities={kind: "replace"}))
    finder.warm()

    assert [(value, kind)] == kinds(finder, text)


def test_a_kind_that_nothing_recognizes_is_told_once(caplog):
    with caplog.at_level(logging.WARNING):
        PresidioFinder(PiiSettings(entities={"AGE": "replace", "LOCATION": "replace"})).warm()

    assert "nothing here recognizes AGE: left as it is" in caplog.text


def test_the_owners_words_are_found_as_whole_words_in_any_case():
    settings = PiiSettings(recognizers=[{"name": "PROJECT", "words": ["Project Falcon", "falcon", "C++"]}])
    finder = PresidioFinder(settings)
    finder.warm()

    assert [("project  FALCON", "PROJECT"), ("Falcon", "PROJECT"), ("c++", "PROJECT")] == kinds(
        finder, "the project  FALCON, a Falcon, no falcons, in c++"
    )


def test_a_value_on_the_allow_list_is_left_alone_in_any_case():
    finder = PresidioFinder(PiiSettings(allow=["Support@Example.com"]))
    finder.warm()

    assert [("ann@example.com", "EMAIL_ADDRESS")] == kinds(finder, "support@example.com or ann@example.com")


def test_findings_below_the_threshold_of_their_kind_are_left_alone():
    finder = PresidioFinder(PiiSettings(thresholds={"PHONE_NUMBER": 0.9}))
    finder.warm()

    assert [("ann@example.com", "EMAIL_ADDRESS")] == kinds(finder, "call +44 20 7946 0958 or ann@example.com")


def test_without_the_taggers_files_it_is_degraded_and_goes_on_with_patterns(monkeypatch):
    def missing(name):
        raise ModelUnavailable("there are no model files")

    monkeypatch.setattr(finder_presidio_registry, "find_model", missing)
    finder = PresidioFinder(PiiSettings())
    finder.warm()

    assert finder.is_ready
    assert "names and addresses are found by cues only: there are no model files" == finder.degraded
    assert [("Ann Lee", "PERSON")] == kinds(finder, "my name is Ann Lee")


def test_the_version_follows_the_settings():
    versions = {
        PresidioFinder(settings).version
        for settings in (
            PiiSettings(),
            PiiSettings(entities={"PERSON": "allow"}),
            PiiSettings(recognizers=[{"name": "X", "regex": "x"}]),
        )
    }

    assert 3 == len(versions)
    assert PresidioFinder(PiiSettings()).version == PresidioFinder(PiiSettings()).version


def test_before_it_is_loaded_it_says_so():
    with pytest.raises(FinderUnavailable):
        PresidioFinder(PiiSettings()).find("ann@example.com")


def test_it_is_ready_only_once_it_has_run():
    """The first run loads more than the import did; a request must not wait for it."""
    ready_while_running = []

    class Observed(PresidioFinder):
        def _found(self, recognizers, text):
            ready_while_running.append(self.is_ready)
            return super()._found(recognizers, text)

    finder = Observed(PiiSettings())
    finder.warm()

    assert [False] == ready_while_running
    assert finder.is_ready


def test_lone_surrogates_and_nul_do_no_harm(finder):
    assert [("ann@example.com", "EMAIL_ADDRESS")] == kinds(finder, "\ud800\0 ann@example.com \udfff")


def test_offsets_hold_where_lower_case_is_longer(finder):
    assert [("hunter22", "SECRET")] == kinds(finder, "İİİ password: hunter22")


def test_a_failure_tells_nothing_of_the_text(finder, monkeypatch, caplog):
    class Broken:
        supported_entities = ()

        def find(self, text):
            raise RuntimeError(text)

    broken = PresidioFinder(PiiSettings())
    monkeypatch.setattr(broken, "_recognizers", (Broken(),))
    with pytest.raises(FinderUnavailable) as raised:
        broken.find("ann@example.com")

    assert "ann@" not in str(raised.value) + caplog.text
    assert raised.value.__cause__ is None
