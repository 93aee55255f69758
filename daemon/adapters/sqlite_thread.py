"""One thread that owns one SQLite connection, so that the event loop never waits for a disk."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Thread
from typing import Any, TypeVar

from ..errors import StoreUnavailable

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]

ANSWER_S = 2.0
"""How long a caller waits for its job, the queue before it included."""
OPEN_S = 10.0
"""Opening replays the write-ahead log of a daemon that was killed, which may be long."""
GROUP_JOBS = 256
"""A longer group would keep its first callers waiting for its last."""
MAX_WAITING_JOBS = 4096
"""Memory stays bounded while the disk is stuck."""


@dataclass(frozen=True, slots=True, eq=False)
class _Job:
    work: Work[Any]
    outcome: asyncio.Future[Any]
    is_apart: bool = False
    """It wants no transaction, and comes after those of its group."""


@dataclass(frozen=True, slots=True)
class _Outcome:
    of: asyncio.Future[Any]
    result: Any = None
    error: Exception | None = None


class SqliteThread:
    """Runs jobs one after another, in the order they were asked for.

    Jobs that queue up while others run form the next group. A thread with `writes` runs a group in one
    transaction, so 64 waiting writers cost one commit; a job is answered once its transaction is committed.
    """

    def __init__(self, name: str, *, writes: bool) -> None:
        self._name = name
        self._writes = writes
        self._queue: SimpleQueue[_Job | None] = SimpleQueue()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopped: asyncio.Future[None] | None = None

    async def start(self, connect: Callable[[], sqlite3.Connection]) -> None:
        """Connect in the new thread; what `connect` raises is raised here, and the thread is gone then.

        Raises:
            StoreUnavailable: it took longer than `OPEN_S`.
        """
        loop = asyncio.get_running_loop()
        started, stopped = loop.create_future(), loop.create_future()
        Thread(target=self._run, args=(loop, connect, started, stopped), name=self._name, daemon=True).start()
        await _in_time(started, OPEN_S)
        self._loop, self._stopped = loop, stopped

    async def ask(self, work: Work[T]) -> T:
        """Run `work` with the connection and return what it returns; what it raises is raised here.

        Raises:
            StoreUnavailable: not started, too many wait, or no answer within `ANSWER_S`. A job whose
                caller no longer waits is not begun, but one that has begun may still take effect.
        """
        return await self._answer(work)

    async def fold_log(self) -> None:
        """Fold the write-ahead log into the file and leave it empty: what was removed may still stand in it.

        Raises:
            StoreUnavailable: as `ask`, or another connection reads from the log.
        """
        await self._answer(_fold_log, is_apart=True)

    async def _answer(self, work: Work[T], *, is_apart: bool = False) -> T:
        if self._loop is None:
            raise StoreUnavailable("the store is not open")
        if self._queue.qsize() >= MAX_WAITING_JOBS:
            raise StoreUnavailable("the store is too slow: too many calls wait for the disk")
        job = _Job(work, self._loop.create_future(), is_apart)
        self._queue.put(job)
        return await _in_time(job.outcome, ANSWER_S)

    async def stop(self) -> None:
        """Finish what was asked for, close the connection, end the thread. Safe to call twice."""
        stopped, self._loop, self._stopped = self._stopped, None, None
        if stopped is not None:
            self._queue.put(None)
            await _in_time(stopped, OPEN_S)

    def _run(
        self,
        loop: asyncio.AbstractEventLoop,
        connect: Callable[[], sqlite3.Connection],
        started: asyncio.Future[None],
        stopped: asyncio.Future[None],
    ) -> None:
        try:
            connection = connect()
        except Exception as error:  # handed to the caller of `start`
            _tell(loop, [_Outcome(started, error=error)])
            return
        with closing(connection):
            _tell(loop, [_Outcome(started)])
            self._serve(loop, connection)
        _tell(loop, [_Outcome(stopped)])

    def _serve(self, loop: asyncio.AbstractEventLoop, connection: sqlite3.Connection) -> None:
        stopping = False
        while not stopping:
            group = self._next_group()
            stopping = None in group
            jobs = [job for job in group if job is not None]
            _tell(loop, self._run_group(connection, [job for job in jobs if not job.is_apart]))
            _tell(loop, [_run_apart(connection, job) for job in jobs if job.is_apart])

    def _next_group(self) -> list[_Job | None]:
        group = [self._queue.get()]
        while len(group) < GROUP_JOBS and not self._queue.empty():
            group.append(self._queue.get())
        return group

    def _run_group(self, connection: sqlite3.Connection, group: list[_Job]) -> list[_Outcome]:
        jobs = [job for job in group if not job.outcome.cancelled()]
        try:
            with _transaction(connection, writes=self._writes):
                results = [job.work(connection) for job in jobs]
        except Exception as error:  # handed to the job's caller
            if len(jobs) == 1:
                return [_Outcome(jobs[0].outcome, error=error)]
            # Rolled back as one; each by itself, so that only the one to blame fails.
            return [outcome for job in jobs for outcome in self._run_group(connection, [job])]
        return [_Outcome(job.outcome, result) for job, result in zip(jobs, results, strict=True)]


def _run_apart(connection: sqlite3.Connection, job: _Job) -> _Outcome:
    try:
        return _Outcome(job.outcome, job.work(connection))
    except Exception as error:  # handed to the job's caller
        return _Outcome(job.outcome, error=error)


def _fold_log(connection: sqlite3.Connection) -> None:
    try:
        (is_busy, *_) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    except sqlite3.Error as error:
        raise StoreUnavailable(f"the write-ahead log cannot be folded: {error}") from error
    if is_busy:
        raise StoreUnavailable("the write-ahead log is in use")


@contextmanager
def _transaction(connection: sqlite3.Connection, *, writes: bool) -> Iterator[None]:
    """Readers need none: each of their statements sees a snapshot of its own."""
    if not writes:
        yield
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # SQLite has rolled back by itself after some errors, a full disk among them.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _tell(loop: asyncio.AbstractEventLoop, outcomes: list[_Outcome]) -> None:
    """Answer a whole group with one wake-up of the event loop."""
    if outcomes and not loop.is_closed():
        loop.call_soon_threadsafe(_resolve, outcomes)


def _resolve(outcomes: list[_Outcome]) -> None:
    for outcome in outcomes:
        if outcome.of.done():
            continue
        if outcome.error is not None:
            outcome.of.set_exception(outcome.error)
        else:
            outcome.of.set_result(outcome.result)


async def _in_time(future: asyncio.Future[T], limit_s: float) -> T:
    try:
        async with asyncio.timeout(limit_s):
            return await future
    except TimeoutError:
        raise StoreUnavailable(f"the disk of the store did not answer within {limit_s:g} s") from None
