"""What `helix keys` asks the daemon, and what it shows."""

from __future__ import annotations

import pytest

from daemon import control_api as api

ROW = {
    "id": "key_1", "name": "ci", "user": None, "team": "research", "org": None, "role": "member",
    "models": ["gpt-4o*"], "rpm": 60, "tpm": 100_000, "parallel": None,
    "created_at": "2026-11-21T20:00:00+00:00", "expires_at": None,
}  # fmt: skip
MADE = ROW | {"key": "hx-secret"}
EVERYTHING = (
    "--name ci --team research --user ann --org acme --role viewer --models gpt-4o*,o3 --models claude-* "
    "--budget 10.50/day --rpm 60 --tpm 100000 --parallel 4 --expires 30d"
)


def test_the_key_alone_is_on_stdout_and_all_that_was_said_is_asked(helix, daemon):
    daemon.answers["POST", api.KEYS] = (200, MADE, {})
    ran = helix("keys", "create", *EVERYTHING.split())

    assert (0, "hx-secret\n") == (ran.code, ran.out)
    assert "key_1" in ran.err and "hx-secret" not in ran.err
    assert {
        "name": "ci", "team": "research", "user": "ann", "org": "acme", "role": "viewer",
        "models": ["gpt-4o*", "o3", "claude-*"], "budget": {"limit_usd": "10.50", "window": "day"},
        "rpm": 60, "tpm": 100_000, "parallel": 4, "expires_s": 30 * 86_400,
    } == daemon.asked[-1][3]  # fmt: skip


def test_json_holds_the_key_and_its_id(helix, daemon):
    daemon.answers["POST", api.KEYS] = (200, MADE, {})

    assert MADE == helix("keys", "create", "--json").json


def test_the_list_shows_bounds_and_limits(helix, daemon):
    daemon.answers["GET", api.KEYS] = (200, {"keys": [ROW]}, {})
    shown = helix("keys", "list").out

    for part in ("key_1", "team:research", "gpt-4o*", "60 rpm", "100,000 tpm", "never"):
        assert part in shown
    assert [ROW] == helix("keys", "list", "--json").json


def test_rotating_says_how_long_the_old_one_works(helix, daemon):
    daemon.answers["POST", api.KEY_ROTATE] = (200, MADE, {})

    assert "hx-secret\n" == helix("keys", "rotate", "key_1", "--grace", "24h").out
    assert {"id": "key_1", "grace_s": 86_400} == daemon.asked[-1][3]


def test_revoking_wants_a_yes(helix, daemon):
    daemon.answers["DELETE", api.KEYS] = (200, {"revoked": "key_1"}, {})

    assert 2 == helix("keys", "revoke", "key_1").code
    assert 0 == helix("keys", "revoke", "key_1", "--yes").code
    assert {"id": "key_1"} == daemon.asked[-1][2]


@pytest.mark.parametrize("wrong", ["--budget 10", "--budget ten/day", "--budget 10/year", "--expires soon"])
def test_what_cannot_be_meant_is_a_usage_mistake(helix, wrong):
    option, value = wrong.split()
    ran = helix("keys", "create", option, value)

    assert 2 == ran.code and value in ran.err
