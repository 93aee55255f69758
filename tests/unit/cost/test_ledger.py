"""Every call is in the ledger once, wherever a crash cut the journal."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.adapters.journal_file import FileJournal
from daemon.adapters.spendlog_duckdb import DuckDbSpendLog
from daemon.cost import ledger as ledger_module
from daemon.cost.ledger import Ledger
from daemon.cost.records import record_of_row, record_of_rows, row_of, rows_of
from daemon.errors import JournalUnavailable, SpendLogUnavailable
from daemon.exchange import LedgerRow
from daemon.ports.cost import Hold

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)

HOLD = Hold("all/day/2026-11-21", 5, 10)


def intent(name: str) -> LedgerRow:
    return LedgerRow(
        id=name, request_id=name, at=AT, kind="call", outcome="unknown", dialect="chat", model="m", bound_usd=Decimal(1)
    )


def outcome(name: str) -> LedgerRow:
    row = intent(name)
    row.outcome, row.cost_usd, row.bound_usd = "settled", Decimal("0.1"), None
    return row


class SpendLogInMemory:
    """As the port says; `fails` makes it unavailable."""

    def __init__(self) -> None:
        self.rows: dict[str, LedgerRow] = {}
        self.seq = 0
        self.fails = False

    async def open(self) -> None: ...

    async def last_seq(self) -> int:
        self._check()
        return self.seq

    async def write(self, rows, last_seq: int) -> None:
        self._check()
        for row in rows:
            self.rows.setdefault(row.id, row)
        self.seq = max(self.seq, last_seq)

    async def recent(self, limit: int):
        return list(self.rows.values())[-limit:]

    async def aclose(self) -> None: ...

    def _check(self) -> None:
        if self.fails:
            raise SpendLogUnavailable("disk full")


def new_ledger(directory: Path, spend_log) -> Ledger:
    return Ledger(FileJournal(directory), spend_log, on_row=lambda row: None)


async def recovered(directory: Path, spend_log) -> dict[str, str]:
    """Outcomes by id after a start and a clean end."""
    ledger = new_ledger(directory, spend_log)
    await ledger.start()
    await ledger.aclose()
    return {name: row.outcome for name, row in spend_log.rows.items()}


async def test_a_call_without_an_outcome_is_unknown_with_its_bound(tmp_path):
    ledger = new_ledger(tmp_path, SpendLogInMemory())
    await ledger.start()
    ledger.intend(intent("cut off"), [HOLD])
    ledger.intend(intent("answered"), [])
    ledger.conclude(outcome("answered"))

    spend_log = SpendLogInMemory()
    closed = await new_ledger(tmp_path, spend_log).start()

    assert {"answered": "settled", "cut off": "unknown"} == {name: row.outcome for name, row in spend_log.rows.items()}
    assert (None, Decimal(1)) == (spend_log.rows["cut off"].cost_usd, spend_log.rows["cut off"].bound_usd)
    assert {"answered": [], "cut off": [HOLD]} == {call.row.id: call.holds for call in closed}


@settings(max_examples=60)
@given(cut=st.floats(0, 1), flushed_through=st.integers(0, 6))
async def test_wherever_the_journal_ends_each_call_is_there_once(tmp_path_factory, cut, flushed_through):
    """A prefix of the journal, and a spend log that holds a prefix of the rows."""
    directory, spend_log = tmp_path_factory.mktemp("journal"), SpendLogInMemory()
    ledger = new_ledger(directory, spend_log)
    await ledger.start()
    for number in range(6):
        ledger.intend(intent(f"{number}"), [])
        if number % 3:
            ledger.conclude(outcome(f"{number}"))
        if number == flushed_through:
            await ledger.flush()
    was_flushed = set(spend_log.rows)
    [file] = directory.iterdir()
    os.truncate(file, int(file.stat().st_size * cut))
    lines = file.read_text().split("\n")[:-1]
    intended = {str(n) for n in range(6) if any('"intent"' in line and f'"id":"{n}"' in line for line in lines)}
    concluded = {str(n) for n in range(6) if any('"row"' in line and f'"id":"{n}"' in line for line in lines)}

    found = await recovered(directory, spend_log)

    assert intended | was_flushed == set(found)
    assert concluded | was_flushed == {name for name, state in found.items() if state == "settled"}
    assert found == await recovered(directory, spend_log)


async def test_an_open_calls_intent_outlives_the_files_around_it(tmp_path):
    """Files of flushed rows are removed, but not one that holds the only trace of a call."""
    spend_log = SpendLogInMemory()
    ledger = Ledger(FileJournal(tmp_path, file_bytes=500), spend_log, on_row=lambda row: None)
    await ledger.start()
    for number in range(10):
        ledger.intend(intent(f"{number}"), [])
        ledger.conclude(outcome(f"{number}"))
    ledger.intend(intent("long stream"), [])
    for number in range(10, 30):
        ledger.intend(intent(f"{number}"), [])
        ledger.conclude(outcome(f"{number}"))
    before = len(list(tmp_path.iterdir()))
    await ledger.flush()

    assert 1 < len(list(tmp_path.iterdir())) < before
    assert "unknown" == (await recovered(tmp_path, spend_log))["long stream"]
    assert 31 == len(spend_log.rows)


async def test_numbers_go_on_when_the_journal_was_removed(tmp_path):
    """Else new rows would be taken for old ones, which the spend log holds already."""
    spend_log = SpendLogInMemory()
    ledger = new_ledger(tmp_path / "journal", spend_log)
    await ledger.start()
    for number in range(5):
        ledger.intend(intent(f"{number}"), [])
        ledger.conclude(outcome(f"{number}"))
    await ledger.aclose()
    shutil.rmtree(tmp_path / "journal")

    ledger = new_ledger(tmp_path / "journal", spend_log)
    await ledger.start()
    ledger.intend(intent("new"), [])
    ledger.conclude(outcome("new"))

    assert "settled" == (await recovered(tmp_path / "journal", spend_log))["new"]


async def test_rows_wait_in_the_journal_while_the_spend_log_is_away(tmp_path, monkeypatch):
    """Memory holds a bounded number of them; the others are read back, and none is there twice."""
    monkeypatch.setattr(ledger_module, "ROWS_IN_MEMORY", 5)
    spend_log = SpendLogInMemory()
    ledger = new_ledger(tmp_path, spend_log)
    await ledger.start()
    spend_log.fails = True
    for number in range(12):
        ledger.intend(intent(f"{number}"), [])
        ledger.conclude(outcome(f"{number}"))
        with pytest.raises(SpendLogUnavailable):
            await ledger.flush()
    assert "reports are behind: disk full" == ledger.trouble
    assert len(ledger._pending) <= 5

    spend_log.fails = False
    await ledger.flush()

    assert {f"{number}": "settled" for number in range(12)} == {n: row.outcome for n, row in spend_log.rows.items()}
    assert "" == ledger.trouble
    await ledger.aclose()


_CRASHING = """
import asyncio, pathlib, sys
from tests.unit.cost.test_ledger import intent, new_ledger, outcome
from daemon.adapters.spendlog_duckdb import DuckDbSpendLog

