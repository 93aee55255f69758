"""What an export writes an import reads, and nothing else."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.caching.entry_lines import entry_of, line_of
from daemon.errors import BadRequest
from daemon.exchange import CacheEntry

UNIT = (np.ones(384) / np.sqrt(384)).astype("<f2").tobytes()
ENTRY = CacheEntry(
    key=bytes(32),
    partition=bytes(range(32)),
    scope="key:ann",
    dialect="chat",
    model="gpt-4o-mini",
    question="how do I cancel?",
    answer=b'{"choices": []}',
    vector=UNIT,
    cost_nanos=12,
    input_tokens=3,
    output_tokens=4,
    made_in_ms=900,
    created_at=1.5,
    expires_at=2.5,
    user="ann",
    namespace="staging",
    tags=("nightly",),
)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(), lambda some: st.lists(some, max_size=3)
)


def through_a_file(entry: CacheEntry) -> Any:
    return json.loads(json.dumps(line_of(entry, embedder="minilm")))


def test_an_entry_comes_back_as_it_was() -> None:
    assert ENTRY == entry_of(through_a_file(ENTRY), embedder="minilm")


def test_a_vector_of_another_embedder_is_left_out() -> None:
    assert entry_of(through_a_file(ENTRY), embedder="another").vector is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("key", "00"),
        ("key", "zz" * 32),
        ("partition", None),
        ("answer", "not JSON"),
        ("answer", "[1]"),
        ("question", "\ud800"),
        ("scope", "key:\nann"),
        ("tags", ["a,b"]),
        ("vector", "AAAA"),
        ("cost_nanos", -1),
        ("cost_nanos", True),
        ("created_at", float("nan")),
        ("expires_at", "soon"),
    ],
)
def test_what_is_not_what_it_should_be_is_named(name: str, value: object) -> None:
    with pytest.raises(BadRequest, match=f"^{name}: expected"):
        entry_of({**through_a_file(ENTRY), name: value}, embedder="minilm")


@given(name=st.sampled_from(sorted(through_a_file(ENTRY))), value=ANYTHING)
def test_no_line_does_more_than_be_refused(name: str, value: object) -> None:
    try:
        entry_of({**through_a_file(ENTRY), name: value}, embedder="minilm")
    except BadRequest as error:
        assert "expected" in str(error)
