"""Nothing that was found leaves as it was: unique values in every text, every sink searched (CONTRACT §5, 1 and 2)."""

import asyncio
import itertools
import json
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pytest
import pytest_asyncio
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.daemon_process import Daemon, anthropic_settings, openai_settings
from tests.upstream import Asked, Reply, ToolCall, Upstream

pytestmark = pytest.mark.asyncio(loop_scope="module")

PII = """
[pii]
entities = { EMPLOYEE_ID = "block" }

[[pii.recognizers]]
name = "EMPLOYEE_ID"
regex = '\\bEMP-\\d{6}\\b'

[[pii.recognizers]]
name = "NOTE"
regex = '\\[\\[[^\\]]+\\]\\]'
"""

OFF = {"x-helix-cache": "off"}
AFRESH = {"x-helix-cache": "refresh"}
ONLY_EMPTY = {"x-helix-cache": "only", "x-helix-cache-namespace": "empty"}


@dataclass
class Canaries:
    """Makes texts with values that are found, no two alike, and remembers them."""

    values: list[str] = field(default_factory=list)

    def text(self) -> str:
        """A sentence with one new value of each kind."""
        number = 4711 + 37 * len(self.values)
        first, last = divmod(number, 10_000)
        email, phone = f"canary.{number}@corp{number}.example.com", f"+1 415 {200 + first} {last:04d}"
        card, iban = _with_luhn(f"4532015{number:08d}"), _german_iban(370400440532000000 + number)
        ssn, key = f"536-{10 + first}-{last:04d}", f"sk-proj-{number}Zx9QpL7vNw3RtYb6HcKd2MfJ8sGaUe4T"
        ip = f"8.{number // 250 % 250}.{number % 250}.77"
        self.values += [email, phone, card, iban, ssn, key, ip]
        return f"Mail {email}, call {phone}; card {card}, IBAN {iban}, SSN {ssn}, key {key}, seen at {ip}."

    def email(self) -> str:
        """One address alone: a question that near look-ups may answer."""
        self.values.append(f"lone.canary.{len(self.values)}@example.net")
        return self.values[-1]

    def blocked(self) -> str:
        self.values.append(f"EMP-{100_000 + len(self.values)}")
        return self.values[-1]

    def found_in(self, text: str) -> list[str]:
        """The values that stand there, in whatever way JSON may have escaped them."""
        plain = text.replace("\\/", "/").replace("\\u0040", "@").replace("\\u002b", "+")
        return [value for value in self.values if value in plain]


def _with_luhn(digits: str) -> str:
    doubled = [2 * int(digit) if place % 2 == 0 else int(digit) for place, digit in enumerate(reversed(digits))]
    return digits + str(-sum(number - 9 if number > 9 else number for number in doubled) % 10)


def _german_iban(account: int) -> str:
    return f"DE{98 - int(f'{account:018d}131400') % 97:02d}{account:018d}"


