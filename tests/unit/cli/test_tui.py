"""The dashboard, driven as a person would, over a real control API."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, Static

from daemon import control_api as api
from helix_cli.tui.app import Dashboard
from helix_cli.tui.panels import Tile, sparkline
from helix_cli.tui.request_screen import RequestScreen
from helix_cli.tui.requests_table import RequestsTable
from tests.unit.cli.fake_daemon import budget_row, log_row

PATIENCE = 400
"""How often a condition is looked at before a test gives up: some ten seconds."""


async def until(pilot: Pilot[None], condition: Callable[[], object]) -> None:
    """Let the app work until something is so; what follows asserts it."""
    for _ in range(PATIENCE):
        if condition():
            return
        await pilot.pause(0.025)
    raise AssertionError("it did not come to pass")


def table(pilot: Pilot[None]) -> RequestsTable:
    return pilot.app.screen_stack[0].query_one(RequestsTable)


def shown(pilot: Pilot[None], selector: str) -> str:
    return "".join(str(widget.render()) for widget in pilot.app.screen_stack[0].query(selector).results(Static))


def ids(pilot: Pilot[None]) -> list[str | None]:
    return [row.key.value for row in table(pilot).ordered_rows]


async def test_it_shows_what_was_spent_and_saved(daemon):
    async with Dashboard(daemon.data_dir).run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "$1.25" in shown(pilot, "#spent .small"))

        assert "$0.75" == shown(pilot, "#saved .small")
        assert "33%" == shown(pilot, "#hits .small")
        assert "16" == shown(pilot, "#count .small")
        assert daemon.url in shown(pilot, "#title")
        assert "embedder  loading" in shown(pilot, "#parts")


async def test_scopes_are_counted_by_what_near_hits_may_do_there(daemon):
    overview = daemon.answer("GET", api.OVERVIEW)
    (one,) = overview["cache"]["scopes"]
    overview["cache"]["scopes"] = [one, *(one | {"scope": f"key:{n}", "mode": "shadow"} for n in range(3))]
    daemon.answers["GET", api.OVERVIEW] = overview
    async with Dashboard(daemon.data_dir).run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "near hits" in shown(pilot, "#parts"))

        lines = shown(pilot, "#parts").splitlines()
        at = next(number for number, line in enumerate(lines) if "near hits  1 serving, 3 shadow" in line)
        assert "cache  " in lines[at - 1]
        assert ["key:local", "serving,", "1", "of", "40", "wrong:"] == lines[at + 1].split()[:6]


async def test_a_scope_that_was_stopped_comes_first(daemon):
    overview = daemon.answer("GET", api.OVERVIEW)
    one, *_ = overview["cache"]["scopes"]
    stopped = one | {"scope": "key:bad", "mode": "stopped", "checks": 5}
    overview["cache"]["scopes"] = [one | {"scope": f"key:{n}"} for n in range(5)] + [stopped]
    daemon.answers["GET", api.OVERVIEW] = overview
    async with Dashboard(daemon.data_dir).run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "key:bad" in shown(pilot, "#parts"))

        named = [line.split()[0] for line in shown(pilot, "#parts").splitlines() if line.strip().startswith("key:")]
        assert ("key:bad", 3) == (named[0], len(named))


async def test_budgets_are_bars_the_fullest_first(daemon):
    overview = daemon.answer("GET", api.OVERVIEW)
    overview["budgets"] = [
        budget_row(scope="all", limit_usd="10", spent_usd="1"),
        budget_row(scope="team:x", limit_usd="10", spent_usd="9"),
        budget_row(scope="key:zero", limit_usd="0", spent_usd="0", reserved_usd="0"),
    ]
    daemon.answers["GET", api.OVERVIEW] = overview
    async with Dashboard(daemon.data_dir).run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: "team:x" in shown(pilot, "#budgets"))

        lines = shown(pilot, "#budgets").splitlines()
        assert ["key:zero", "team:x", "all"] == [line.split()[0] for line in lines]
        assert "90% $9.00/$10.00" in lines[1]


async def test_requests_come_as_they_happen_the_newest_first(daemon):
    daemon.past += [log_row(id="a"), log_row(id="b")]
    async with Dashboard(daemon.data_dir).run_test() as pilot:
        await until(pilot, lambda: ids(pilot) == ["b", "a"])

        daemon.happen(log_row(id="c"))

        await until(pilot, lambda: ids(pilot) == ["c", "b", "a"])


async def test_it_survives_the_daemons_going_away_and_coming_back(daemon):
    daemon.past += [log_row(id="a")]
    async with Dashboard(daemon.data_dir).run_test() as pilot:
        await until(pilot, lambda: ids(pilot) == ["a"])

        daemon.stop()
        await pilot.press("r")
        await until(pilot, lambda: pilot.app.screen.has_class("-gone"))
        assert "start it with: helix serve" in shown(pilot, "#banner")

        daemon.past.append(log_row(id="b"))
        daemon.start()
        await pilot.press("r")
        await until(pilot, lambda: not pilot.app.screen.has_class("-gone"))
        await until(pilot, lambda: ids(pilot) == ["b", "a"])


async def test_it_may_be_started_before_the_daemon(daemon):
    daemon.stop()
    (daemon.data_dir / "daemon.json").unlink()
    async with Dashboard(daemon.data_dir).run_test() as pilot:
        await until(pilot, lambda: "no daemon runs" in shown(pilot, "#banner"))

        daemon.start()
        await until(pilot, lambda: "$1.25" in shown(pilot, "#spent .small"))


async def test_a_pause_holds_what_comes(daemon):
    daemon.past += [log_row(id="a")]
    async with Dashboard(daemon.data_dir).run_test() as pilot:
        await until(pilot, lambda: ids(pilot) == ["a"])
        await pilot.press("p")

        daemon.happen(log_row(id="b"))
        await until(pilot, lambda: table(pilot).border_subtitle == "paused, 1 new")
        assert ["a"] == ids(pilot)

        await pilot.press("p")
        assert ["b", "a"] == ids(pilot)


async def test_the_cursor_stays_on_its_request(daemon):
    daemon.past += [log_row(id="a"), log_row(id="b"), log_row(id="c")]
    async with Dashboard(daemon.data_dir).run_test() as pilot:
        await until(pilot, lambda: len(ids(pilot)) == 3)
        await pilot.press("down")

        daemon.happen(log_row(id="d"))
        await until(pilot, lambda: len(ids(pilot)) == 4)

        selected = table(pilot).selected
        assert selected is not None
        assert "b" == selected["id"]


async def test_enter_shows_all_of_a_request(daemon):
    daemon.past += [log_row(id="req_42", reason="the \x1b[31m reason")]
    async with Dashboard(daemon.data_dir).run_test() as pilot:
        await until(pilot, lambda: ids(pilot))
        await pilot.press("enter")
        assert isinstance(pilot.app.screen, RequestScreen)

        await pilot.press("escape")
        assert not isinstance(pilot.app.screen, RequestScreen)


async def test_a_filter_keeps_the_requests_that_hold_all_its_words(daemon):
    daemon.past += [log_row(id="a", model="claude", status=429), log_row(id="b", model="claude"), log_row(id="c")]
    async with Dashboard(daemon.data_dir).run_test() as pilot:
        await until(pilot, lambda: len(ids(pilot)) == 3)

        await pilot.press("slash", *"claude 429")
        await until(pilot, lambda: ids(pilot) == ["a"])

        await pilot.press("escape")
        await until(pilot, lambda: len(ids(pilot)) == 3)
        assert "" == pilot.app.screen.query_one(Input).value


@pytest.mark.parametrize(("size", "large"), [((80, 24), False), ((140, 40), True)])
async def test_figures_are_large_where_there_is_room(daemon, size, large):
    async with Dashboard(daemon.data_dir).run_test(size=size) as pilot:
        assert large == pilot.app.screen.query_one("#spent", Tile).query_one(".large").display


async def test_a_resize_changes_the_columns(daemon):
    daemon.past += [log_row(id="a")]
    async with Dashboard(daemon.data_dir).run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: ids(pilot))
        assert 6 == len(table(pilot).columns)

        await pilot.resize_terminal(170, 40)
        await until(pilot, lambda: len(table(pilot).columns) == 10)
        assert ["a"] == ids(pilot)


async def test_q_quits(daemon):
    app = Dashboard(daemon.data_dir)
    async with app.run_test() as pilot:
        await pilot.press("q")
    assert 0 == app.return_code


def test_a_sparkline_shows_one_among_many():
    assert "▁▂█▁" == sparkline([0, 1, 700, 0])
    assert "▁▁" == sparkline([0, 0])