async def main(directory):
    ledger = new_ledger(directory / "journal", DuckDbSpendLog(directory / "spend.duckdb"))
    await ledger.start()
    flushing = asyncio.create_task(ledger.flush_forever())
    for number in range(1_000_000):
        ledger.intend(intent(f"{number}"), [])
        if number % 10:
            ledger.conclude(outcome(f"{number}"))
            print(number, flush=True)
        await asyncio.sleep(0)

asyncio.run(main(pathlib.Path(sys.argv[1])))
"""


async def test_after_kill_9_every_answered_call_is_there_once(tmp_path):
    """Killed under load, while batches are being written."""
    process = subprocess.Popen([sys.executable, "-c", _CRASHING, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    answered = []
    assert process.stdout is not None
    for line in process.stdout:
        answered.append(line.strip())
        if len(answered) == 3_000:
            process.send_signal(signal.SIGKILL)
    process.wait()

    spend_log = DuckDbSpendLog(tmp_path / "spend.duckdb")
    ledger = new_ledger(tmp_path / "journal", spend_log)
    await ledger.start()
    rows = await ledger.recent(1_000_000)
    await ledger.aclose()

    by_id = {row.id: row.outcome for row in rows}
    assert len(by_id) == len(rows)
    settled = {name for name, state in by_id.items() if state == "settled"}
    # The last line may have been cut off in the pipe, and the last call before its line.
    assert set(answered[:-1]) <= settled
    unknown = {name for name, state in by_id.items() if state == "unknown"}
    last = str(max(map(int, by_id)))
    assert {name for name in by_id if int(name) % 10 == 0} == unknown - ({last} if int(last) % 10 else set())


ROWS = st.builds(
    LedgerRow,
    id=st.text(),
    request_id=st.text(),
    at=st.datetimes(timezones=st.just(UTC)),
    kind=st.sampled_from(["call", "hit", "refused"]),
    outcome=st.sampled_from(["settled", "unknown", ""]),
    dialect=st.just("chat"),
    model=st.text(),
    tags=st.lists(st.text()).map(tuple),
    similarity=st.none() | st.floats(0, 1),
    streamed=st.booleans(),
    cost_usd=st.none() | st.decimals(0, 1000, places=12),
    user=st.none() | st.text(),
)


def journaled(record):
    return orjson.loads(orjson.dumps(record, default=str))


@given(ROWS)
def test_a_row_survives_the_journal(row):
    assert row == row_of(journaled(record_of_row(row)))


@given(st.lists(ROWS, min_size=1, max_size=4))
def test_rows_that_are_journaled_together_come_apart_as_they_were(rows):
    assert rows == list(rows_of(journaled(record_of_rows(rows))))


async def test_hits_are_in_the_journal_a_moment_later(tmp_path):
    """Without waiting for the spend log, and as one line for several."""
    ledger = new_ledger(tmp_path, SpendLogInMemory())
    await ledger.start()
    ledger.note(outcome("1"))
    ledger.note(outcome("2"))
    while not list(tmp_path.iterdir()):
        await asyncio.sleep(0.001)

    [(_, record)] = FileJournal(tmp_path).replay()
    assert ["1", "2"] == [row.id for row in rows_of(record["rows"])]
    assert {"1": "settled", "2": "settled"} == await recovered(tmp_path, SpendLogInMemory())


async def test_hits_reach_the_spend_log_where_the_journal_is_full(tmp_path, monkeypatch):
    spend_log = SpendLogInMemory()
    ledger = new_ledger(tmp_path, spend_log)
    await ledger.start()

    def fails(record):
        raise JournalUnavailable("disk full")

    monkeypatch.setattr(ledger._journal, "append", fails)
    ledger.note(outcome("1"))
    await ledger.flush()

    assert ["1"] == list(spend_log.rows)
