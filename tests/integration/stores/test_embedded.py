"""What only the embedded store promises: of its file, its disk and its death."""

from __future__ import annotations

import asyncio
import resource
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest

from daemon.adapters import sqlite_thread
from daemon.adapters.sqlite_thread import SqliteThread
from daemon.adapters.store_embedded import EmbeddedStore
from daemon.clock import SystemClock
from daemon.errors import CannotStart, StoreUnavailable
from daemon.exchange import CacheEntry, Selection

from .conftest import HandClock

BUDGET = {"scope": "all", "limit_usd": "50"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


@pytest.fixture
async def store(path: Path, clock: HandClock) -> AsyncIterator[EmbeddedStore]:
    store = EmbeddedStore(path, clock)
    await store.open()
    yield store
    await store.aclose()


PUTS_UNTIL_KILLED = """
import asyncio, sys
from pathlib import Path
from daemon.adapters.store_embedded import EmbeddedStore
from daemon.clock import SystemClock
from daemon.exchange import CacheEntry

async def put_for_ever(store, worker):
    for number in range(10**9):
        key = f"{worker}/{number}"
        entry_id = await store.put(CacheEntry(
            key=key.encode(), partition=b"p", scope="s", dialect="chat", model="m", question="q",
            answer=key.encode() * 200, vector=None, cost_nanos=1, input_tokens=1, output_tokens=1,
            made_in_ms=1, created_at=0.0, expires_at=9e9))
        print(entry_id, key, flush=True)

async def main():
    store = EmbeddedStore(Path(sys.argv[1]), SystemClock())
    await store.open()
    await asyncio.gather(*(put_for_ever(store, worker) for worker in range(16)))

asyncio.run(main())
"""


async def test_every_acknowledged_entry_survives_kill_9(path: Path) -> None:
    """Killed in the midst of writing; what was answered before is there, whole."""
    child = subprocess.Popen([sys.executable, "-c", PUTS_UNTIL_KILLED, str(path)], stdout=subprocess.PIPE)
    assert child.stdout is not None
    lines = [child.stdout.readline() for _ in range(500)]
    child.send_signal(signal.SIGKILL)
    lines += child.stdout.readlines()
    child.wait()
    child.stdout.close()
    acknowledged = dict(line.decode().split() for line in lines if line.endswith(b"\n"))

    store = EmbeddedStore(path, SystemClock())
    await store.open()
    found = await store.get_by_ids([int(entry_id) for entry_id in acknowledged])
    await store.aclose()
    assert {int(entry_id): key.encode() * 200 for entry_id, key in acknowledged.items()} == {
        entry_id: entry.answer for entry_id, entry in found.items()
    }


async def test_the_files_are_their_owners_only(store: EmbeddedStore, path: Path, entry: CacheEntry) -> None:
    await store.put(entry)

    assert {0o600} == {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}


async def test_a_file_that_others_could_read_is_made_private(path: Path, clock: HandClock) -> None:
    path.touch(0o644)
    store = EmbeddedStore(path, clock)
    await store.open()
    await store.aclose()

    assert 0o600 == stat.S_IMODE(path.stat().st_mode)


async def test_a_file_of_a_newer_version_is_refused_and_left_alone(path: Path, clock: HandClock) -> None:
    with sqlite3.connect(path) as newer:
        newer.execute("PRAGMA user_version = 99")
    newer.close()
    before = path.read_bytes()

    with pytest.raises(CannotStart, match=r"newer Helix.*update Helix"):
        await EmbeddedStore(path, clock).open()
    assert before == path.read_bytes()


async def test_a_file_of_an_earlier_version_is_brought_forward(path: Path, clock: HandClock, entry: CacheEntry) -> None:
    store = EmbeddedStore(path, clock)
    await store.open()
    await store.put(entry)
    await store.aclose()
    with sqlite3.connect(path) as first:  # as version 1 made it
        (view,) = first.execute("SELECT sql FROM sqlite_master WHERE name = 'whole_entries'").fetchone()
        first.executescript(
            "DROP VIEW whole_entries; DROP INDEX entries_by_worth;"
            + "".join(f"ALTER TABLE entries DROP COLUMN {name};" for name in ("worth", "tags", "namespace", "user"))
            + "ALTER TABLE entries ADD COLUMN hits INTEGER NOT NULL DEFAULT 0;"
            "CREATE INDEX entries_by_worth ON entries (hits, cost_nanos, id);"
            f"{view.replace(', user, namespace, tags', '')}; PRAGMA user_version = 1;"
        )
    first.close()
    await store.open()

    assert await store.get(entry.key) is not None
    await store.put(replace(entry, user="ann"))
    assert 1 == await store.clear(Selection(user="ann"))
    await store.aclose()


async def test_a_file_that_is_no_database_is_set_aside(
    path: Path, clock: HandClock, entry: CacheEntry, caplog: pytest.LogCaptureFixture
) -> None:
    path.write_bytes(b"not a database at all " * 500)
    store = EmbeddedStore(path, clock)
    await store.open()
    await store.put(entry)

    assert await store.get(entry.key) is not None
    assert path.with_name("store.db.damaged").read_bytes().startswith(b"not a database")
    assert ["budgets could not be read" in record.getMessage() for record in caplog.records] == [True]
    await store.aclose()


async def test_damage_met_while_running_is_dealt_with_at_the_next_start(
    path: Path, clock: HandClock, entries: Callable[[int], list[CacheEntry]], caplog: pytest.LogCaptureFixture
) -> None:
    """Cached answers are lost, and a new epoch tells the index so; the budgets stay."""
    store = EmbeddedStore(path, clock)
    await store.open()
    await store.put_record("budget", "one", BUDGET)
    for entry in entries(50):
        await store.put(entry)
    epoch = await store.epoch()
    await store.aclose()
    damage_table(path, "answers")
    store = EmbeddedStore(path, clock)
    await store.open()
    with pytest.raises(StoreUnavailable, match="malformed"):
        await store.get_by_ids(range(50))
    await store.aclose()
    assert any("is damaged; restart" in record.getMessage() for record in caplog.records)

    store = EmbeddedStore(path, clock)
    await store.open()
    assert {"one": BUDGET} == await store.records("budget")
    assert 0 == (await store.stats()).entries
    assert epoch != await store.epoch()
    await store.aclose()


def damage_table(path: Path, table: str) -> None:
    connection = sqlite3.connect(path)
    (page_bytes,) = connection.execute("PRAGMA page_size").fetchone()
    (page,) = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", (table,)).fetchone()
    connection.close()
    with path.open("r+b") as file:
        file.seek((page - 1) * page_bytes)
        file.write(b"\xff" * page_bytes)


async def test_a_full_disk_is_said_and_writing_goes_on_when_there_is_room(
    store: EmbeddedStore, path: Path, entry: CacheEntry
) -> None:
    """A limit on the size of files stands for the disk."""
    await store.put(entry)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.with_name("store.db-wal").stat().st_size + 4096, hard))
    try:
        with pytest.raises(StoreUnavailable):
            await store.put(replace(entry, key=b"other", answer=b"x" * 100_000))
        assert await store.get(entry.key) is not None
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    await store.put(replace(entry, key=b"other"))
    assert await store.get(b"other") is not None


