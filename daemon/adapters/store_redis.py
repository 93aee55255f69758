"""The store that a fleet shares: entries, budget counters and records in one Redis or Redis Cluster."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

import orjson

from ..exchange import EVERYTHING, CacheEntry, JsonObject, Selection
from ..ports.caching import StoreStats, VectorRow
from ..ports.clock import Clock
from ..ports.cost import CounterState, Hold
from ..sealing import EntrySeal
from .entry_worth import HALVED_EVERY_S, worth_when_made
from .redis_link import Patience, RedisLink, Script

SETTLED_REMEMBERED_S = 900
"""How long a second settlement of a lease does nothing: longer than anybody retries one."""
COUNTER_GRACE_S = 86_400
"""A counter outlives its window, since calls that began in it settle later."""
SLICE_ENTRIES = 500
"""Entries that one script looks at: some 5 ms, in which Redis answers nobody else."""

Argument = str | bytes | int | float


class RedisStore:
    """A Store on a Redis that other nodes use as well.

    All entries are in one slot of a Cluster, all counters in another: a script must see them together.
    Redis has to keep what it is given (`noeviction`, or `volatile-ttl` for the cache alone), and is as
    durable as it is configured to be: `put` returns when Redis has the entry. With a `seal` texts rest sealed, and
    what rests unsealed is not returned.
    """

    def __init__(
        self,
        url: str,
        clock: Clock,
        namespace: str = "helix",
        patience: Patience | None = None,
        seal: EntrySeal | None = None,
    ) -> None:
        self._clock = clock
        self._seal = seal
        self._link = RedisLink(url, clock, patience or Patience())
        self._entries = Script.load("store_redis_entries.lua", f"{namespace}:{{c}}:")
        self._counters = Script.load("store_redis_counters.lua", f"{namespace}:{{b}}:")
        self._epoch_key = f"{self._entries.prefix}epoch"
        self._records = Script.load("store_redis_records.lua", f"{namespace}:{{r}}:")

    async def open(self) -> None:
        """As the port says. After StoreUnavailable the store is open all the same: it works once Redis does."""
        self._link.open()
        await self.ping()

    async def ping(self) -> None:
        await self._link.ask(lambda client: client.ping())

    async def sweep(self) -> None:
        """Nothing of ours: what a Redis writes to its disk is its owner's."""

    async def aclose(self) -> None:
        await self._link.aclose()

    async def epoch(self) -> str:
        """As the port says; a Redis that lost its data gets a new one."""
        name = await self._link.ask(lambda client: client.get(self._epoch_key))
        if name is None:
            # Another node may be quicker: then its name stands.
            await self._link.ask(lambda client: client.set(self._epoch_key, secrets.token_hex(16), nx=True))
            name = await self._link.ask(lambda client: client.get(self._epoch_key))
        return _text(name or b"")

    async def get(self, key: bytes) -> CacheEntry | None:
        found = await self._on_entries("get", key)
        return None if found is None else await self._live_entry(*found)

    async def get_by_ids(self, ids: Sequence[int]) -> dict[int, CacheEntry]:
        found: list[list[Any]] = []
        for start in range(0, len(ids), SLICE_ENTRIES):
            found += await self._on_entries("get_by_ids", *map(_padded, ids[start : start + SLICE_ENTRIES]))
        entries = [await self._live_entry(*row) for row in found]
        return {entry.id: entry for entry in entries if entry is not None}

    async def put(self, entry: CacheEntry) -> int:
        ttl_ms = max(1, round((entry.expires_at - self._now()) * 1000))
        resting = entry if self._seal is None else self._seal.closed(entry)
        return int(
            await self._on_entries(
                "put",
                entry.key,
                entry.expires_at,
                ttl_ms,
                worth_when_made(entry.cost_nanos, entry.created_at),
                len(resting.answer),
                *_fields_of(resting),
            )
        )

    async def vectors_after(self, entry_id: int, limit: int) -> list[VectorRow]:
        rows: list[VectorRow] = []
        while len(rows) < limit:
            page_size = min(limit - len(rows), SLICE_ENTRIES)
            page = await self._on_entries("vectors_after", entry_id, page_size)
            if not page:
                break
            entry_id = int(page[-1][0])
            rows += [
                VectorRow(int(row_id), partition, self._opened_vector(partition, vector), float(expires_at))
                for row_id, (partition, vector, expires_at) in page
                if vector is not None and float(expires_at) > self._now()
            ]
        return rows

    async def entries_after(self, entry_id: int, limit: int) -> list[CacheEntry]:
        while ids := await self._on_entries("ids_after", entry_id, min(limit, SLICE_ENTRIES)):
            entries = await self.get_by_ids(list(map(int, ids)))
            if entries:
                return [entries[one] for one in sorted(entries)]
            entry_id = int(ids[-1])
        return []

    async def touch(self, hits: Mapping[int, int]) -> None:
        counted: list[Argument] = []
        for entry_id, count in hits.items():
            counted += (_padded(entry_id), count)
        for start in range(0, len(counted), 2 * SLICE_ENTRIES):
            await self._on_entries("touch", HALVED_EVERY_S, *counted[start : start + 2 * SLICE_ENTRIES])

    async def clear(self, selection: Selection = EVERYTHING) -> int:
        """As the port says; the count leaves out those that had expired.

        Done in slices: entries put meanwhile may stay, and one that fails halfway has removed some.
        """
        if selection.is_everything:
            await self._link.ask(lambda client: client.set(self._epoch_key, secrets.token_hex(16)))
        if selection.id is not None:
            return int((await self._on_entries("clear", selection.id - 1, 1, *_wanted(selection)))[1])
        removed, last_id = 0, b"0"
        while last_id is not None:
            last_id, count = await self._on_entries("clear", last_id, SLICE_ENTRIES, *_wanted(selection))
            removed += count
        return removed

    async def evict(self, max_entries: int) -> list[int]:
        gone: list[int] = []
        while ids := await self._on_entries("evict", max_entries, SLICE_ENTRIES):
            gone += map(int, ids)
        return gone

    async def stats(self) -> StoreStats:
        """Live entries; the bytes of the answers, those that have expired included until they are evicted."""
        return StoreStats(*await self._on_entries("stats"))

    async def reserve(self, lease: str, holds: Sequence[Hold], lease_s: float) -> int | None:
        """As the port says. A lease that is held already stays as it is, and counts as held."""
        arguments: list[Argument] = []
        for hold in holds:
            arguments += (hold.counter, hold.amount_nanos, hold.limit_nanos, len(hold.beside), *hold.beside)
        refused = await self._on_counters("reserve", lease, self._now() + lease_s, *arguments)
        return None if refused is None else int(refused)

    async def renew(self, lease: str, lease_s: float) -> None:
        await self._on_counters("renew", lease, self._now() + lease_s)

    async def settle(self, lease: str, holds: Sequence[Hold], spent_nanos: int) -> None:
        remember_ms = SETTLED_REMEMBERED_S * 1000
        await self._on_counters("settle", lease, spent_nanos, remember_ms, *{hold.counter for hold in holds})

    async def counters(self, names: Sequence[str]) -> list[CounterState | None]:
        states = await self._on_counters("states", *names)
        return [
            None if settled is None else CounterState(int(settled), int(reserved), int(aside or 0))
            for settled, reserved, aside in states
        ]

    async def seed(self, counter: str, settled_nanos: int, resets_at: float | None) -> bool:
        made = await self._on_counters("seed", counter, settled_nanos, self._ttl_ms(resets_at))
        return bool(made)

    async def settled_at_least(self, counter: str, settled_nanos: int) -> None:
        await self._on_counters("settled_at_least", counter, settled_nanos)

    async def forget(self, counters: Sequence[str]) -> None:
        await self._on_counters("forget", *counters)

    async def records(self, kind: str) -> dict[str, JsonObject]:
        found = await self._link.ask(lambda client: client.hgetall(self._records.prefix + kind))
        return {_text(name): orjson.loads(record) for name, record in found.items()}

    async def put_record(self, kind: str, name: str, record: JsonObject) -> None:
        key, value = self._records.prefix + kind, orjson.dumps(record)
        await self._link.ask(lambda client: client.hset(key, name, value))

    async def replace_record(self, kind: str, name: str, record: JsonObject, *, instead_of: JsonObject | None) -> bool:
        expected = b"" if instead_of is None else b"=" + orjson.dumps(instead_of)
        return bool(await self._link.run(self._records, "replace", kind, name, orjson.dumps(record), expected))

    async def remove_record(self, kind: str, name: str) -> bool:
        removed = await self._link.ask(lambda client: client.hdel(self._records.prefix + kind, name))
        return removed == 1

    async def _on_entries(self, command: str, *arguments: Argument) -> Any:
        return await self._link.run(self._entries, command, self._now(), *arguments)

    async def _on_counters(self, command: str, *arguments: Argument) -> Any:
        return await self._link.run(self._counters, command, self._now(), *arguments)

    def _now(self) -> float:
        return self._clock.now().timestamp()

    def _ttl_ms(self, resets_at: float | None) -> int | str:
        """Until the counter may go; relative, so that only this clock counts. Empty: it stays."""
        if resets_at is None:
            return ""
        return round((max(resets_at - self._now(), 0) + COUNTER_GRACE_S) * 1000)

    async def _live_entry(self, entry_id: bytes, flat: list[bytes]) -> CacheEntry | None:
        if not flat:  # it ended by itself, and was not evicted yet
            return None
        entry = _entry_of(int(entry_id), dict(zip(flat[::2], flat[1::2], strict=True)))
        return await self._opened(entry) if entry.expires_at > self._now() else None

    async def _opened(self, resting: CacheEntry) -> CacheEntry | None:
        """An entry as it was put."""
        return resting if self._seal is None else await self._seal.opened_anew(resting, self._replace_texts)

    async def _replace_texts(self, resting: CacheEntry) -> None:
        await self._on_entries("replace_texts", _padded(resting.id), resting.key, *_fields_of(resting))

    def _opened_vector(self, partition: bytes, vector: bytes) -> bytes:
        return vector if self._seal is None else self._seal.opened_vector(partition, vector)


