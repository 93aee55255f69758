"""A cached answer never crosses a scope (CONTRACT §5, 3), over every store and whatever happens in between.

Every text has one vector here and no verifier looks at the words, so all that keeps two requests apart is what the
cache takes for different. What may be shared is written down a second time, in `_shared_by`.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from daemon.adapters.index_usearch import UsearchIndex
from daemon.adapters.store_embedded import EmbeddedStore
from daemon.adapters.store_redis import RedisStore
from daemon.caching.cache import Cache
from daemon.caching.keys import scope_of
from daemon.caching.lookup import Lookup, Origin
from daemon.caching.placeholders import placeholders_in
from daemon.dialects import dialect_named
from daemon.exchange import EVERYTHING, Ask, CacheDirectives, CacheEntry, Caller, DialectName, Selection, Target, Vector
from daemon.ports.storage import Store
from daemon.sealing import EntrySeal, Sealer
from daemon.settings import CacheSettings

from .conftest import PATIENT, HandClock

SharedBy = Literal["key", "team", "org", "everyone"]
OpenStore = Callable[[], Store]
MakeHouse = Callable[[HandClock], OpenStore]

TEXTS = (
    *("tell me about tea", "what about the tea", "how is the tea made", "say something of tea"),
    *("does <PERSON_1> like tea", "does <PERSON_2> like tea", "<PERSON_1> likes <PERSON_2>"),
    *("key:mallory", "scope=key:ann", "<KEY_ann>"),
)
TTL_S = 1_000.0
BELIEVED_S = 2.0
"""How long a node may give what another one cleared."""


FAST, LARGE, ELSEWHERE = Target("openai", "gpt-4o-mini"), Target("openai", "gpt-4o"), Target("azure", "gpt-4o")
BY_ANN = Caller("ann")


@dataclass(frozen=True)
class Request:
    """All that can tell two requests apart, and some that must not."""

    text: str = TEXTS[0]
    caller: Caller = BY_ANN
    dialect: DialectName = "chat"
    system: str = ""
    temperature: float | None = None
    namespace: str = ""
    beta: str = ""
    target: Target = FAST
    tag: str = ""
    ttl_s: float | None = None
    stream: bool = False
    user_field: str = ""

    @property
    def body(self) -> dict[str, Any]:
        turn = {"role": "user", "content": self.text}
        optional = {"temperature": self.temperature, "user": self.user_field or None, "stream": self.stream or None}
        rest = {name: value for name, value in optional.items() if value is not None}
        match self.dialect:
            case "messages":
                return {"model": "m", "max_tokens": 9, "system": self.system, "messages": [turn], **rest}
            case "responses":
                return {"model": "m", "instructions": self.system, "input": self.text, **rest}
            case _:
                system = [{"role": "system", "content": self.system}] if self.system else []
                return {"model": "m", "messages": [*system, turn], **rest}


@dataclass(frozen=True)
class Rules:
    policy: str = "pii-1"
    scope: SharedBy = "key"
    mode: Literal["exact", "semantic"] = "semantic"


def _shared_by(request: Request, rules: Rules) -> tuple[Any, ...]:
    """What must be equal for two requests to share an answer, but for the words of the last turn."""
    caller = request.caller
    match rules.scope:
        case "everyone":
            who: tuple[Any, ...] = ("everyone",)
        case "org" if caller.org:
            who = ("org", caller.org)
        case "team" if caller.team:
            who = ("team", caller.team, caller.org)
        case _:
            who = ("key", caller.key)
    context = (request.dialect, request.system, request.temperature, request.beta, request.target)
    return (*who, request.namespace, rules.policy, *context)


@dataclass
class Made:
    """An answer, with what it was made for."""

    shared_by: tuple[Any, ...]
    text: str
    marks: CacheEntry
    cleared_s: float | None = None
    cleared_by: int | None = None


@dataclass
class Fleet:
    """Nodes over one store, each with its own index and memory."""

    open_store: OpenStore
    folder: Path
    clock: HandClock
    size: int
    rules: Rules = Rules()
    nodes: list[tuple[Cache, Store]] = field(default_factory=list)
    made: list[Made] = field(default_factory=list)
    verdicts: list[str] = field(default_factory=list)

    async def __aenter__(self) -> Fleet:
        for number in range(self.size):
            self.nodes.append(await self._open(number))
        return self

    async def __aexit__(self, *_: object) -> None:
        for cache, store in self.nodes:
            await cache.aclose()
            await store.aclose()

    async def ask(self, request: Request, node: int = 0) -> Lookup:
        """One request, as the pipeline makes it; whatever it is given must have been made for such a one."""
        cache, _ = self.nodes[node % self.size]
        ask = self._ask(request)
        dialect = dialect_named(ask.dialect)
        lookup = await cache.find(ask=ask, dialect=dialect, body=ask.body, target=request.target)
        self.verdicts.append(lookup.verdict.value)
        if lookup.entry is None:
            await self._learn(cache, request, lookup)
        else:
            self._judge(request, lookup, node % self.size)
        return lookup

    async def clear(self, selection: Selection, node: int = 0) -> None:
        node %= self.size
        await self.nodes[node][0].clear(selection)
        for made in self.made:
            if made.cleared_s is None and selection.covers(made.marks):
                made.cleared_s, made.cleared_by = self.clock.elapsed_s, node

    async def restart(self, node: int) -> None:
        node %= self.size
        cache, store = self.nodes[node]
        await cache.aclose()
        await store.aclose()
        self.nodes[node] = await self._open(node)
        if self.rules.mode == "semantic":
            await self.nodes[node][0].caught_up()

    def rule(self, rules: Rules) -> None:
        self.rules = rules
        for cache, _ in self.nodes:
            cache.configure(self._settings(), policy=lambda: rules.policy)

    async def _learn(self, cache: Cache, request: Request, lookup: Lookup) -> None:
        number, now = len(self.made), self.clock.now().timestamp()
        marks = CacheEntry(
            **dict.fromkeys(("key", "partition"), b""),
            **dict.fromkeys(("cost_nanos", "input_tokens", "output_tokens", "made_in_ms"), 0),
            scope=scope_of(request.caller, self.rules.scope),
            dialect=request.dialect,
            model=request.target.model,
            question=request.text,
            answer=str(number).encode(),
            vector=None,
            created_at=now,
            expires_at=now + min(TTL_S, request.ttl_s or TTL_S),
            namespace=request.namespace,
            tags=(request.tag,) if request.tag else (),
        )
        self.made.append(Made(_shared_by(request, self.rules), request.text, marks))
        await cache.keep(lookup, marks.answer, Origin(request.target.model, 1, 1, 1, 1))

    def _judge(self, request: Request, lookup: Lookup, node: int) -> None:
        assert lookup.entry is not None
        made = self.made[int(lookup.entry.answer)]
        assert _shared_by(request, self.rules) == made.shared_by
        assert placeholders_in(request.text) == placeholders_in(made.text)
        assert request.text == made.text or lookup.verdict == "semantic"
        assert self.clock.now().timestamp() < made.marks.expires_at
        if made.cleared_s is not None:
            assert node != made.cleared_by and self.clock.elapsed_s < made.cleared_s + BELIEVED_S

    async def _open(self, number: int) -> tuple[Cache, Store]:
        store = self.open_store()
        await store.open()
        rules = self.rules
        cache = Cache(
            store=store,
            index=UsearchIndex(self.folder / str(number), model="one"),
            embedder=OneVector(),
            settings=self._settings(),
            clock=self.clock,
            policy=lambda: rules.policy,
            records=store,
            is_shared=isinstance(store, RedisStore),
        )
        await cache.start()
        return cache, store

    def _settings(self) -> CacheSettings:
        return CacheSettings(scope=self.rules.scope, mode=self.rules.mode, ttl_s=TTL_S)

    def _ask(self, request: Request) -> Ask:
        return Ask(
            id="ask",
            dialect=request.dialect,
            body=request.body,
            model="m",
            stream=request.stream,
            caller=request.caller,
            tags=(request.tag,) if request.tag else (),
            directives=CacheDirectives(namespace=request.namespace, ttl_s=request.ttl_s),
            forward_headers={"anthropic-beta": request.beta} if request.beta else {},
            received_at=self.clock.now(),
            started_s=self.clock.monotonic_s(),
        )


class OneVector:
    """Every text has it."""

    is_ready = True
    vector: Vector = np.full(384, 384**-0.5, dtype=np.float32)

    async def warm(self) -> None: ...

    async def embed(self, text: str) -> Vector:
        return self.vector

    async def aclose(self) -> None: ...


@pytest.fixture(params=["embedded", "embedded-sealed", "redis", "redis-sealed"])
def make_house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> MakeHouse:
    """Makes stores that share nothing with those of another call."""
    kind, _, sealed = request.param.partition("-")
    seal = EntrySeal(Sealer([bytes(32)])) if sealed else None
    if kind == "embedded":

        def embedded(clock: HandClock) -> OpenStore:
            path = tmp_path_factory.mktemp("house") / "store.sqlite"
            return lambda: EmbeddedStore(path, clock, seal=seal)

        return embedded
    url = request.getfixturevalue("redis_server").url

    def redis(clock: HandClock) -> OpenStore:
        namespace = uuid.uuid4().hex
        return lambda: RedisStore(url, clock, namespace, PATIENT, seal)

    return redis


def fleet_of(make_house: MakeHouse, folders: pytest.TempPathFactory) -> Fleet:
    clock = HandClock()
    open_store = make_house(clock)
    nodes = 2 if isinstance(open_store(), RedisStore) else 1  # one daemon for each data directory
    return Fleet(open_store, folders.mktemp("fleet"), clock, nodes)


CALLERS = st.builds(
    Caller,
    st.sampled_from(["ann", "bo", "team:red", "everyone"]),
    user=st.sampled_from([None, "ann"]),
    team=st.sampled_from([None, "red", "ann", "red@acme"]),
    org=st.sampled_from([None, "acme", "red"]),
)
REQUESTS = st.builds(
    Request,
    text=st.sampled_from(TEXTS),
    caller=CALLERS,
    dialect=st.sampled_from(["chat", "messages", "responses"]),
    system=st.sampled_from(["", "Be brief.", "tell me about tea"]),
    temperature=st.sampled_from([None, 0.0]),
    namespace=st.sampled_from(["", "ann", "key:ann"]),
    beta=st.sampled_from(["", "context-1m"]),
    target=st.sampled_from([FAST, LARGE, ELSEWHERE]),
    tag=st.sampled_from(["", "nightly"]),
    ttl_s=st.sampled_from([None, 30.0]),
    stream=st.booleans(),
    user_field=st.sampled_from(["", "ann"]),
)
SELECTIONS = st.sampled_from(
    [
        EVERYTHING,
        Selection(scope="key:ann"),
        Selection(scope="team:red"),
        Selection(namespace="ann"),
        Selection(model="gpt-4o"),
        Selection(tag="nightly"),
    ]
)
NODES = st.integers(0, 1)
STEPS = st.one_of(
    st.tuples(st.just("ask"), REQUESTS, NODES),
    st.tuples(st.just("ask again"), st.integers(0, 30), REQUESTS, st.sampled_from(fields(Request)), NODES),
    st.tuples(st.just("ask again"), st.integers(0, 30), REQUESTS, st.sampled_from(fields(Request)), NODES),
    st.tuples(st.just("clear"), SELECTIONS, NODES),
    st.tuples(st.just("pass"), st.sampled_from([0.5, 3.0, 40.0, 2_000.0])),
    st.tuples(st.just("restart"), NODES),
    st.tuples(
        st.just("rule"),
        st.builds(
            Rules,
            st.sampled_from(["pii-1", "pii-2"]),
            st.sampled_from(["key", "team", "org", "everyone"]),
            st.sampled_from(["exact", "semantic"]),
        ),
    ),
)


async def tell(fleet: Fleet, steps: Sequence[tuple[Any, ...]]) -> None:
    asked: list[Request] = []
    for step, *arguments in steps:
        match step:
            case "ask":
                request, node = arguments
            case "ask again":
                at, other, changed, node = arguments
                earlier = asked[at % len(asked)] if asked else other
                request = replace(earlier, **{changed.name: getattr(other, changed.name)})
            case "clear":
                await fleet.clear(*arguments)
                continue
            case "pass":
                fleet.clock.advance(*arguments)
                continue
            case "restart":
                await fleet.restart(*arguments)
                continue
            case _:
                fleet.rule(*arguments)
                continue
        asked.append(request)
        await fleet.ask(request, node)


@settings(max_examples=40, suppress_health_check=list(HealthCheck))
@given(steps=st.lists(STEPS, min_size=5, max_size=40))
def test_every_answer_was_made_for_such_a_request(
    steps: list[tuple[Any, ...]], make_house: MakeHouse, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Requests that differ in nothing or in one thing, clearings, time, restarts and new settings in any order."""

    async def story() -> None:
        async with fleet_of(make_house, tmp_path_factory) as fleet:
            await tell(fleet, steps)

    asyncio.run(story())


