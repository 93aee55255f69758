"""`helix configure`: an agent's file is pointed to the gateway and back, and nothing else in it changes."""

from __future__ import annotations

import json
import stat
import tomllib

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from helix_cli.agent_files import AGENTS, point_aider, point_claude, point_codex, point_continue
from helix_cli.diagnostics import CommandFailed

URL = "http://127.0.0.1:4354"

CONTINUE = """\
name: mine
models:
  # the one for work
  - name: GPT
    provider: openai
    model: gpt-5
    apiBase: https://api.openai.com/v1/
  - provider: anthropic
    name: Claude
    roles:
      - chat
  - name: Local
    provider: ollama
    model: qwen
rules:
  - be brief
"""


@pytest.fixture
def claude(home):
    """Claude Code's settings file in a home of its own."""
    return home / ".claude" / "settings.json"


def test_the_agent_is_pointed_to_the_running_daemon(helix, daemon, claude):
    assert 0 == helix("configure", "claude").code
    assert {"env": {"ANTHROPIC_BASE_URL": daemon.url}} == json.loads(claude.read_text())


def test_undo_brings_every_byte_back(helix, claude):
    claude.parent.mkdir()
    claude.write_text(original := '{"model":   "opus",\n "env": {"A": "ü"}}')
    helix("configure", "claude")
    helix("configure", "claude")  # the copy is still that of the first time

    assert 0 == helix("configure", "claude", "--undo").code
    assert original == claude.read_text()


def test_undo_removes_a_file_that_was_not_there(helix, claude):
    helix("configure", "claude")
    helix("configure", "claude", "--undo")

    assert not claude.exists()


def test_what_was_changed_since_survives_undo(helix, claude):
    helix("configure", "claude")
    claude.write_text('{"since": 1}')
    helix("configure", "claude", "--undo")

    assert '{"since": 1}' == claude.with_name("settings.json.with-helix").read_text()


def test_undo_of_what_was_never_done_is_not_found(helix, claude):
    assert 4 == helix("configure", "claude", "--undo").code


def test_a_dry_run_shows_the_change_and_makes_none(helix, claude):
    ran = helix("configure", "claude", "--dry-run")

    assert any(line.startswith("+") and "ANTHROPIC_BASE_URL" in line for line in ran.out.splitlines())
    assert not claude.parent.exists()


def test_a_file_with_keys_in_it_stays_private(helix, claude):
    claude.parent.mkdir()
    claude.write_text("{}")
    claude.chmod(0o600)
    helix("configure", "claude")

    files = [claude, claude.with_name("settings.json.before-helix")]
    assert [0o600, 0o600] == [stat.S_IMODE(file.stat().st_mode) for file in files]


def test_a_link_stays_a_link(helix, claude, home):
    kept = home / "dotfiles.json"
    kept.write_text("{}")
    claude.parent.mkdir()
    claude.symlink_to(kept)
    helix("configure", "claude")

    assert claude.is_symlink()
    assert "ANTHROPIC_BASE_URL" in kept.read_text()


def test_a_file_that_cannot_be_read_is_left_alone(helix, claude):
    claude.parent.mkdir()
    claude.write_text("{ not json")

    assert 1 == helix("configure", "claude").code
    assert "{ not json" == claude.read_text()


def test_codex_keeps_its_comments_and_tables():
    text = 'model = "gpt-5"  # mine\n\n[mcp_servers.x]\nopenai_base_url = "not this one"\n'
    edited = point_codex(text, URL)

    assert tomllib.loads(text) | {"openai_base_url": f"{URL}/v1"} == tomllib.loads(edited)
    assert "# mine" in edited


def test_codex_changes_the_address_that_it_had():
    edited = point_codex('openai_base_url = "https://old/v1"\nmodel = "m"\n', URL)

    assert {"openai_base_url": f"{URL}/v1", "model": "m"} == tomllib.loads(edited)


def test_aider_is_pointed_for_both_protocols():
    edited = yaml.safe_load(point_aider("# mine\ndark-mode: true\nopenai-api-base: https://old", URL))

    assert {
        "dark-mode": True, "openai-api-base": f"{URL}/v1", "set-env": [f"ANTHROPIC_API_BASE={URL}"],
    } == edited  # fmt: skip


def test_continues_models_of_the_two_protocols_are_pointed_and_no_others():
    expected = yaml.safe_load(CONTINUE)
    for model in expected["models"][:2]:
        model["apiBase"] = f"{URL}/v1/"

    edited = point_continue(CONTINUE, URL)

    assert expected == yaml.safe_load(edited)
    assert "# the one for work" in edited


def test_continue_without_such_a_model_is_told_so():
    with pytest.raises(CommandFailed):
        point_continue("name: mine\nmodels: []\n", URL)


@pytest.mark.parametrize(
    ("agent", "text"), [("claude", '{"a": 1}'), ("codex", "a = 1\n[b]\n"), ("aider", "a: 1\n"), ("continue", CONTINUE)]
)
def test_pointing_twice_is_pointing_once(agent, text):
    once = AGENTS[agent].edit(text, URL)

    assert once == AGENTS[agent].edit(once, URL)


@given(st.dictionaries(st.text(), st.integers() | st.text() | st.lists(st.text())))
def test_whatever_else_claude_is_set_to_stays(settings):
    settings.pop("env", None)

    assert settings | {"env": {"ANTHROPIC_BASE_URL": URL}} == json.loads(point_claude(json.dumps(settings), URL))