def chat_body(plant: Canaries) -> dict[str, Any]:
    """A chat completion with a text in every field that holds one."""
    schema = {
        "type": "object",
        "title": plant.text(),
        "description": plant.text(),
        "properties": {
            "to": {"type": "string", "description": plant.text(), "default": plant.text(), "examples": [plant.text()]}
        },
    }
    function = {"name": "send", "description": plant.text(), "parameters": schema}
    arguments = json.dumps({"to": plant.text(), "deep": [{"note": plant.text()}], plant.email(): 1})
    call = {"id": "call_1", "type": "function", "function": {"name": "send", "arguments": arguments}}
    rows = json.dumps({"rows": [plant.text()], "n": [plant.text()]})
    as_object = {"id": "call_2", "type": "function", "function": {"name": "send", "arguments": {"to": plant.text()}}}
    custom = {"id": "call_3", "type": "custom", "custom": {"name": "note", "input": plant.text()}}
    return {
        "model": "gpt-4o-mini",
        "messages": [
            {"role": "system", "content": plant.text(), "name": plant.email()},
            {"role": "developer", "content": [{"type": "text", "text": plant.text()}]},
            {"role": "user", "content": plant.text(), "name": plant.email()},
            {"role": "assistant", "content": plant.text(), "refusal": plant.text(), "reasoning_content": plant.text()},
            {"role": "assistant", "content": None, "tool_calls": [call, as_object, custom]},
            {"role": "tool", "tool_call_id": "call_1", "content": plant.text()},
            {"role": "tool", "tool_call_id": "call_2", "content": [{"type": "text", "text": plant.text()}]},
            {
                "role": "tool",
                "tool_call_id": "call_3",
                "content": rows,
            },
            {"role": "assistant", "content": None, "function_call": {"name": "send", "arguments": arguments}},
            {"role": "function", "name": "send", "content": plant.text()},
            {
                "role": "user",
                "content": [{"type": "text", "text": plant.text()}, {"type": "new", "words": plant.text()}],
            },
        ],
        "tools": [
            {"type": "function", "function": function},
            {"type": "custom", "custom": {"name": "note", "description": plant.text()}},
        ],
        "functions": [function],
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "answer", "description": plant.text(), "schema": {"description": plant.text()}},
        },
        "prediction": {"type": "content", "content": plant.text()},
        "stop": [plant.email()],
        "user": plant.email(),
        "safety_identifier": plant.email(),
        "metadata": {"note": plant.text(), "tags": ["fine", plant.email()], plant.email(): "as a name"},
        "field_of_tomorrow": {"nested": [plant.text()]},
    }


def messages_body(plant: Canaries) -> dict[str, Any]:
    """The same for messages."""
    schema = {"type": "object", "properties": {"to": {"type": "string", "description": plant.text()}}}
    result = [{"type": "text", "text": plant.text()}]
    document = {"type": "text", "media_type": "text/plain", "data": plant.text()}
    return {
        "model": "claude-haiku-4-5",
        "max_tokens": 100,
        "system": [{"type": "text", "text": plant.text(), "cache_control": {"type": "ephemeral"}}],
        "messages": [
            {"role": "user", "content": plant.text()},
            {
                "role": "assistant",
                "content": [
                    {"type": "thinking", "thinking": plant.text()},
                    {"type": "text", "text": plant.text()},
                    {
                        "type": "tool_use",
                        "id": "t1",
                        "name": "send",
                        "input": {"to": [plant.text()], "id": plant.email()},
                    },
                    {"type": "tool_use", "id": "t2", "name": "send", "input": {plant.email(): {"type": plant.email()}}},
                ],
            },
            {
                "role": "user",
                "content": [
                    {"type": "tool_result", "tool_use_id": "t1", "content": plant.text()},
                    {"type": "tool_result", "tool_use_id": "t2", "content": result},
                    {"type": "document", "source": document, "title": plant.text(), "context": plant.text()},
                    {"type": "search_result", "source": plant.email(), "title": plant.text(), "content": result},
                    {"type": "text", "text": plant.text()},
                ],
            },
        ],
        "tools": [{"name": "send", "description": plant.text(), "input_schema": schema}],
        "stop_sequences": [plant.email()],
        "metadata": {"user_id": plant.email()},
        "field_of_tomorrow": plant.text(),
    }


def quoting(asked: Asked) -> Reply:
    """An answer that repeats the whole hidden prompt, in a text and in a tool call's arguments."""
    prompt = json.dumps(asked.body["messages"])
    return Reply(text=f"You said: {prompt}", tool_calls=(ToolCall("send", json.dumps({"said": prompt})),))


def refusing(status: int):
    def refuse(asked: Asked) -> Reply:
        return Reply.error(status, f"cannot do {json.dumps(asked.body)}")

    return refuse


