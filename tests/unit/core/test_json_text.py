"""JSON in and out changes no number and meets hostile input."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.json_text import MAX_DEPTH, canonical, parse, parse_object, parse_objects, to_json

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**80), 2**80)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8")),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(json_values)
def test_what_is_parsed_goes_out_as_equal_json(value):
    """Integers beyond 64 bits included, which orjson alone would turn into floats."""
    text = json.dumps(value)

    assert value == json.loads(to_json(parse(text)))


@given(st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=3), json_values, max_size=5))
def test_equal_objects_have_one_canonical_form(value):
    reordered = dict(reversed(value.items()))

    assert canonical(value) == canonical(reordered)


@pytest.mark.parametrize(
    "hostile",
    [b"", b"{", b"NaN", b"1e999", b'"\\ud800"', b'"\xff"', b"[" * 100_000, b'{"a":' * 300 + b"1" + b"}" * 300],
)
def test_what_is_not_json_is_a_value_error(hostile):
    with pytest.raises(ValueError):
        parse(hostile)


def test_nesting_up_to_the_limit_is_read():
    text = b"[" * MAX_DEPTH + b"]" * MAX_DEPTH

    assert text == to_json(parse(text))
    with pytest.raises(ValueError, match="nested deeper"):
        parse(b"[" + text + b"]")


def test_many_brackets_side_by_side_are_not_deep():
    assert 1_000 == len(parse(b"[" + b",".join([b"{}"] * 1_000) + b"]"))


@pytest.mark.parametrize("text", [b"[]", b"1", b'"x"', b"null", b"broken"])
def test_an_object_is_asked_for_and_nothing_else_will_do(text):
    assert parse_object(text) is None


@pytest.mark.parametrize(
    "odd", [b'{"a":1', b"[]", b"{},{}", b"", b"NaN", b'{"b":%s' % (b"[" * 300), b'{"n":%d}' % 2**70]
)
def test_many_objects_are_read_as_each_would_be(odd):
    texts = [b'{"a":1}', odd, b'{"c":18446744073709551617}']

    assert [parse_object(text) for text in texts] == parse_objects(texts)
