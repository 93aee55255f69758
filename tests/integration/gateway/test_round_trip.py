"""What comes back is what an unhidden run would have given, streamed as whole (CONTRACT §5, 2)."""

import itertools
import json
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.daemon_process import Daemon, anthropic_settings, openai_settings
from tests.said import said
from tests.upstream import Reply, ToolCall, Upstream

pytestmark = pytest.mark.asyncio(loop_scope="module")

NOTES_ARE_PII = """
[[pii.recognizers]]
name = "NOTE"
regex = '\\[\\[[^\\]]+\\]\\]'
"""
OFF = {"x-helix-cache": "off"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory):
    """One daemon for all examples."""
    async with Upstream() as upstream:
        claude = anthropic_settings(upstream.url, 'models = ["claude-*"]\n')
        settings = "\n".join([NOTES_ARE_PII, claude, openai_settings(upstream.openai_url, 'models = ["gpt-*"]')])
        async with Daemon(tmp_path_factory.mktemp("round_trip"), settings) as daemon:
            yield daemon, upstream


# What a model may make of a placeholder, and what only looks like one.
FRAGMENTS = st.sampled_from(
    [
        *("<NOTE_1>", "<note_1>", "&lt;NOTE_1&gt;", "<NOTE\\_1>", "\\u003cNOTE_1\\u003e", "<NOTE_2>", "<NOTE_11>"),
        *("<EMAIL_ADDRESS_1>", "<EMAIL ADDRESS 1>", "<", "<NOTE", "NOTE_1>", "<<", ">", "&lt;", "\\", "\\\\", '"', "{"),
        *("a < b", "\n", "é", "😀", "\u2028", "data: ", "[DONE]", " ", "word"),
    ]
)
ANSWERS = st.lists(FRAGMENTS, min_size=1, max_size=12).map("".join)
# Lone surrogates are no text that HTTP could carry.
NOTES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="[]<>"), min_size=1, max_size=12)


@given(answer=ANSWERS, note=NOTES, data=st.data())
@settings(max_examples=30)
async def test_a_streamed_answer_is_the_whole_answer(running, answer, note, data):
    """Whatever the values, whatever the model writes, wherever the stream is cut; arguments of tools included."""
    daemon, upstream = running
    path, model = data.draw(st.sampled_from([("chat/completions", "gpt-4o-mini"), ("messages", "claude-haiku-4-5")]))
    question = {"role": "user", "content": f"Take [[{note}]] to ann@example.com"}
    path, body = f"/v1/{path}", {"model": model, "max_tokens": 500, "messages": [question]}
    upstream.next(answering(answer), answering(answer, data.draw(cuts_of(answer)), data.draw(CUTS)))
    whole = await daemon.post(path, body, OFF)
    streamed = await daemon.post(path, body | {"stream": True}, OFF)

    assert read(whole.body) == read(streamed.body)
    assert "<NOTE_1>" not in whole.body.decode() and "<EMAIL_ADDRESS_1>" not in whole.body.decode()
    assert not upstream.saw("ann@example.com") and not upstream.saw(f"[[{note}]]")


CUTS = st.lists(st.integers(1, 4_000), max_size=40).map(lambda cuts: tuple(sorted(set(cuts))))


def cuts_of(text: str) -> st.SearchStrategy[tuple[str, ...]]:
    """The text as deltas, cut anywhere."""
    edges = st.lists(st.integers(0, len(text)), max_size=10).map(lambda cuts: [0, *sorted(cuts), len(text)])
    return edges.map(lambda cuts: tuple(text[start:end] for start, end in itertools.pairwise(cuts)))


def answering(text: str, pieces: tuple[str, ...] | None = None, cuts: tuple[int, ...] | None = None) -> Reply:
    call = ToolCall("send", json.dumps({"said": text, "deep": [text]}, ensure_ascii=False))
    return Reply(text=text, tool_calls=(call,), pieces=pieces, cuts=cuts)


def read(answer: bytes) -> tuple[str, Any]:
    """Its text, and the arguments of its tool call."""
    text, arguments = said(answer)
    return text, json.loads(arguments)
