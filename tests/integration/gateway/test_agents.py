"""What coding agents send, through a real daemon: nothing but hidden values changes, turn after turn.

The bodies have the form that Claude Code 2.1, Codex 0.169 and opencode 1.18 were seen to send; the words are ours.
"""

from __future__ import annotations

import json

import pytest

from tests.upstream import Reply, ToolCall

ANN, BO = "ann.lee@example.com", "bo.chan@example.com"

CLAUDE_HEADERS = {
    "anthropic-version": "2023-06-01",
    "anthropic-beta": "claude-code-20250219,context-1m-2025-08-07,interleaved-thinking-2025-05-14,effort-2025-11-24",
    "anthropic-dangerous-direct-browser-access": "true",
    "user-agent": "claude-cli/2.1.197 (external, sdk-cli)",
    "x-app": "cli",
    "x-stainless-lang": "js",
}
SIGNED = {"type": "thinking", "thinking": "The file may say whose it is.", "signature": "EqQBCkYIBxgCKkBsigned=="}


def claude(*turns: dict) -> dict:
    session = {"device_id": "59ce3bb9", "account_uuid": "", "session_id": "6dc2c2c8-7628-4ced-99f6-ea62b966fdf1"}
    first = [
        {
            "type": "text",
            "text": "<system-reminder>\n# currentDate\nToday's date is 2026-11-25.\n</system-reminder>\n\n",
        },
        {"type": "text", "text": f"Who wrote notes.txt? I am {ANN}", "cache_control": {"type": "ephemeral"}},
    ]
    return {
        "model": "claude-opus-4-8",
        "messages": [
            {"role": "user", "content": first},
            {"role": "system", "content": "Available agent types for the Agent tool:\n- Explore: searches"},
            *turns,
        ],
        "system": [
            {"type": "text", "text": "x-anthropic-billing-header: cc_version=2.1.197.f0d; cc_entrypoint=sdk-cli;"},
            {"type": "text", "text": "You are an agent.", "cache_control": {"type": "ephemeral"}},
        ],
        "tools": [
            {
                "name": "Bash",
                "description": "Runs a command. Co-Authored-By: Claude <noreply@anthropic.com>",
                "input_schema": {"type": "object", "properties": {"command": {"type": "string"}}},
            }
        ],
        "metadata": {"user_id": json.dumps(session, separators=(",", ":"))},
        "max_tokens": 64000,
        "thinking": {"type": "adaptive"},
        "context_management": {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]},
        "output_config": {"effort": "high"},
        "stream": True,
    }


CLAUDE_NEXT = (
    {"role": "assistant", "content": [SIGNED, {"type": "tool_use", "id": "t1", "name": "Bash",
                                               "input": {"command": f"grep {ANN} notes.txt"}}]},
    {"role": "user", "content": [{"tool_use_id": "t1", "type": "tool_result", "content": f"by {BO}", "is_error": False,
                                  "cache_control": {"type": "ephemeral"}}]},
)  # fmt: skip


def codex(*items: dict) -> dict:
    turn = {"turn_id": "01a212ef-c7ca", "create_time": 1795614033.94, "content_item_kinds": ["user.text"]}
    said = {"type": "message", "id": "msg_01", "internal_chat_message_metadata_passthrough": turn}
    return {
        "model": "gpt-5-codex",
        "stream": True,
        "input": [
            {**said, "role": "developer", "content": [{"type": "input_text", "text": "You are a coding agent."}]},
            {**said, "role": "user", "content": [{"type": "input_text", "text": f"Who wrote it? I am {ANN}"}]},
            *items,
        ],
        "tools": [
            {"type": "function", "name": "exec_command", "strict": False, "description": "Runs a command",
             "parameters": {"type": "object", "properties": {"cmd": {"type": "string"}}}},
            {"type": "namespace", "name": "multi_agent_v1", "tools": []},
            {"type": "web_search", "external_web_access": False},
        ],
        "tool_choice": "auto",
        "parallel_tool_calls": True,
        "reasoning": {"summary": "auto"},
        "store": False,
        "include": ["reasoning.encrypted_content"],
        "prompt_cache_key": "01a212ef-c7b2-73a3-a06b-af29185e5b71",
        "client_metadata": {"session_id": "01a212ef-c7b2", "x-codex-window-id": "01a212ef-c7b2:0"},
    }  # fmt: skip


CODEX_NEXT = (
    {"type": "reasoning", "id": "rs_4", "summary": [], "content": None, "encrypted_content": "gAAAAsealed"},
    {"type": "function_call", "status": "completed", "id": "fc_1", "name": "exec_command", "call_id": "call_1",
     "arguments": json.dumps({"cmd": f"grep {ANN} notes.txt"})},
    {"type": "function_call_output", "id": "fco_1", "call_id": "call_1", "output": f"by {BO}\n"},
)  # fmt: skip

AGENTS = {
    "claude": ("/v1/messages", claude, CLAUDE_NEXT, CLAUDE_HEADERS),
    "codex": ("/v1/responses", codex, CODEX_NEXT, {"user-agent": "codex_exec/0.169.0", "session_id": "01a212ef"}),
}


@pytest.fixture(params=AGENTS)
def agent(request):
    return AGENTS[request.param]


def hidden(body: dict, names: dict[str, str]) -> dict:
    text = json.dumps(body)
    for value, name in names.items():
        text = text.replace(value, name)
    return json.loads(text)


async def test_only_hidden_values_differ_and_they_keep_their_names_over_the_turns(daemon, upstream, agent):
    path, body, further, headers = agent
    for turns in ((), further):
        answer = await daemon.post(path, body(*turns), headers)
        assert 200 == answer.status, answer.body
    first, second = (asked.body for asked in upstream.asked)
    # An address of the tools' descriptions comes first, where there is one.
    number = 2 if "messages" in path else 1
    names = {ANN: f"<EMAIL_ADDRESS_{number}>", BO: f"<EMAIL_ADDRESS_{number + 1}>"}
    if number == 2:
        names["noreply@anthropic.com"] = "<EMAIL_ADDRESS_1>"

    assert hidden(body(), names) == first
    assert hidden(body(*further), names) == second
    assert not upstream.saw(ANN) and not upstream.saw(BO)


async def test_what_the_model_does_with_hidden_values_reaches_the_agent_with_the_real_ones(daemon, upstream, agent):
    path, body, _, headers = agent
    number = 2 if "messages" in path else 1
    upstream.always(Reply.tools(ToolCall("Bash", json.dumps({"command": f"grep '<EMAIL_ADDRESS_{number}>' x"}))))
    answer = await daemon.post(path, body(), headers)
    pieces = [
        event.get("partial_json") or event.get("delta") or ""
        for line in answer.body.split(b"\n")
        if line.startswith(b"data: ")
        for event in [json.loads(line[6:])]
        for event in [event["delta"] if isinstance(event.get("delta"), dict) else event]
    ]

    assert f"grep '{ANN}' x" == json.loads("".join(piece for piece in pieces if isinstance(piece, str)))["command"]


async def test_the_headers_that_mean_something_to_the_provider_go_on(daemon, upstream):
    await daemon.post("/v1/messages?beta=true", claude(), CLAUDE_HEADERS)
    kept = {name: value for name, value in CLAUDE_HEADERS.items() if name.startswith("anthropic-")}

    assert kept.items() <= upstream.last.headers.items()
    assert {"x-app", "x-stainless-lang", "authorization"}.isdisjoint(upstream.last.headers)