@dataclass
class House:
    """A daemon, its provider, and all that was planted into its requests."""

    daemon: Daemon
    upstream: Upstream
    canaries: Canaries

    def __post_init__(self) -> None:
        self._bodies = {
            "/v1/chat/completions": chat_body(self.canaries),
            "/v1/messages": messages_body(self.canaries),
        }

    def each_dialect(self, **more: Any) -> Iterator[tuple[str, dict[str, Any]]]:
        """Path and planted body of each protocol."""
        for path, body in self._bodies.items():
            yield path, body | more


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["embedded", "redis"])
async def house(request, tmp_path_factory) -> AsyncIterator[House]:
    url = "embedded" if request.param == "embedded" else request.getfixturevalue("redis_server").url
    async with AsyncExitStack() as stack:
        upstream = await stack.enter_async_context(Upstream(quoting))
        slow = openai_settings(upstream.openai_url, 'models = ["slow-*"]\ntimeout_s = 0.3')
        providers = [
            anthropic_settings(upstream.url, 'models = ["claude-*"]'),
            slow.replace('"openai"', '"slow"', 1),
            openai_settings(upstream.openai_url, 'models = ["gpt-*"]'),
        ]
        whole = "\n".join([f'[storage]\nurl = "{url}"', PII, *providers])
        daemon = await stack.enter_async_context(Daemon(tmp_path_factory.mktemp(request.param), whole))
        await daemon.until_ready("ok")
        yield House(daemon, upstream, Canaries())


async def ask_in_every_way(house: House) -> set[str | None]:
    """Misses, hits, streams, coalesced calls, near hits; the verdicts that came."""
    daemon, verdicts = house.daemon, set()
    for stream in (False, True):
        for path, body in house.each_dialect(stream=stream):
            for headers in ({}, {}, {"x-helix-cache": "refresh"}, {"x-helix-cache": "off"}):
                verdicts.add((await daemon.post(path, body, headers)).verdict)
            asking = [daemon.post(path, body, {"x-helix-cache-namespace": "crowd"}) for _ in range(3)]
            verdicts |= {answer.verdict for answer in await asyncio.gather(*asking)}
    house.upstream.next("Write to <EMAIL_ADDRESS_1> in plain words")
    near = ("How do I write an email to {}?", "how do I write an email to {}")
    for question in near:
        verdicts.add((await daemon.post_chat(question.format(house.canaries.email()))).verdict)
    await daemon.post_chat(house.canaries.text(), model="helix/echo")
    await daemon.post_chat(house.canaries.text(), model="helix/echo", stream=True)
    return verdicts


async def ask_in_vain(house: House) -> set[int]:
    """Requests that end badly; the statuses that came."""
    daemon, upstream, statuses = house.daemon, house.upstream, set()
    for stream in (False, True):
        for trouble in (
            *map(refusing, (400, 401, 429, 500, 503)),
            Reply(text="one two three four", cut_after=2),
            Reply(garbage=b"HTTP/1.1 700 no\r\n"),
            Reply(garbage=b""),
            Reply(body=b'{"broken": ', content_type="application/json"),
            Reply(body=b"data: {broken\n\n", content_type="text/event-stream"),
        ):
            for path, body in house.each_dialect(stream=stream):
                upstream.next(trouble)
                statuses.add((await daemon.post(path, body, AFRESH)).status)
        hold = asyncio.Event()
        upstream.next(Reply(hold=hold))
        statuses.add((await daemon.post_chat(house.canaries.text(), model="slow-1", stream=stream)).status)
        hold.set()
    return statuses


async def ask_wrongly(house: House) -> set[int]:
    """Requests that are refused before any provider is asked; the statuses that came."""
    daemon, plant, statuses = house.daemon, house.canaries, set()
    for path, good in house.each_dialect():
        for spoiled in (
            json.dumps(good).encode()[:-20],
            json.dumps([good]).encode(),
            good | {"messages": plant.text()},
            good | {"messages": [plant.text()]},
            good | {"messages": [{"role": "user", "content": 5, "name": plant.text()}]},
            good | {"messages": [{"role": "user", "content": [{"type": "text", "text": [plant.text()]}]}]},
            good | {"temperature": plant.text()},
            good | {"max_tokens": plant.text()},
            good | {"tools": plant.text()},
            good | {"stream": plant.text()},
            good | {"cache": plant.text()},
            good | {"model": f"no-such/{plant.email()}"},
            good | {"messages": [{"role": "user", "content": f"{plant.blocked()} and {plant.text()}"}]},
        ):
            statuses.add((await daemon.post(path, spoiled)).status)
        for headers in ({"x-helix-cache": plant.email()}, {"x-helix-cache-ttl": plant.email()}):
            statuses.add((await daemon.post(path, good, headers)).status)
        statuses.add((await daemon.post(path, good, ONLY_EMPTY)).status)
        statuses.add((await daemon.post(f"{path}?who={plant.email()}", good)).status)
        statuses.add((await daemon.post(f"/v1/nowhere/{plant.email()}", good)).status)
    return statuses


