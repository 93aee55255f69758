"""What is started behind the gateway is told so in its own language."""

from __future__ import annotations

import json

from helix_cli.clients import behind

URL = "http://127.0.0.1:4354/tagged/run-1"


def test_sdks_read_their_base_urls():
    environ = behind(URL, ["python", "script.py"], {}).environ

    assert f"{URL}/v1" == environ["OPENAI_BASE_URL"] == environ["OPENAI_API_BASE"]
    assert URL == environ["ANTHROPIC_BASE_URL"] == environ["ANTHROPIC_API_BASE"]


def test_codex_is_told_on_its_command_line():
    started = behind(URL, ["/usr/bin/codex", "exec", "hi"], {})

    assert ("/usr/bin/codex", "-c", f'openai_base_url="{URL}/v1"', "exec", "hi") == started.command


def test_opencode_keeps_what_it_was_set_to():
    given = {"OPENCODE_CONFIG_CONTENT": '{"theme": "dark", "provider": {"openai": {"options": {"timeout": 9}}}}'}

    told = json.loads(behind(URL, ["opencode"], given).environ["OPENCODE_CONFIG_CONTENT"])

    assert {
        "theme": "dark",
        "provider": {
            "openai": {"options": {"timeout": 9, "baseURL": f"{URL}/v1"}},
            "anthropic": {"options": {"baseURL": f"{URL}/v1"}},
        },
    } == told


def test_gemini_is_said_to_go_past_the_gateway():
    assert "past the gateway" in behind(URL, ["gemini"], {}).warning


def test_an_agent_that_may_be_signed_in_gets_no_key_that_opens_nothing():
    assert "ANTHROPIC_API_KEY" not in behind(URL, ["claude"], {}).environ
    assert behind(URL, ["python"], {}).environ["ANTHROPIC_API_KEY"]


def test_a_key_of_the_caller_stays_unless_the_run_has_its_own():
    assert "sk-own" == behind(URL, ["python"], {"OPENAI_API_KEY": "sk-own"}).environ["OPENAI_API_KEY"]
    assert "hx-run" == behind(URL, ["python"], {"OPENAI_API_KEY": "sk-own"}, "hx-run").environ["OPENAI_API_KEY"]


def test_claude_shows_the_runs_key_as_its_token():
    environ = behind(URL, ["claude"], {"ANTHROPIC_API_KEY": "sk-own"}, "hx-run").environ

    assert "hx-run" == environ["ANTHROPIC_AUTH_TOKEN"]
    assert "ANTHROPIC_API_KEY" not in environ


def test_a_proxy_is_gone_around_and_other_exemptions_stay():
    environ = behind(URL, ["python"], {"http_proxy": "http://proxy:1", "no_proxy": "intranet"}).environ

    assert "intranet,127.0.0.1" == environ["no_proxy"] == environ["NO_PROXY"]
