"""The command line and the dashboard against a real daemon: what they show is what happened."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import signal
import stat
import sys
from decimal import Decimal

from textual.widgets import Static

from helix_cli.control_client import ControlClient
from helix_cli.tui.app import Dashboard
from helix_cli.tui.requests_table import RequestsTable

PRICED = """
[[models]]
name = "gpt-4o-mini"
target = "openai/gpt-4o-mini"
input_usd_per_mtok = 1.0
output_usd_per_mtok = 2.0
"""


async def test_status_names_the_running_daemon(daemon):
    status = await daemon.helix_json("status")

    assert daemon.url == status["url"]
    assert daemon.process.pid == status["pid"]
    assert {"version", "mode", "since"} <= status.keys()


async def test_the_token_is_for_the_owner_only(daemon):
    assert 0o600 == stat.S_IMODE((daemon.data_dir / "daemon.json").stat().st_mode)


async def test_without_the_daemon_every_asking_command_leaves_with_six(own_daemon):
    await own_daemon.stop()

    for command in (["status"], ["logs"], ["spend"], ["cache", "stats"], ["budget", "list"]):
        code, out, err = await own_daemon.helix(*command)
        assert (6, "") == (code, out)
        assert "helix serve" in err


async def test_a_call_and_a_hit_are_in_the_logs_and_in_the_sums(start_daemon):
    daemon = await start_daemon(PRICED)
    await daemon.chat("What is the capital of Australia?")
    await daemon.chat("What is the capital of Australia?")

    _, out, _ = await daemon.helix("logs", "--json", "--limit", "10")
    rows = [json.loads(line) for line in out.splitlines()]
    assert ["miss", "exact"] == [row["cache"] for row in rows]
    assert rows[0]["cost_usd"] == rows[1]["saved_usd"] != "0"

    spend = await daemon.helix_json("spend", "--by", "model", "--since", "today")
    assert (1, 1) == (spend["calls"], spend["hits"])
    assert (rows[0]["cost_usd"], rows[1]["saved_usd"]) == (spend["cost_usd"], spend["saved_usd"])
    assert ["gpt-4o-mini"] == [row["model"] for row in spend["rows"]]

    stats = await daemon.helix_json("cache", "stats")
    assert (1, 1, 1) == (stats["entries"], stats["misses"], stats["hits"]["exact"])


async def test_spend_says_which_client_and_which_session_asked(own_daemon):
    body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello"}]}
    sent = {"user-agent": "claude-cli/2.0.14 (external, cli)", "x-claude-code-session-id": "s-1"}
    await own_daemon.post("/v1/chat/completions", body, sent)
    await own_daemon.post("/v1/chat/completions", {**body, "metadata": {"session_id": "s-2"}})

    by_client = (await own_daemon.helix_json("spend", "--by", "client"))["rows"]
    by_session = (await own_daemon.helix_json("spend", "--by", "session"))["rows"]

    assert [("claude-code", 1)] == [(row["client"], row["calls"]) for row in by_client if row["calls"]]
    assert {("s-1", 1, 0), ("s-2", 0, 1)} == {(row["session"], row["calls"], row["hits"]) for row in by_session}


async def test_spend_can_be_taken_elsewhere(own_daemon, tmp_path):
    await own_daemon.chat("Hello")

    _, out, _ = await own_daemon.helix("spend", "--csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert {"gpt-4o-mini"} == {row["ResourceId"] for row in rows}
    spent = (await own_daemon.helix_json("spend"))["cost_usd"]
    assert Decimal(spent) == sum(Decimal(row["BilledCost"]) for row in rows)

    code, _, _ = await own_daemon.helix("spend", "--parquet", str(tmp_path / "rows.parquet"))
    assert 0 == code
    assert b"PAR1" == (tmp_path / "rows.parquet").read_bytes()[:4]


async def test_following_the_logs_shows_what_happens_and_ends_at_ctrl_c(daemon):
    following = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "helix_cli", "logs", "--follow", "--json", "--limit", "0",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env=daemon.environ | {"HELIX_CONFIG": str(daemon.config)},
    )  # fmt: skip
    assert following.stdout is not None

    async with asyncio.timeout(30):
        line = asyncio.create_task(following.stdout.readline())
        while not line.done():
            await daemon.chat("Hello")
            await asyncio.wait([line], timeout=0.2)
        assert "gpt-4o-mini" == json.loads(line.result())["model"]

        following.send_signal(signal.SIGINT)
        _, err = await following.communicate()
    assert (130, b"") == (following.returncode, err)


async def test_a_budget_is_set_listed_explained_and_removed(own_daemon):
    budget = await own_daemon.helix_json("budget", "set", "user:ann", "12.50", "--window", "week")
    assert ("user:ann", "week", "helix budget") == (budget["scope"], budget["window"], budget["origin"])

    assert [budget] == await own_daemon.helix_json("budget", "list")
    assert [budget] == (await own_daemon.helix_json("budget", "why", "user:ann"))["budgets"]

    assert 0 == (await own_daemon.helix("budget", "remove", "user:ann", "--window", "week", "--yes"))[0]
    assert [] == await own_daemon.helix_json("budget", "list")
    assert 4 == (await own_daemon.helix("budget", "remove", "user:ann", "--window", "week", "--yes"))[0]


async def test_a_scope_that_is_none_is_refused_with_a_sentence(daemon):
    code, _, err = await daemon.helix("budget", "set", "somebody", "5")

    assert 1 == code
    assert "org:X, team:X" in err


async def test_cache_why_and_clear(own_daemon):
    await own_daemon.chat("What is the capital of Australia?")

    why = await own_daemon.helix_json("cache", "why", "What is the capital of Australia?", "--model", "gpt-4o-mini")
    assert "exact" == why["verdict"]

    assert {"cleared": 1} == await own_daemon.helix_json("cache", "clear", "--yes")
    why = await own_daemon.helix_json("cache", "why", "What is the capital of Australia?", "--model", "gpt-4o-mini")
    assert "miss" == why["verdict"]


async def test_the_dashboard_shows_a_request_of_this_moment(own_daemon):
    async with Dashboard(own_daemon.data_dir).run_test(size=(120, 36)) as pilot, asyncio.timeout(30):
        await own_daemon.chat("Hello")
        table = pilot.app.screen.query_one(RequestsTable)
        while not table.row_count:
            await pilot.pause(0.05)
        selected = table.selected
        assert selected is not None
        assert "gpt-4o-mini" == selected["model"]

        await pilot.press("r")
        while "1 calls" != str(pilot.app.screen.query_one("#spent .note", Static).render()):
            await pilot.pause(0.05)


async def test_a_daemon_on_another_port_is_found_again(own_daemon):
    """The client reads the runtime file anew, so a restart changes nothing for it."""
    before = ControlClient.of(own_daemon.data_dir).url
    await own_daemon.stop()
    await own_daemon.start()

    assert own_daemon.url == ControlClient.of(own_daemon.data_dir).url != before
