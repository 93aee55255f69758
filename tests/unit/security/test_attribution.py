"""What a request says of itself becomes what reports group by, and nothing else does."""

from __future__ import annotations

import pytest

from daemon.security.attribution import body_session, client_of, header_session, lasting_user


@pytest.mark.parametrize(
    ("user_agent", "client"),
    [
        ("claude-cli/2.0.14 (external, cli)", "claude-code"),
        ("codex_cli_rs/0.58.0 (Ubuntu 24.4.0; x86_64) xterm", "codex"),
        ("OpenAI/Python 1.99.1", "openai-python"),
        ("AsyncOpenAI/Python 1.99.1", "openai-python"),
        ("AsyncAnthropic/Python 0.60.0", "anthropic-python"),
        ("Anthropic/JS 0.60.0", "anthropic-js"),
        ("python-requests/2.32", "python-requests"),
        ("curl/8.5.0", "curl"),
        ("Mozilla/5.0 (X11; Linux x86_64)", "browser"),
        ("opencode/local", "opencode-local"),
        ("", ""),
        (None, ""),
        ("(nameless)", ""),
        ("x" * 500, "x" * 32),
    ],
)
def test_a_client_is_known_by_its_program_not_by_its_version(user_agent, client):
    assert client == client_of(user_agent)


def test_helixs_own_session_header_wins_over_those_of_clients():
    headers = {"x-session-id": "c", "x-claude-code-session-id": "b"}

    assert "b" == header_session(headers)
    assert "a" == header_session(headers | {"x-helix-session": "a"})


@pytest.mark.parametrize("value", ["", "two words", "ann@example.com", "a\nb", "x" * 129, "=cmd()|x"])
def test_what_is_no_id_is_no_session(value):
    assert "" == header_session({"x-helix-session": value})
    assert "" == body_session({"metadata": {"session_id": value}})


OLD = "user_1f2e_account_9a8b_session_77f0c1aa-0000-4000-8000-000000000000"
NEW = '{"device_id": "d1", "account_uuid": "a1", "session_id": "s1"}'


@pytest.mark.parametrize(
    ("metadata", "session"),
    [
        ({"session_id": "mine"}, "mine"),
        ({"user_id": OLD}, "77f0c1aa-0000-4000-8000-000000000000"),
        ({"user_id": NEW}, "s1"),
        ({"user_id": "ann"}, ""),
        ({"user_id": "{not json"}, ""),
        ({"user_id": "{}"}, ""),
        ({"user_id": 7}, ""),
        ("none", ""),
    ],
)
def test_a_session_is_found_where_clients_put_it(metadata, session):
    assert session == body_session({"metadata": metadata})


@pytest.mark.parametrize(("named", "user"), [(OLD, "user_1f2e_account_9a8b"), (NEW, "a1"), ("ann", "ann"), ("{", "{")])
def test_a_user_stays_the_same_over_sessions(named, user):
    assert user == lasting_user(named)
