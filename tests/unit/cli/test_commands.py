"""What each command asks the daemon, and what it shows."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from daemon import control_api as api
from helix_cli.commands.env import Shell, export_line
from helix_cli.diagnostics import UsageMistake
from helix_cli.periods import start_of
from tests.unit.cli.fake_daemon import FOCUS, RECONCILED, SPEND, budget_row, log_row


def test_status_is_for_people_and_for_programs(helix, daemon):
    assert f"{daemon.url}  ok  since 2026-11-21 19:00" == helix("status").out.splitlines()[0]
    assert {"url", "pid", "version", "mode", "since"} <= helix("status", "--json").json.keys()


def test_the_daemon_is_found_through_the_settings(helix, daemon, home):
    (home / "elsewhere.toml").write_text(f'[server]\ndata_dir = "{home / "other"}"\n')

    assert 6 == helix("status", "--config", "elsewhere.toml").code


def test_a_demo_can_be_looked_at_and_is_no_gateway_for_clients(helix, daemon, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    api.demo_dir().mkdir(parents=True)
    (daemon.data_dir / "daemon.json").rename(api.demo_dir() / "daemon.json")

    assert daemon.url in helix("status").out
    assert daemon.url not in helix("env").out


def test_a_runtime_file_that_others_can_read_is_not_believed(helix, daemon):
    (daemon.data_dir / "daemon.json").chmod(0o644)

    ran = helix("status")

    assert 3 == ran.code
    assert "open to other users" in ran.err


def test_a_damaged_runtime_file_means_no_daemon(helix, daemon):
    (daemon.data_dir / "daemon.json").write_text("[]")

    assert 6 == helix("status").code


def test_a_refusal_of_the_daemon_is_repeated(helix, daemon):
    daemon.answers["GET", api.STATUS] = (403, {"error": {"message": "not yours"}}, {})

    ran = helix("status")

    assert (3, "helix: not yours\n") == (ran.code, ran.err)


def test_a_daemon_that_is_gone_is_unreachable(helix, daemon):
    daemon.stop()

    assert 6 == helix("cache", "stats").code


def test_cache_stats(helix, daemon):
    shown = helix("cache", "stats").out

    assert "1,234" in shown and "42%" in shown and "$0.75" in shown
    assert "0.4% to 12.9%" in shown
    assert {"entries", "bytes", "hits", "misses", "saved_usd"} <= helix("cache", "stats", "--json").json.keys()


def test_cache_clear_needs_yes_where_nobody_can_be_asked(helix, daemon):
    ran = helix("cache", "clear")
    assert 2 == ran.code
    assert "--yes" in ran.err
    assert not daemon.asked

    assert 0 == helix("cache", "clear", "--model", "m", "--yes").code
    assert ("POST", api.CACHE_CLEAR, {}, {"model": "m"}) == daemon.asked[-1]


def test_cache_why_names_the_step_that_decided(helix, daemon):
    daemon.answers["POST", api.CACHE_WHY] = {
        "verdict": "miss",
        "steps": [{"step": "guards", "outcome": "stop", "detail": "number: 3 is not 4"}],
        "candidates": [{"id": 1, "similarity": 0.97, "question": "3 \x1b[31m apples", "verdict": "number"}],
        "model": "gpt-4o-mini",
        "key": "local",
    }

    ran = helix("cache", "why", "4 apples")

    assert "number: 3 is not 4" in ran.out and "0.9700" in ran.out
    assert "3 \\x1b[31m apples" in ran.out, "a kept text must not steer the terminal"
    assert {"text": "4 apples"} == daemon.asked[-1][3]


def test_budget_set_sends_the_amount_as_it_was_written(helix, daemon):
    ran = helix("budget", "set", "team:research", "50.10", "--window", "week", "--soft-pct", "70", "--json")

    assert {"scope": "team:research", "window": "week", "limit_usd": "50.10", "soft_pct": 70} == daemon.asked[-1][3]
    assert "helix budget" == ran.json["origin"]


@pytest.mark.parametrize("amount", ["ten", "nan", "-1", "1e999999999"])
def test_budget_set_wants_an_amount(helix, daemon, amount):
    assert 2 == helix("budget", "set", "all", "--", amount).code
    assert not daemon.asked


def test_spend_explain_shows_each_class_and_the_price_source(helix, daemon):
    ran = helix("spend", "explain", "req_1")

    assert {"id": "req_1"} == daemon.asked[-1][2]
    assert "0.0000018" in ran.out and "price: litellm 1.106.2 gpt-4o-mini" in ran.out
    assert "req_1" == helix("spend", "explain", "req_1", "--json").json[0]["id"]


def test_budget_set_takes_a_rolling_window_and_who_answers_instead(helix, daemon):
    helix("budget", "set", "all", "5", "--window", "rolling:24h", "--fallback", "gpt-4o-mini")

    assert ("rolling:24h", "gpt-4o-mini") == tuple(daemon.asked[-1][3][name] for name in ("window", "fallback_model"))


@pytest.mark.parametrize("window", ["year", "rolling:0h", "rolling:24", "24h"])
def test_a_window_that_nobody_knows_is_a_usage_mistake_that_names_those_there_are(helix, daemon, window):
    ran = helix("budget", "set", "all", "5", "--window", window)

    assert 2 == ran.code and "rolling:24h" in ran.err
    assert 2 == helix("keys", "create", "--budget", f"5/{window}").code


def test_budget_raise_says_for_how_long(helix, daemon):
    ran = helix("budget", "raise", "team:research", "--by", "10", "--for", "2h")

    assert {"scope": "team:research", "by_usd": "10", "for_s": 7200} == daemon.asked[-1][3]
    assert "raised until" in ran.out


@pytest.mark.parametrize("duration", ["2", "h", "-2h", "2 hours", "9999999d"])
def test_budget_raise_wants_a_time(helix, daemon, duration):
    assert 2 == helix("budget", "raise", "all", "--by", "1", f"--for={duration}").code
    assert not daemon.asked


def test_budget_list(helix, daemon):
    daemon.answers["GET", api.BUDGETS] = {"budgets": [budget_row(), budget_row(scope="all", resets_at=None)]}

    assert ["team:research", "all"] == [one["scope"] for one in helix("budget", "list", "--json").json]
    assert "25%" in helix("budget", "list").out


def test_budget_remove_of_none_is_not_found(helix, daemon):
    daemon.answers["DELETE", api.BUDGETS] = {"removed": False}

    assert 4 == helix("budget", "remove", "all", "--yes").code
    assert {"scope": "all", "window": "month"} == daemon.asked[-1][2]


def test_budget_why_shows_what_was_refused(helix, daemon):
    assert "used up" in helix("budget", "why", "team:research").out


def test_spend_has_the_shape_of_the_contract(helix, daemon):
    spend = helix("spend", "--by", "model", "--json").json

    assert {"cost_usd", "saved_usd", "calls", "hits", "refused", "unknown", "rows"} <= spend.keys()
    assert "model" == daemon.asked[0][2]["by"]
    assert {"previous", "course", "month", "prompt_cache", "unusual", "advice"} <= spend.keys()


def test_spend_is_told_with_its_course_and_what_to_do_about_it(helix, daemon):
    out = helix("spend").out

    assert "spent $1.25 (+25% on as long before), saved $0.75\n10 calls, 5 hits (33%), 1 refused" in out
    assert "▂█  Nov 24 to Nov 25, at most $1.00 a day" in out
    assert "November: $30.00 so far, about $36.50 by its end at the pace of 24 days" in out
    assert "100k tokens read, 2M written, lost $0.5" in out
    assert "Nov 24 14:00" in out and "s-1" in out
    assert "$0.9 less: 8 calls of gpt-4o were small" in out


def test_spend_says_what_its_sums_do_not_have(helix, daemon):
    doubtful = SPEND | {"unknown": 1, "unpriced": 2, "estimated": 3}
    daemon.answers["GET", api.SPEND] = doubtful

    out = helix("spend").out

    for said in ("1 call whose outcome nobody saw", "2 calls without a price", "3 calls cut off"):
        assert said in out


def test_spend_names_budgets_past_their_soft_limit(helix, daemon):
    daemon.answers["GET", api.BUDGETS] = {"budgets": [budget_row(), budget_row(scope="all", spent_usd="45")]}
    out = helix("spend").out

    assert "budget all (month): $45.00 of $50.00, 90%" in out
    assert "team:research" not in out


def test_spend_is_told_while_budgets_cannot_be_asked(helix, daemon):
    daemon.answers["GET", api.BUDGETS] = (503, {"error": {"message": "the store is away"}}, {})

    assert "spent $1.25" in helix("spend").out


def test_what_a_group_cost_is_no_zero_where_it_is_not_known(helix, daemon):
    row = SPEND["rows"][0]
    rows = [{**row, "unpriced": 1}, {**row, "model": "in-house", "unpriced": 3, "cost_usd": "0"}]
    daemon.answers["GET", api.SPEND] = SPEND | {"rows": rows}

    gpt, in_house = [line for line in helix("spend").out.splitlines() if line.startswith(("gpt-4o-mini", "in-house"))]
    assert "$1.25 + ?" in gpt
    assert " ? " in in_house


def test_spend_in_a_terminal_is_the_dearest_groups_and_how_many_more(helix, daemon):
    rows = [{**SPEND["rows"][0], "model": f"m-{number}", "cost_usd": "0.1"} for number in range(25)]
    daemon.answers["GET", api.SPEND] = SPEND | {"rows": rows}

    assert "… and 5 more, $0.5 together" in helix("spend").out
    assert 25 == len(helix("spend", "--json").json["rows"])


def test_spend_as_csv_is_what_the_daemon_sends(helix, daemon):
    assert FOCUS.decode() == helix("spend", "--csv", "--since", "2026-11-01").out
    assert "2026-11-01T00:00:00+00:00" == daemon.asked[-1][2]["since"]


def test_spend_as_parquet_is_written_by_the_daemon(helix, daemon, home):
    assert "15 rows" in helix("spend", "--parquet", "out.parquet").out
    assert str(home / "out.parquet") == daemon.asked[-1][3]["path"]


def test_spend_reconcile_names_what_differs(helix, daemon, home):
    (home / "invoice.csv").write_text("date,model,cost\n2026-11-24,gpt-4o,2\n")

    ran = helix("spend", "reconcile", "invoice.csv", "--provider", "openai")

    sent = daemon.asked[-1][3]
    assert ("openai", "2026-11-24", "2") == (sent["provider"], sent["lines"][0]["day"], sent["lines"][0]["cost_usd"])
    assert "invoice $3.00, ledger (openai) $1.00: +$2.00" in ran.out
    assert "of 2 days of a model 1 differ" in ran.out
    assert "nothing of it went through Helix" in ran.out
    assert 0 == ran.code


def test_spend_reconcile_checks(helix, daemon, home):
    (home / "invoice.csv").write_text("date,model,cost\n2026-11-24,gpt-4o,2\n")
    assert 1 == helix("spend", "reconcile", "invoice.csv", "--check", "--json").code

    daemon.answers["POST", api.SPEND_RECONCILE] = RECONCILED | {"differences": []}
    assert 0 == helix("spend", "reconcile", "invoice.csv", "--check").code
    assert 2 == helix("spend", "reconcile", "invoice.csv", "--columns", "date=day").code


def test_spend_takes_one_format(helix, daemon):
    assert 2 == helix("spend", "--json", "--csv").code


NOW = datetime(2026, 11, 21, 15, 30, tzinfo=ZoneInfo("Europe/Berlin"))


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("7d", "2026-11-14T15:30:00+01:00"),
        ("24h", "2026-11-20T15:30:00+01:00"),
        ("today", "2026-11-21T00:00:00+01:00"),
        ("week", "2026-11-16T00:00:00+01:00"),
        ("month", "2026-11-01T00:00:00+01:00"),
        ("2026-10-01", "2026-10-01T00:00:00+02:00"),
        ("2026-10-01T12:00:00Z", "2026-10-01T12:00:00+00:00"),
        ("all", "1970-01-01T00:00:00+00:00"),
    ],
)
def test_since_is_a_span_a_name_or_a_date(text, start):
    assert start == start_of(text, NOW).isoformat()


@pytest.mark.parametrize("text", ["", "7", "7y", "yesterday", "2026-13-01", "99999999999d"])
def test_since_is_nothing_else(text):
    with pytest.raises(UsageMistake):
        start_of(text, datetime.now(UTC))


def test_logs_are_one_object_a_line(helix, daemon):
    daemon.past += [log_row(id="a"), log_row(id="b")]

    assert ["a", "b"] == [json.loads(line)["id"] for line in helix("logs", "--json").out.splitlines()]
    helix("logs", "--limit", "5")
    assert {"limit": "5"} == daemon.asked[-1][2]


def test_logs_say_what_happened(helix, daemon):
    daemon.past += [log_row(cache="semantic", pii="EMAIL_ADDRESS=1", cost_usd=None, total_ms=1480.0)]

    line = helix("logs").out.splitlines()[1].split()

    assert ["20:00:00", "gpt-4o-mini", "semantic", "200", "?", "12/34", "1.5", "s", "EMAIL_ADDRESS=1"] == line


def test_logs_that_follow_end_with_the_daemon(helix, daemon):
    daemon.past += [log_row(id="a")]
    follow = daemon.follow
    daemon.follow = lambda: _ended(follow())

    ran = helix("logs", "--follow", "--json")

    assert "a" == json.loads(ran.out)["id"]
    assert 6 == ran.code


def _ended(follower):
    follower.put(None)
    return follower


def test_env_points_clients_at_the_running_daemon(helix, daemon):
    assert f"export OPENAI_BASE_URL={daemon.url}/v1" == helix("env", "--shell", "bash").out.splitlines()[0]
    assert daemon.url == helix("env", "--json").json["ANTHROPIC_BASE_URL"]


def test_env_without_a_daemon_says_where_it_will_be(helix):
    ran = helix("env", "--shell", "fish")

    assert "set -gx ANTHROPIC_BASE_URL http://127.0.0.1:4354" == ran.out.splitlines()[-1]
    assert "no daemon runs" in ran.err


@pytest.mark.parametrize(
    ("shell", "line"),
    [
        (Shell.ZSH, "export A='x y'"),
        (Shell.FISH, "set -gx A 'x y'"),
        (Shell.POWERSHELL, "$env:A = 'x y'"),
        (Shell.CMD, "set A=x y"),
    ],
)
def test_each_shell_has_its_syntax(shell, line):
    assert line == export_line(shell, "A", "x y")


def test_config_check_names_every_problem(helix, home):
    (home / "helix.toml").write_text("[server]\nprot = 1\n")
    problem = "helix.toml: server.prot: unknown key; the nearest known one is server.port"

    ran = helix("config", "check")
    assert (1, f"helix: {problem}\n") == (ran.code, ran.err)
    assert [problem] == helix("config", "check", "--json").json["problems"]


def test_config_check_is_content_with_no_file(helix):
    assert "ok: no helix.toml, so the defaults\n" == helix("config", "check").out


def test_config_show_covers_secrets_and_names_sources(helix, home, monkeypatch):
    monkeypatch.setenv("HELIX_MASTER_KEY", "hunter2")
    monkeypatch.setenv("HELIX_STORAGE__URL", "redis://me:hunter2@localhost/0")
    (home / "helix.toml").write_text("[cache]\nttl_s = 5\n")

    ran = helix("config", "show", "--json")
    settings = ran.json["settings"]

    assert {"value": 5.0, "source": "helix.toml"} == settings["cache.ttl_s"]
    assert {"value": "redis://…@localhost/0", "source": "HELIX_STORAGE__URL"} == settings["storage.url"]
    assert "…" == settings["server.master_key"]["value"]
    assert "hunter2" not in ran.out + helix("config", "show").out


def test_config_trust_lets_a_directorys_file_read_the_environment(helix, home, monkeypatch):
    monkeypatch.setenv("MY_KEY", "sk-1")
    (home / "helix.toml").write_text('[[providers]]\nname = "a"\ntype = "openai"\napi_key = "env:MY_KEY"\n')
    assert 1 == helix("config", "check").code

    assert 0 == helix("config", "trust").code
    assert 0 == helix("config", "check").code


@pytest.fixture
def questions(home):
    path = home / "questions.jsonl"
    path.write_text(
        '{"model": "m", "messages": [{"role": "user", "content": "one"}]}\n\n{"prompt": "two"}\n{"question": "three"}\n'
    )
    return path


def test_cache_warm_says_which_lines_failed(helix, daemon, home):
    (home / "bad.jsonl").write_text('{"model": "m", "prompt": 3}\n{"prompt": "x"}\nnot json\n')

    ran = helix("cache", "warm", "bad.jsonl", "--json")

    assert (1, 3) == (ran.code, ran.json["errors"])
    assert "line 1: expected" in ran.err and "line 2: no" in ran.err and "line 3:" in ran.err


def test_cache_warm_repeats_the_gateways_refusal(helix, daemon, questions):
    daemon.answers["POST", "/v1/chat/completions"] = (404, {"error": {"message": "no such model"}}, {})

    assert "line 1: no such model" in helix("cache", "warm", str(questions), "--model", "m").err


def test_the_dashboard_needs_a_terminal_and_says_so(helix):
    """Without one it would wait for keys that never come."""
    ran = helix("tui")

    assert (2, "") == (ran.code, ran.out)
    assert "needs a terminal" in ran.err