def _text(value: bytes | str) -> str:
    """The client's types allow for decoded replies; here they are bytes."""
    return value.decode() if isinstance(value, bytes) else value


def _padded(entry_id: int) -> str:
    return f"{entry_id:016d}"


def _wanted(selection: Selection) -> list[Argument]:
    """A selection as the script reads it: names and values in turn."""
    wanted = {item.name: getattr(selection, item.name) for item in fields(selection)}
    return [part for name, value in wanted.items() if value is not None for part in (name, value)]


def _fields_of(entry: CacheEntry) -> list[Argument]:
    """Names and values in turn; what is None is left out, and the id is the store's to give."""
    flat: list[Argument] = []
    for name in (item.name for item in fields(entry)):
        value = getattr(entry, name)
        if name != "id" and value is not None:
            flat += (name, ",".join(value) if name == "tags" else value)
    return flat


def _entry_of(entry_id: int, values: dict[bytes, bytes]) -> CacheEntry:
    return CacheEntry(
        key=values[b"key"],
        partition=values[b"partition"],
        scope=values[b"scope"].decode(),
        dialect=values[b"dialect"].decode(),  # type: ignore[arg-type]
        model=values[b"model"].decode(),
        question=values[b"question"].decode(),
        answer=values[b"answer"],
        vector=values.get(b"vector"),
        cost_nanos=int(values[b"cost_nanos"]),
        input_tokens=int(values[b"input_tokens"]),
        output_tokens=int(values[b"output_tokens"]),
        made_in_ms=int(values[b"made_in_ms"]),
        created_at=float(values[b"created_at"]),
        expires_at=float(values[b"expires_at"]),
        id=entry_id,
        user=values.get(b"user", b"").decode(),
        namespace=values.get(b"namespace", b"").decode(),
        tags=tuple(filter(None, values.get(b"tags", b"").decode().split(","))),
    )
