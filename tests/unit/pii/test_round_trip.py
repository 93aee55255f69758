"""Guarantees 1 and 2 for the whole room: no planted value goes out, all of it comes back."""

import asyncio
import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from daemon.dialects.dialect import TextKind

PLANTED = [
    "ann.lee@example.com",
    "4111 1111 1111 1111",
    "536-90-4399",
    "+44 20 7946 0958",
    "DE89370400440532013000",
    "sk-proj-abc123def456ghi789",
    "203.0.113.77",
]
around = st.text(alphabet=st.sampled_from("ab \n<>&_\\\"'{}:,.;!?1é中"), max_size=8)
texts = st.lists(st.tuples(around, st.sampled_from(PLANTED)), max_size=5).map(
    lambda pairs: "".join(f"{words} {value} " for words, value in pairs)
)
relaxed = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@relaxed
@given(st.lists(texts, max_size=4), st.data())
def test_what_is_hidden_is_restored_exactly(privacy, dialect, conversation, data):
    body = {"texts": list(conversation)}
    vault = asyncio.run(privacy.hide(dialect, body)).vault

    assert conversation == [vault.restore(text) for text in body["texts"]]
    for sent, original in zip(body["texts"], conversation, strict=True):
        restorer = vault.restorer(TextKind.PLAIN)
        size = data.draw(st.integers(1, 7))
        parts = [restorer.feed(sent[at : at + size]) for at in range(0, len(sent), size)]
        assert original == "".join([*parts, restorer.finish()])


@relaxed
@given(st.lists(texts, min_size=1, max_size=4))
def test_no_planted_value_goes_out(privacy, dialect, conversation):
    body = {"texts": list(conversation), "arguments": [json.dumps(conversation)]}
    asyncio.run(privacy.hide(dialect, body))
    sent = json.dumps(body)

    assert [] == [value for value in PLANTED if value in sent]


@relaxed
@given(st.dictionaries(st.text(alphabet="ab_", max_size=3), texts | st.integers(-9999, 9999) | st.none(), max_size=4))
def test_arguments_come_back_as_equal_json(privacy, dialect, arguments):
    body = {"arguments": [json.dumps(arguments)]}
    vault = asyncio.run(privacy.hide(dialect, body)).vault

    assert arguments == json.loads(vault.restore_json(body["arguments"][0]))
