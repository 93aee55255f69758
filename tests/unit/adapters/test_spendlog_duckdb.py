"""The spend log keeps each row once and answers for it."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.adapters.spendlog_duckdb import DuckDbSpendLog
from daemon.adapters.spendlog_duckdb_schema import COLUMNS, SCHEMA_VERSION
from daemon.errors import CannotStart, SpendLogUnavailable
from daemon.exchange import LedgerRow
from daemon.ports.cost import SpendQuery

AT = datetime(2026, 11, 21, 23, 30, tzinfo=UTC)
ALWAYS = SpendQuery(since=AT - timedelta(days=365), until=AT + timedelta(days=365))


def row(row_id: str, **values) -> LedgerRow:
    of_all = {"request_id": row_id, "at": AT, "kind": "call", "outcome": "settled", "dialect": "chat", "model": "m"}
    return LedgerRow(id=row_id, **{**of_all, **values})


@pytest.fixture
async def spend_log(tmp_path):
    log = DuckDbSpendLog(tmp_path / "spend.duckdb")
    await log.open()
    yield log
    await log.aclose()


async def test_a_row_comes_back_as_it_was(spend_log):
    full = row(
        "full",
        provider="openai",
        upstream_model="gpt",
        key="k",
        user="Ann\0",
        team="t",
        org="o",
        tags=("a", "b"),
        cache="miss",
        similarity=0.5,
        status=200,
        streamed=True,
        input_tokens=2**40,
        cost_usd=Decimal("8999999.123456789012"),
        saved_usd=Decimal("0.000000000001"),
        ttft_ms=1.5,
    )

    await spend_log.write([full, row("bare")], 7)

    assert [full, row("bare")] == await spend_log.recent(10)
    assert 7 == await spend_log.last_seq()


TEXTS = st.text() | st.sampled_from(["null", '"', "\\", "[1]", "0"])
MONEY = st.none() | st.decimals(0, 8_000_000, places=12)


@settings(max_examples=40)
@given(
    st.lists(
        st.builds(
            LedgerRow,
            id=st.uuids().map(str),
            request_id=TEXTS,
            at=st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),
            kind=st.sampled_from(["call", "hit"]),
            outcome=st.just(""),
            dialect=st.just("chat"),
            model=TEXTS,
            user=st.none() | TEXTS,
            tags=st.lists(TEXTS, max_size=3).map(tuple),
            similarity=st.none() | st.floats(0, 1),
            streamed=st.booleans(),
            output_tokens=st.integers(0, 2**62),
            cost_usd=MONEY,
            saved_usd=MONEY,
        ),
        min_size=1,
        max_size=4,
        unique_by=lambda row: row.at,
    )
)
async def test_a_batch_comes_back_as_it_was_whatever_its_rows_have_in_common(tmp_path_factory, rows):
    spend_log = DuckDbSpendLog(tmp_path_factory.mktemp("spend") / "spend.duckdb")
    await spend_log.open()

    await spend_log.write(rows, 1)

    assert sorted(rows, key=lambda row: row.at) == await spend_log.recent(10)
    await spend_log.aclose()


async def test_an_id_that_is_there_is_left_out(spend_log):
    await spend_log.write([row("1", cost_usd=Decimal(1))], 1)
    await spend_log.write([row("1", cost_usd=Decimal(5)), row("2")], 2)

    assert [("1", Decimal(1)), ("2", None)] == [(found.id, found.cost_usd) for found in await spend_log.recent(10)]


async def test_recent_rows_are_the_newest_and_the_newest_is_last(spend_log):
    await spend_log.write([row(str(n), at=AT + timedelta(seconds=n)) for n in (2, 0, 1, 3)], 1)

    assert ["2", "3"] == [found.id for found in await spend_log.recent(2)]


async def test_calls_hits_refusals_and_unknown_are_counted_apart(spend_log):
    rows = [
        row("1", cost_usd=Decimal("0.1"), input_tokens=10, output_tokens=1),
        row("2", outcome="unknown", bound_usd=Decimal(9)),
        row("3", outcome="unpriced"),
        row("4", kind="hit", outcome="", cost_usd=Decimal(0), saved_usd=Decimal("0.2"), input_tokens=10),
        row("5", kind="refused", outcome=""),
    ]
    await spend_log.write(rows, 1)

    report = await spend_log.report(ALWAYS)

    counts = {name: report[name] for name in ("calls", "hits", "refused", "unknown", "input_tokens", "output_tokens")}
    assert {"calls": 3, "hits": 1, "refused": 1, "unknown": 1, "input_tokens": 10, "output_tokens": 1} == counts
    assert (Decimal("0.1"), Decimal("0.2")) == (report["cost_usd"], report["saved_usd"])


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        ("model", [("m", "3"), ("n", "1")]),
        ("key", [("k", "4")]),
        ("user", [("", "3"), ("u", "1")]),
        ("team", [("red", "4")]),
        ("tag", [("a", "4"), ("b", "3")]),
        ("org", [("", "3"), ("acme", "1")]),
        ("day", [("2026-11-22", "3"), ("2026-11-23", "1")]),
        ("session", [("s-1", "3"), ("", "1")]),
        ("client", [("codex", "3"), ("", "1")]),
    ],
)
async def test_reports_are_grouped_dearest_first_and_days_in_order(spend_log, by, expected):
    one = row("1", cost_usd=Decimal(3), key="k", team="red", tags=("a", "b", "a"), session="s-1", client="codex")
    later = {"at": AT + timedelta(days=1), "model": "n"}
    other = row("2", **later, cost_usd=Decimal(1), key="k", user="u", team="red", org="acme", tags=("a",))
    await spend_log.write([one, other], 1)

    report = await spend_log.report(SpendQuery(ALWAYS.since, ALWAYS.until, by, "Europe/Berlin"))

    assert expected == [(found[by], f"{found['cost_usd']:.0f}") for found in report["rows"]]
    assert 4 == report["cost_usd"]


async def test_a_report_covers_since_and_leaves_out_until(spend_log):
    await spend_log.write([row(str(n), at=AT + timedelta(hours=n)) for n in range(4)], 1)

    report = await spend_log.report(SpendQuery(AT + timedelta(hours=1), AT + timedelta(hours=3)))

    assert 2 == report["calls"]


@pytest.mark.parametrize(
    ("scope", "nanos"),
    [
        ("all", 3_000_000_006),
        ("team:red", 1),
        ("user:u", 2),
        ("org:o", 0),
        ("key:k", 3_000_000_000),
        ("model:m", 3_000_000_006),
        ("model:up/fast", 3),
        ("model:fast", 3),
        ("tag:x", 2),
        ("tag:'; DROP TABLE ledger; --", 0),
    ],
)
async def test_each_row_counts_against_its_scopes_rounded_up(spend_log, scope, nanos):
    rows = [
        row("1", cost_usd=Decimal("1E-12"), team="red"),
        row("2", cost_usd=Decimal("1.001E-9"), user="u", tags=("x",)),
        row("3", cost_usd=Decimal("3E-9"), provider="up", upstream_model="fast"),
        row("4", outcome="unknown", bound_usd=Decimal(3), key="k"),
        row("5", kind="hit", cost_usd=Decimal(7)),
    ]
    await spend_log.write(rows, 1)

    assert nanos == await spend_log.spent_nanos(scope, AT, None)
    assert nanos == await spend_log.spent_nanos(scope, None, AT + timedelta(seconds=1))
    assert 0 == await spend_log.spent_nanos(scope, AT + timedelta(seconds=1), None)
    assert 0 == await spend_log.spent_nanos(scope, None, AT)


async def test_a_batch_is_written_whole_with_its_number_or_not_at_all(spend_log):
    with pytest.raises(SpendLogUnavailable):
        await spend_log.write([row("1"), row("2", input_tokens=2**70)], 5)

    assert ([], 0) == (await spend_log.recent(10), await spend_log.last_seq())


async def test_what_was_written_is_there_again(tmp_path):
    spend_log = DuckDbSpendLog(tmp_path / "again.duckdb")
    await spend_log.open()
    await spend_log.write([row("1")], 3)
    await spend_log.aclose()

    spend_log = DuckDbSpendLog(tmp_path / "again.duckdb")
    await spend_log.open()
    assert (3, ["1"]) == (await spend_log.last_seq(), [found.id for found in await spend_log.recent(1)])
    await spend_log.aclose()


async def test_parquet_holds_every_row(tmp_path, spend_log):
    await spend_log.write([row(str(n)) for n in range(3)], 1)
    path = tmp_path / "it's.parquet"

    assert 3 == await spend_log.export_parquet(ALWAYS, str(path))

    assert 3 == duckdb.read_parquet(str(path)).shape[0]
    with pytest.raises(SpendLogUnavailable):
        await spend_log.export_parquet(ALWAYS, str(tmp_path / "nowhere" / "x.parquet"))


async def test_a_newer_schema_is_refused_with_a_sentence(tmp_path):
    path = tmp_path / "newer.duckdb"
    with duckdb.connect(path) as connection:
        connection.execute("CREATE TABLE progress AS SELECT 99 AS schema_version, 0 AS last_seq")

    with pytest.raises(CannotStart, match="newer Helix"):
        await DuckDbSpendLog(path).open()


async def test_a_file_that_is_no_database_is_a_sentence(tmp_path):
    path = tmp_path / "spend.duckdb"
    path.write_text("not a database" * 1000)

    with pytest.raises(CannotStart, match="cannot be opened"):
        await DuckDbSpendLog(path).open()


async def test_a_file_held_by_another_process_is_a_sentence(tmp_path):
    path = tmp_path / "held.duckdb"
    holding = "import duckdb, sys; held = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"
    process = subprocess.Popen(
        [sys.executable, "-c", holding, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None and process.stdout is not None
    try:
        assert "held\n" == process.stdout.readline()
        with pytest.raises(CannotStart, match="held by another process"):
            await DuckDbSpendLog(path).open()
    finally:
        process.communicate()


async def test_it_is_for_the_owners_eyes(tmp_path, spend_log):
    assert 0o600 == (tmp_path / "spend.duckdb").stat().st_mode & 0o777


def test_every_field_of_a_row_has_its_column():
    assert [field.name for field in fields(LedgerRow)] == list(COLUMNS)


ADDED_IN = {2: ["price_parts"], 3: ["session", "client", "saved_ms", "prompt_print", "with_tools", "swapped_from"]}


@pytest.mark.parametrize("version", [1, 2])
async def test_an_older_file_is_brought_forward_and_a_copy_of_it_stays(tmp_path, version):
    path, before = tmp_path / "spend.duckdb", tmp_path / f"spend.v{version}.duckdb"
    await written(path, row("old"))
    with duckdb.connect(path) as connection:
        for column in (name for added_in, names in ADDED_IN.items() if added_in > version for name in names):
            connection.execute(f"ALTER TABLE ledger DROP COLUMN {column}")
        connection.execute("UPDATE progress SET schema_version = ?", [version])
    new = row("new", price_parts="output=1@2", session="s", client="codex", saved_ms=1.5, with_tools=True)

    await written(path, new)

    with duckdb.connect(before) as connection:
        assert [("old",)] == connection.execute("SELECT id FROM ledger").fetchall()
        assert [(version,)] == connection.execute("SELECT schema_version FROM progress").fetchall()
    spend_log = DuckDbSpendLog(path)
    await spend_log.open()
    assert [row("old"), new] == await spend_log.recent(10)
    await spend_log.aclose()
    with duckdb.connect(path) as connection:
        assert [(SCHEMA_VERSION,)] == connection.execute("SELECT schema_version FROM progress").fetchall()


async def test_a_request_is_found_by_its_id_and_by_that_of_an_attempt(spend_log):
    later = AT + timedelta(seconds=1)
    await spend_log.write([row("1.1", request_id="1", at=later), row("1"), row("2")], 1)

    assert ["1", "1.1"] == [found.id for found in await spend_log.of_request("1")]
    assert ["1.1"] == [found.id for found in await spend_log.of_request("1.1")]
    assert [] == await spend_log.of_request("3")


async def written(path, *rows) -> None:
    spend_log = DuckDbSpendLog(path)
    await spend_log.open()
    await spend_log.write(rows, 1)
    await spend_log.aclose()


async def test_a_user_is_erased_from_the_file_and_its_older_copies_and_the_money_stays(spend_log, tmp_path):
    hers = [row(f"h{n}", user="ann-the-first", session="s-1", cost_usd=Decimal("0.1")) for n in range(300)]
    refused = row("r", kind="refused", user="ann-the-first", reason="budget_exceeded user:ann-the-first/day: no")
    await spend_log.write([*hers, refused, row("b", user="ann-the-second", cost_usd=Decimal("1"))], 7)
    duckdb.connect(tmp_path / "spend.v1.duckdb").execute(
        "CREATE TABLE ledger AS SELECT 'ann-the-first' AS \"user\", '' AS reason"
    ).close()
    before = await spend_log.report(ALWAYS)
    erased = await spend_log.erase_user("ann-the-first", "erased-1")
    found = await spend_log.recent(1_000)

    assert 301 == erased
    assert before == await spend_log.report(ALWAYS)
    assert {"erased-1", "ann-the-second"} == {one.user for one in found}
    assert {""} == {one.session for one in found}
    assert "budget_exceeded user:erased-1/day: no" in {one.reason for one in found}
    assert 7 == await spend_log.last_seq()
    assert not [path for path in tmp_path.iterdir() if b"ann-the-first" in path.read_bytes()]