async def leave_early(house: House) -> None:
    """A caller that hangs up in the middle of a stream."""
    hold, before = asyncio.Event(), house.upstream.hung_up
    house.upstream.next(Reply("one two three", hold=hold, hold_after=2))
    asked = len(house.upstream.asked)
    path, body = next(house.each_dialect(stream=True))
    asking = asyncio.create_task(house.daemon.post(path, body, AFRESH))
    await house.upstream.until_asked(asked + 1)
    asking.cancel()
    await house.upstream.until_hung_up(before + 1)
    hold.set()


async def sinks(house: House) -> AsyncIterator[tuple[str, str]]:
    """Every place that something may have been written to, by name, the daemon running and then stopped."""
    daemon = house.daemon
    for command in (
        "logs --json --limit 1000",
        "spend --json --by user",
        "spend --json --by tag",
        "cache stats --json",
    ):
        yield command, "".join(map(str, await daemon.helix(*command.split())))
    why = await daemon.helix("cache", "why", f"How do I write an email to {house.canaries.email()}?", "--json")
    yield "cache why", "".join(map(str, why))
    for path in ("/metrics", "/health/ready", "/v1/models"):
        async with daemon.session.get(daemon.url + path) as answer:
            yield path, await answer.text()
    for sink in files_of(daemon):
        yield sink
    await daemon.stop()
    yield "stdout", (await daemon.process.stdout.read()).decode()
    yield "stderr", daemon.stderr
    for sink in (*files_of(daemon), *tables_of(daemon)):
        yield sink


def files_of(daemon: Daemon) -> Iterator[tuple[str, str]]:
    for path in daemon.data_dir.rglob("*"):
        if path.is_file():
            yield path.name, path.read_bytes().decode("latin-1")


def tables_of(daemon: Daemon) -> Iterator[tuple[str, str]]:
    """What databases may have compressed in their files."""
    with duckdb.connect(daemon.data_dir / "spend.duckdb", read_only=True) as spend:
        for (name,) in spend.execute("SELECT table_name FROM information_schema.tables").fetchall():
            yield f"duckdb {name}", repr(spend.execute(f'SELECT * FROM "{name}"').fetchall())
    store = daemon.data_dir / "store.sqlite"
    if store.exists():
        yield "sqlite", "\n".join(_dump(store))


def _dump(path: Path) -> Iterator[str]:
    with sqlite3.connect(path) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for (name,) in tables:
            for row in connection.execute(f'SELECT * FROM "{name}"'):
                yield repr(row)


def redis_sinks(url: str) -> Iterator[tuple[str, str]]:
    with redis.Redis.from_url(url) as client:
        read = {
            b"string": client.get,
            b"hash": client.hgetall,
            b"zset": lambda key: client.zrange(key, 0, -1, withscores=True),
            b"set": client.smembers,
            b"list": lambda key: client.lrange(key, 0, -1),
            b"stream": client.xrange,
        }
        for key in client.scan_iter():
            yield f"redis {key!r}", repr((key, read[client.type(key)](key)))


# What a model may make of a placeholder, and what only looks like one.
FRAGMENTS = st.sampled_from(
    [
        *("<NOTE_1>", "<note_1>", "&lt;NOTE_1&gt;", "<NOTE\\_1>", "\\u003cNOTE_1\\u003e", "<NOTE_2>", "<NOTE_11>"),
        *("<EMAIL_ADDRESS_1>", "<EMAIL ADDRESS 1>", "<", "<NOTE", "NOTE_1>", "<<", ">", "&lt;", "\\", "\\\\", '"', "{"),
        *("a < b", "\n", "é", "😀", "\u2028", "data: ", "[DONE]", " ", "word"),
    ]
)
ANSWERS = st.lists(FRAGMENTS, min_size=1, max_size=12).map("".join)
# Lone surrogates are no text that HTTP could carry.
NOTES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="[]<>"), min_size=1, max_size=12)


