"""Tools are seen where any protocol has them."""

from __future__ import annotations

import pytest

from daemon.dialects.tools import brings_tools, uses_tools


@pytest.mark.parametrize(
    "body",
    [
        {"tools": [{}]},
        {"functions": [{}]},
        {"mcp_servers": [{}]},
        {"messages": [{"role": "assistant", "tool_calls": [{}]}]},
        {"messages": [{"role": "tool", "content": "7"}]},
        {"messages": [{"role": "user", "content": [{"type": "tool_result"}]}]},
        {"messages": [{"role": "assistant", "content": [{"type": "tool_use"}]}]},
        {"input": [{"type": "function_call_output", "output": "7"}]},
    ],
)
def test_tools_and_their_results_are_seen(body):
    assert uses_tools(body)


@pytest.mark.parametrize(
    "body", [{}, {"tools": []}, {"input": "text"}, {"messages": [{"role": "user", "content": "tool"}]}, {"messages": 7}]
)
def test_other_requests_have_nothing_to_do_with_tools(body):
    assert not uses_tools(body) and not brings_tools(body)
