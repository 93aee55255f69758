from __future__ import annotations

import copy
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.dialects import dialect_named
from daemon.dialects.dialect import TextKind

SCHEMA = {
    "type": "object",
    "title": "T title",
    "required": ["description"],
    "properties": {
        "description": {
            "type": "string",
            "description": "T nested",
            "enum": ["T red"],
            "const": "T fixed",
            "pattern": "red",
            "x": "T own",
        },
        "enum": {"type": "string", "default": "T default", "examples": ["T example"]},
        "list": {"type": "array", "items": {"anyOf": [{"description": "T any of"}]}},
    },
}

CHAT = {
    "model": "gpt",
    "tools": [{"type": "function", "function": {"name": "f", "description": "T tool", "parameters": SCHEMA}}],
    "response_format": {"type": "json_schema", "json_schema": {"name": "x", "description": "T format"}},
    "messages": [
        {"role": "system", "content": "T system"},
        {
            "role": "user",
            "name": "T participant",
            "content": [
                {"type": "text", "text": "T part"},
                {"type": "image_url", "image_url": {"url": "https://example.com/x.png"}},
                {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
                {"type": "file", "file": {"file_data": "AAAA", "file_id": "f-1", "filename": "T file name"}},
                {"type": "video_url", "video_url": {"url": "data:video/mp4;base64,AAAA"}, "caption": "T caption"},
            ],
        },
        {
            "role": "assistant",
            "content": None,
            "reasoning_content": "T reasoning",
            "reasoning_details": [{"type": "reasoning.text", "text": "signed", "signature": "s"}],
            "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a":"T arguments"}'}},
                {"id": "c2", "type": "custom", "custom": {"name": "g", "input": "T custom input"}},
            ],
        },
        {"role": "tool", "name": "f", "tool_call_id": "c1", "content": "T result"},
    ],
    "prediction": {"content": "T prediction"},
    "never_heard_of": {"deep": ["T unknown field"]},
    "stop": ["T stop"],
    "user": "T user",
    "metadata": {"id": "T metadata", "tags": ["T tag"]},
    "temperature": 0.5,
    "stream": True,
    "tool_choice": "auto",
}

MESSAGES = {
    "model": "claude",
    "max_tokens": 10,
    "system": [{"type": "text", "text": "T system", "cache_control": {"type": "ephemeral", "ttl": "5m"}}],
    "tools": [{"name": "f", "description": "T tool", "input_schema": SCHEMA, "input_examples": [{"x": "T input"}]}],
    "output_config": {"format": {"type": "json_schema", "schema": {"description": "T format"}}},
    "messages": [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "T part"},
                {"type": "image", "source": {"type": "url", "url": "https://example.com"}},
                {"type": "document", "title": "T title", "source": {"type": "text", "data": "T document"}},
                {"type": "document", "context": "T context", "source": {"type": "base64", "data": "AAAA"}},
                {"type": "search_result", "content": [{"type": "text", "text": "T found"}], "title": "T source"},
                {"type": "new_in_2030", "poem": "T poem"},
            ],
        },
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "signed", "signature": "s"},
                {"type": "thinking", "thinking": "T unsigned", "signature": ""},
                {"type": "redacted_thinking", "data": "AAAA"},
                {"type": "text", "text": "T said", "citations": [{"type": "char_location", "cited_text": "T cited"}]},
                {
                    "type": "tool_use",
                    "id": "c1",
                    "input": {"id": "T input id", "T key": 1, "deep": [{"type": "T input type"}]},
                },
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "c1", "content": "T result"},
                {"type": "tool_result", "tool_use_id": "c2", "content": [{"type": "text", "text": "T result part"}]},
                {"type": "web_search_tool_result", "content": [{"title": "T web", "encrypted_content": "AAAA"}]},
            ],
        },
    ],
    "stop_sequences": ["T stop"],
    "mcp_servers": [{"type": "url", "url": "https://example.com", "authorization_token": "AAAA"}],
    "metadata": {"user_id": "T user"},
}


def planted(value) -> list[str]:
    """Every string that begins with "T ", also those inside a text that is JSON, in the order of the JSON."""
    if isinstance(value, str):
        return planted(json.loads(value)) if value.startswith("{") else [value] if value.startswith("T ") else []
    children = [*value, *value.values()] if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for child in children for text in planted(child)]


@pytest.mark.parametrize("body", [CHAT, MESSAGES], ids=["chat", "messages"])
def test_every_text_is_a_place_and_nothing_else(body):
    dialect = dialect_named("chat" if body is CHAT else "messages")

    texts = [place.text for place in dialect.places(body)]

    found = [text for place in texts for text in ([place] if place.startswith("T ") else planted(place))]
    assert sorted(planted(body)) == sorted(found)
    assert all(text.startswith(("T ", "{")) for text in texts)


@pytest.mark.parametrize("body", [CHAT, MESSAGES], ids=["chat", "messages"])
def test_a_place_writes_where_it_read(body):
    body = copy.deepcopy(body)
    places = dialect_named("chat" if body["model"] == "gpt" else "messages").places(body)

    for place in places:
        place.text = place.text.replace("T ", "hidden ")

    assert [] == planted(body)


def test_names_and_numbers_in_a_tools_input_are_seen():
    block = {"type": "tool_use", "input": {"ann@example.com": 4111111111111111}}

    (place,) = dialect_named("messages").places({"messages": [{"role": "assistant", "content": [block]}]})

    assert ('{"ann@example.com":4111111111111111}', TextKind.JSON) == (place.text, place.kind)


def test_only_objects_are_json():
    kinds = {place.text: place.kind for place in dialect_named("chat").places(CHAT)}

    assert all((kind is TextKind.JSON) is text.startswith("{") for text, kind in kinds.items())


def test_what_the_cache_ignores_comes_last():
    """A placeholder's number in the conversation may not depend on who asks."""
    chat = [place.text for place in dialect_named("chat").places(CHAT)]
    messages = [place.text for place in dialect_named("messages").places(MESSAGES)]

    assert ["T user", '{"id":"T metadata","tags":["T tag"]}'] == chat[-2:]
    assert '{"user_id":"T user"}' == messages[-1]


def test_system_comes_before_tools_and_turns():
    texts = [place.text for place in dialect_named("messages").places(MESSAGES)]

    assert texts.index("T system") < texts.index("T tool") < texts.index("T part") < texts.index("T result")


def nested(levels: int):
    value = "T deep"
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize("field", ["tools", "messages", "never_heard_of", "system"])
@pytest.mark.parametrize("name", ["chat", "messages"])
def test_depth_does_not_exhaust_the_stack(name, field):
    dialect_named(name).places({"messages": [{"role": "user", "content": nested(5000)}], field: nested(5000)})


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.dictionaries(st.sampled_from([*CHAT, *MESSAGES]), json_values),
    st.sampled_from(["chat", "messages"]),
)
def test_places_are_strings_whatever_the_json(body, name):
    assert all(isinstance(place.text, str) for place in dialect_named(name).places(body))
