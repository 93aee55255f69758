"""Whatever is said, however it is cut: what comes back from a model that echoes is what it would have said unhidden."""

from __future__ import annotations

import asyncio
import json
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from daemon.dialects import dialect_named
from daemon.pii.revealing import reveal_whole
from tests import upstream
from tests.said import said
from tests.upstream import Reply, ToolCall

WHOLE = {
    "chat": upstream.chat_answer,
    "messages": upstream.messages_answer,
    "responses": upstream.responses_answer,
    "completions": upstream.completions_answer,
}
STREAMED = {
    "chat": upstream.chat_events,
    "messages": upstream.messages_events,
    "responses": upstream.responses_events,
    "completions": upstream.completions_events,
}

VALUES = st.sampled_from(
    [
        *("ann.lee@example.com", "bo@example.org", "4111 1111 1111 1111", "536-90-4399", "DE89370400440532013000"),
        *("+44 20 7946 0958", "203.0.113.77", "[[a note]]", '[["quoted" \\ and\nbroken]]', "[[é😀]]"),
    ]
)
LOOK_ALIKES = st.sampled_from(
    [
        *("<EMAIL_ADDRESS_1>", "<email_address_2>", "&lt;EMAIL_ADDRESS_1&gt;", "<EMAIL\\_ADDRESS\\_1>", "<NOTE_1>"),
        *("\\u003cNOTE_2\\u003e", "<CREDIT CARD 1>", "<US_SSN_1", "<", "&lt;", "\\", "<EMAIL_ADDRESS_10001>", "<X_1>"),
    ]
)
AROUND = st.text(st.sampled_from("ab \n<>&_\\\"'{}[]:,.;é\u2028"), max_size=6)
TEXTS = st.lists(st.tuples(AROUND, st.one_of(VALUES, LOOK_ALIKES)), min_size=1, max_size=5).map(
    lambda pairs: "".join(f"{around} {value} " for around, value in pairs)
)
TURNS = st.lists(TEXTS, min_size=1, max_size=4)
relaxed = settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def hiding(loaded_privacy):
    """Hides with a kind whose values need escapes in JSON."""
    return loaded_privacy(recognizers=[{"name": "NOTE", "regex": r"\[\[[^\[\]]+\]\]", "score": 0.95}])


def request(dialect: str, turns: list[str]):
    if dialect == "completions":
        return {"model": "m", "prompt": list(turns)}
    said = [{"role": ("user", "assistant")[at % 2], "content": text} for at, text in enumerate(turns)]
    return {"model": "m", "input" if dialect == "responses" else "messages": said}


def texts_of(body) -> list[str]:
    if "prompt" in body:
        return body["prompt"]
    return [turn["content"] for turn in body.get("messages") or body["input"]]


def hidden(privacy, dialect: str, turns: list[str], earlier=None, **more):
    """What the provider is sent of each turn, and what was hidden."""
    body = request(dialect, turns) | more
    found = asyncio.run(privacy.hide(dialect_named(dialect), body, earlier))
    return texts_of(body), found


def echoing(sent: list[str], *, escaped: bool = False) -> Reply:
    """The last turn as a text, all of them as arguments of a tool, as a model writes them that escapes more or less."""
    arguments = json.dumps({"turns": sent, "last": {"text": sent[-1]}}, ensure_ascii=escaped)
    if escaped:
        arguments = arguments.replace("<", "\\u003c").replace(">", "\\u003E")
    return Reply(text=sent[-1], tool_calls=(ToolCall("send", arguments),))


def read(answer: bytes) -> tuple[str, object]:
    text, arguments = said(answer)
    return text, json.loads(arguments) if arguments else None


def is_told_from_json(text: str) -> bool:
    """A text that begins like JSON mode and is none gets its values back as JSON's strings would have them."""
    return not text.lstrip().startswith("{")


@pytest.mark.parametrize("dialect", WHOLE)
@relaxed
@given(turns=TURNS, escaped=st.booleans())
def test_whole(hiding, dialect, turns, escaped):
    assume(is_told_from_json(turns[-1]))
    sent, found = hidden(hiding, dialect, turns)
    answer = json.dumps(WHOLE[dialect](echoing(sent, escaped=escaped), "m")).encode()

    unhidden = json.dumps(WHOLE[dialect](echoing(turns), "m")).encode()
    assert read(unhidden) == read(reveal_whole(dialect_named(dialect), found, answer))


@pytest.mark.parametrize("dialect", STREAMED)
@relaxed
@given(turns=TURNS, escaped=st.booleans(), data=st.data())
def test_streamed_and_cut_anywhere(hiding, dialect, turns, escaped, data):
    assume(is_told_from_json(turns[-1]))
    sent, found = hidden(hiding, dialect, turns)
    reply = echoing(sent, escaped=escaped)
    edges = [0, *sorted(data.draw(st.lists(st.integers(0, len(reply.text)), max_size=8))), len(reply.text)]
    reply = Reply(reply.text, reply.tool_calls, pieces=tuple(reply.text[start:end] for start, end in pairwise(edges)))
    stream = b"".join(STREAMED[dialect](reply, "m"))
    rewriter = dialect_named(dialect).rewriter(found.vault.restorer, with_usage=True)
    size = data.draw(st.integers(1, 200))
    passed = [rewriter.feed(stream[at : at + size]) for at in range(0, len(stream), size)]

    unhidden = b"".join(STREAMED[dialect](echoing(turns), "m"))
    assert read(unhidden) == read(b"".join([*passed, rewriter.finish()]))


@pytest.mark.parametrize("dialect", STREAMED)
@relaxed
@given(turns=TURNS, size=st.integers(1, 40))
def test_json_mode(hiding, dialect, turns, size):
    """An answer that is JSON stays JSON, with each text in it as it was."""
    sent, found = hidden(hiding, dialect, turns)
    text = json.dumps({"turns": sent}, ensure_ascii=False)
    reply = Reply(text, pieces=tuple(text[at : at + size] for at in range(0, len(text), size)))
    whole = reveal_whole(dialect_named(dialect), found, json.dumps(WHOLE[dialect](reply, "m")).encode())
    rewriter = dialect_named(dialect).rewriter(found.vault.restorer, with_usage=True)
    streamed = rewriter.feed(b"".join(STREAMED[dialect](reply, "m"))) + rewriter.finish()

    assert {"turns": turns} == json.loads(said(whole)[0]) == json.loads(said(streamed)[0])


@pytest.mark.parametrize("dialect", WHOLE)
@relaxed
@given(turns=TURNS)
def test_what_comes_later_gives_nothing_another_name(hiding, dialect, turns):
    """So the provider's prompt cache holds, and the model's memory of who is who."""
    conversation, _ = hidden(hiding, dialect, turns)
    for length in range(1, len(turns)):
        assert conversation[:length] == hidden(hiding, dialect, turns[:length])[0]


@relaxed
@given(turns=TURNS, data=st.data())
def test_turns_that_the_provider_keeps_in_any_order_and_branch(hiding, turns, data):
    """Each call follows on any earlier one, or on none; the model knows all turns of its branch."""
    kept = [([], None)]
    for text in turns * 2:
        sent_before, vault = data.draw(st.sampled_from(kept))
        reference = {"previous_response_id": f"resp_{len(kept)}"} if sent_before else {}
        (sent,), found = hidden(hiding, "responses", [text], vault, **reference)
        branch = [*sent_before, (sent, text)]
        for of_provider, original in branch:
            assert original == found.vault.restore(of_provider)
        kept.append((branch, found.vault if found.vault.matters_later else None))