async def test_a_file_locked_by_another_program_is_said(store: EmbeddedStore, path: Path, entry: CacheEntry) -> None:
    with sqlite3.connect(path, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable, match="locked"):
            await store.put(entry)
        other.execute("ROLLBACK")
    other.close()

    await store.put(entry)


async def test_a_directory_that_cannot_be_written_is_said(tmp_path: Path, clock: HandClock) -> None:
    with pytest.raises(StoreUnavailable, match="cannot be opened"):
        await EmbeddedStore(tmp_path / "absent" / "store.db", clock).open()


async def test_a_closed_store_says_so(store: EmbeddedStore) -> None:
    await store.aclose()

    with pytest.raises(StoreUnavailable, match="not open"):
        await store.ping()


async def test_one_that_cannot_be_stored_does_not_take_its_neighbours_along(
    store: EmbeddedStore, entries: Callable[[int], list[CacheEntry]]
) -> None:
    """They are written in one transaction."""
    good = entries(20)
    outcomes = await asyncio.gather(
        *(store.put(entry) for entry in good),
        store.put(replace(good[0], key=b"bad", cost_nanos=2**70)),
        return_exceptions=True,
    )

    assert isinstance(outcomes[-1], OverflowError)
    assert 20 == (await store.stats()).entries
    assert all([await store.get(entry.key) for entry in good])


async def test_fsync_always_keeps_the_same_promises(path: Path, clock: HandClock, entry: CacheEntry) -> None:
    store = EmbeddedStore(path, clock, "always")
    await store.open()
    await store.put(entry)

    assert await store.get(entry.key) is not None
    await store.aclose()


async def test_a_stuck_disk_ends_as_an_error_and_what_nobody_awaits_is_not_begun(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sqlite_thread, "ANSWER_S", 0.05)
    disk, begun = Event(), []
    thread = SqliteThread("stuck", writes=True)
    await thread.start(lambda: sqlite3.connect(":memory:", isolation_level=None))
    with pytest.raises(StoreUnavailable, match="did not answer"):
        await thread.ask(lambda connection: disk.wait(10))
    with pytest.raises(StoreUnavailable, match="did not answer"):
        await thread.ask(lambda connection: begun.append("late"))
    disk.set()

    monkeypatch.undo()
    await thread.ask(lambda connection: begun.append("next"))
    assert ["next"] == begun
    await thread.stop()


async def test_the_queue_before_a_stuck_disk_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_thread, "MAX_WAITING_JOBS", 3)
    disk = Event()
    thread = SqliteThread("stuck", writes=True)
    await thread.start(lambda: sqlite3.connect(":memory:", isolation_level=None))
    outcomes = asyncio.gather(
        *(thread.ask(lambda connection: disk.wait(10)) for _ in range(20)), return_exceptions=True
    )
    await asyncio.sleep(0)
    disk.set()

    refused = [outcome for outcome in await outcomes if isinstance(outcome, StoreUnavailable)]
    assert 16 <= len(refused) <= 17
    assert all("too many calls wait" in str(error) for error in refused)
    await thread.stop()


async def test_a_cancelled_caller_leaves_the_store_working(store: EmbeddedStore, entry: CacheEntry) -> None:
    putting = asyncio.create_task(store.put(entry))
    await asyncio.sleep(0)
    putting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await putting

    await store.put(replace(entry, key=b"next"))
    assert await store.get(b"next") is not None