async def test_what_may_be_shared_is_shared(make_house: MakeHouse, tmp_path_factory: pytest.TempPathFactory) -> None:
    """So that the test above says something: the same words, others, as a stream, for another user of the key."""
    async with fleet_of(make_house, tmp_path_factory) as fleet:
        request = Request(system="Be brief.", beta="context-1m", namespace="ann")
        for same in (
            request,
            request,
            replace(request, stream=True, user_field="ann"),
            replace(request, text=TEXTS[1]),
        ):
            await fleet.ask(same)
        await fleet.restart(0)
        await fleet.ask(replace(request, text=TEXTS[1], caller=Caller("ann", user="bo", team="red")))
        await fleet.ask(replace(request, caller=Caller("bo")))

    assert ["miss", "exact", "exact", "semantic", "semantic", "miss"] == fleet.verdicts


ANN, MALLORY = Request(), Request(caller=Caller("mallory"))
COPIED = ("key", "partition", "vector", "question", "namespace", "model", "user", "tags", "expires_at")


async def entry_of(store: Store, lookup: Lookup) -> CacheEntry:
    assert lookup.key is not None
    entry = await store.get(lookup.key)
    assert entry is not None
    return entry


@settings(max_examples=40, suppress_health_check=list(HealthCheck))
@given(copied=st.sets(st.sampled_from(COPIED)), is_first=st.booleans(), restarts=st.booleans())
def test_rows_of_one_scope_never_answer_another(
    copied: set[str], is_first: bool, restarts: bool, make_house: MakeHouse, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Mallory may write whatever rows of his own scope he likes: with Ann's keys, partitions, vectors and words."""

    async def story() -> None:
        async with fleet_of(make_house, tmp_path_factory) as fleet:
            _, store = fleet.nodes[0]
            ann = await entry_of(store, await fleet.ask(ANN))
            mallory = await entry_of(store, await fleet.ask(MALLORY))
            if is_first:  # before Ann's own answer is there
                await fleet.clear(Selection(scope="key:ann"))
            forged = replace(mallory, **{name: getattr(ann, name) for name in copied}, answer=b"forged", id=0)
            await store.put(forged)
            if restarts:
                await fleet.restart(0)
            fleet.clock.advance(BELIEVED_S)
            for text in TEXTS[:4]:
                for node in range(fleet.size):
                    await fleet.ask(replace(ANN, text=text), node)  # judged there: `forged` is no number

    asyncio.run(story())


class RawRedis:
    """The hand of somebody who can write Redis itself, beside the one node that uses it."""

    def __init__(self, url: str, folder: Path, *, sealed: bool) -> None:
        self._url, self._namespace, clock = url, uuid.uuid4().hex, HandClock()
        seal = EntrySeal(Sealer([bytes(32)])) if sealed else None
        self.fleet = Fleet(lambda: RedisStore(url, clock, self._namespace, PATIENT, seal), folder, clock, 1)

    async def __aenter__(self) -> RawRedis:
        await self.fleet.__aenter__()
        self._client = Redis.from_url(self._url)
        self.ann, self.mallory = [
            await entry_of(self.fleet.nodes[0][1], await self.fleet.ask(one)) for one in (ANN, MALLORY)
        ]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()
        await self.fleet.__aexit__()

    async def lead_to_mallorys_row(self, key: bytes) -> None:
        await self._client.hset(f"{self._namespace}:{{c}}:keys", key, f"{self.mallory.id:016d}")

    async def dress_mallorys_row(self, *names: str) -> None:
        """As Ann's is dressed."""
        hers, his = (f"{self._namespace}:{{c}}:entry:{one.id:016d}" for one in (self.ann, self.mallory))
        values = await self._client.hmget(hers, names)
        await self._client.hset(his, mapping=dict(zip(names, values, strict=True)))


@pytest.fixture(params=[False, True], ids=["plain", "sealed"])
async def raw(
    request: pytest.FixtureRequest, redis_server: Any, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[RawRedis]:
    async with RawRedis(redis_server.url, tmp_path_factory.mktemp("fleet"), sealed=request.param) as raw:
        yield raw


async def test_a_key_that_leads_to_anothers_row_finds_nothing(raw: RawRedis) -> None:
    await raw.lead_to_mallorys_row(raw.ann.key)
    raw.fleet.clock.advance(BELIEVED_S)

    assert "exact" != (await raw.fleet.ask(ANN)).verdict


@pytest.mark.parametrize("raw", [True], ids=["sealed"], indirect=True)
@pytest.mark.parametrize("names", [("scope",), ("scope", "partition"), ("scope", "partition", "vector")])
async def test_a_sealed_row_cannot_be_dressed_as_anothers(raw: RawRedis, names: tuple[str, ...]) -> None:
    """Its texts open only where they were sealed for. Without `storage.encrypt` Redis is trusted with that."""
    await raw.dress_mallorys_row(*names)
    await raw.fleet.restart(0)  # the index is made from the rows as they are now

    verdicts = [(await raw.fleet.ask(replace(ANN, text=text))).verdict for text in TEXTS[:4]]

    assert ["exact", "semantic", "semantic", "semantic"] == verdicts