@given(answer=ANSWERS, note=NOTES, data=st.data())
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
async def test_a_streamed_answer_is_the_whole_answer(house, answer, note, data):
    """Whatever the values, whatever the model writes, wherever the stream is cut; arguments of tools included."""
    path, model = data.draw(st.sampled_from([("chat/completions", "gpt-4o-mini"), ("messages", "claude-haiku-4-5")]))
    question = {"role": "user", "content": f"Take [[{note}]] to ann@example.com"}
    path, body = f"/v1/{path}", {"model": model, "max_tokens": 500, "messages": [question]}
    house.upstream.next(answering(answer), answering(answer, data.draw(cuts_of(answer)), data.draw(CUTS)))
    whole = await house.daemon.post(path, body, OFF)
    streamed = await house.daemon.post(path, body | {"stream": True}, OFF)

    assert said_whole(whole.json) == said_streamed(streamed.body)
    assert "<NOTE_1>" not in whole.body.decode() and "<EMAIL_ADDRESS_1>" not in whole.body.decode()
    assert not house.upstream.saw("ann@example.com") and not house.upstream.saw(f"[[{note}]]")


CUTS = st.lists(st.integers(1, 4_000), max_size=40).map(lambda cuts: tuple(sorted(set(cuts))))


def cuts_of(text: str) -> st.SearchStrategy[tuple[str, ...]]:
    """The text as deltas, cut anywhere."""
    edges = st.lists(st.integers(0, len(text)), max_size=10).map(lambda cuts: [0, *sorted(cuts), len(text)])
    return edges.map(lambda cuts: tuple(text[start:end] for start, end in itertools.pairwise(cuts)))


def answering(text: str, pieces: tuple[str, ...] | None = None, cuts: tuple[int, ...] | None = None) -> Reply:
    call = ToolCall("send", json.dumps({"said": text, "deep": [text]}, ensure_ascii=False))
    return Reply(text=text, tool_calls=(call,), pieces=pieces, cuts=cuts)


def said_whole(answer: dict[str, Any]) -> tuple[str, Any]:
    """The text of an answer and its tool call's arguments."""
    if "choices" in answer:
        message = answer["choices"][0]["message"]
        return message["content"], json.loads(message["tool_calls"][0]["function"]["arguments"])
    return answer["content"][0]["text"], answer["content"][1]["input"]


def said_streamed(stream: bytes) -> tuple[str, Any]:
    """The same of a stream."""
    events = [json.loads(line[6:]) for line in stream.decode().split("\n") if line.startswith("data: {")]
    text = arguments = ""
    for event in events:
        delta = event["choices"][0]["delta"] if event.get("choices") else event.get("delta", {})
        text += delta.get("content") or delta.get("text") or ""
        for call in delta.get("tool_calls", ()):
            arguments += call["function"].get("arguments", "")
        arguments += delta.get("partial_json", "")
    return text, json.loads(arguments)


async def test_no_planted_value_reaches_any_sink(house, request):
    """Every text field of both protocols, through every way that a request can go."""
    verdicts = await ask_in_every_way(house)
    bad = await ask_in_vain(house)
    refused = await ask_wrongly(house)
    await leave_early(house)

    assert {"miss", "exact", "semantic", "coalesced", "bypass"} == verdicts
    assert {400, 401, 429, 500, 502, 503, 504} <= bad
    assert {400, 404, 504} <= refused
    leaks = {
        f"upstream {number}: {asked.path}": found
        for number, asked in enumerate(house.upstream.asked)
        if (found := [value for value in house.canaries.values if asked.holds(value)])
    }
    async for name, text in sinks(house):
        if found := house.canaries.found_in(text):
            leaks[name] = found
    if "redis" in request.node.name:
        for name, text in redis_sinks(request.getfixturevalue("redis_server").url):
            if found := house.canaries.found_in(text):
                leaks[name] = found
    assert {} == leaks
