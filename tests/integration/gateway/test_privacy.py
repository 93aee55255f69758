"""Nothing that was found leaves as it was: unique values in every text, every sink searched (CONTRACT §5, 1)."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from daemon import storage_keys
from tests.daemon_process import Daemon, anthropic_settings, openai_settings
from tests.integration.gateway.canaries import (
    Canaries,
    chat_body,
    completions_body,
    count_tokens_body,
    embeddings_body,
    form,
    messages_body,
    passed_bodies,
    responses_body,
)
from tests.integration.gateway.sinks import answers_of, files_of, outputs_of, redis_sinks, tables_of
from tests.upstream import (
    Asked,
    Reply,
    ToolCall,
    Upstream,
    chat_answer,
    completions_answer,
    embeddings_answer,
    messages_answer,
    responses_answer,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

PII = """
[pii]
entities = { EMPLOYEE_ID = "block" }

[[pii.recognizers]]
name = "EMPLOYEE_ID"
regex = '\\bEMP-\\d{6}\\b'
"""

AFRESH = {"x-helix-cache": "refresh"}
ONLY_EMPTY = {"x-helix-cache": "only", "x-helix-cache-namespace": "empty"}
BODIES = {
    "/v1/chat/completions": chat_body,
    "/v1/messages": messages_body,
    "/v1/responses": responses_body,
    "/v1/completions": completions_body,
    "/v1/embeddings": embeddings_body,
    "/v1/messages/count_tokens": count_tokens_body,
}
NOT_STREAMED = ("/v1/embeddings", "/v1/messages/count_tokens")
FILE = {"id": "file-1", "object": "file", "bytes": 3, "created_at": 1, "filename": "a.jsonl", "purpose": "batch"}


def quoting(asked: Asked) -> Reply:
    """An answer that repeats the whole hidden request, in a text and in a tool call's arguments."""
    said = asked.raw.decode(errors="replace")
    if asked.path not in BODIES:
        return Reply(body={"text": said, "data": [{"revised_prompt": said}]})
    return Reply(text=f"You said: {said}", tool_calls=(ToolCall("send", json.dumps({"said": said})),))


def refusing(status: int):
    def refuse(asked: Asked) -> Reply:
        return Reply.error(status, f"cannot do {asked.raw.decode(errors='replace')}")

    return refuse


@dataclass
class House:
    """A daemon, its provider, and all that was planted: into its requests, and into what its provider says itself."""

    daemon: Daemon
    upstream: Upstream
    canaries: Canaries = field(default_factory=Canaries)
    brought: Canaries = field(default_factory=lambda: Canaries(first=500_000))

    def __post_init__(self) -> None:
        self._bodies = {path: body(self.canaries) for path, body in BODIES.items()}

    def each_dialect(self, *, stream: bool = False) -> Iterator[tuple[str, dict[str, Any]]]:
        """Path and planted body of each protocol; of those that stream where a stream is wanted."""
        for path, body in self._bodies.items():
            if not stream:
                yield path, body
            elif path not in NOT_STREAMED:
                yield path, {**body, "stream": True}


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["embedded and encrypted", "redis"])
async def house(request, tmp_path_factory) -> AsyncIterator[House]:
    redis_url = request.getfixturevalue("redis_server").url if request.param == "redis" else ""
    storage = f'url = "{redis_url}"' if redis_url else 'encrypt = true\nencryption_key = "env:K"'
    environ = {"K": storage_keys.new_key(), "LITELLM_LOG": "DEBUG"}
    async with AsyncExitStack() as stack:
        upstream = await stack.enter_async_context(Upstream(quoting))
        slow = openai_settings(upstream.openai_url, 'models = ["slow-*"]\ntimeout_s = 0.3')
        providers = [
            anthropic_settings(upstream.url, 'models = ["claude-*"]'),
            slow.replace('"openai"', '"slow"', 1),
            openai_settings(upstream.openai_url, 'models = ["gpt-*"]'),
        ]
        whole = "\n".join([f"[storage]\n{storage}", PII, *providers])
        folder = tmp_path_factory.mktemp(request.param.split()[0])
        daemon = await stack.enter_async_context(Daemon(folder, whole, **environ))
        await daemon.until_ready("ok")
        yield House(daemon, upstream)


async def ask_in_every_way(house: House) -> set[str | None]:
    """Misses, hits, streams, coalesced calls, near hits; the verdicts that came."""
    daemon, verdicts = house.daemon, set()
    for stream in (False, True):
        for path, body in house.each_dialect(stream=stream):
            for headers in ({}, {}, AFRESH, {"x-helix-cache": "off"}, {"x-helix-scan-answer": "on"}):
                verdicts.add((await daemon.post(path, body, headers)).verdict)
            asking = [daemon.post(path, body, {"x-helix-cache-namespace": "crowd"}) for _ in range(3)]
            verdicts |= {answer.verdict for answer in await asyncio.gather(*asking)}
    house.upstream.next("Write to <EMAIL_ADDRESS_1> in plain words")
    near = ("How do I write an email to {}?", "how do I write an email to {}")
    for question in near:
        verdicts.add((await daemon.post_chat(question.format(house.canaries.email()))).verdict)
    await daemon.helix("cache", "why", near[0].format(house.canaries.email()), "--json")
    await daemon.post_chat(house.canaries.text(), model="helix/echo")
    await daemon.post_chat(house.canaries.text(), model="helix/echo", stream=True)
    return verdicts


async def ask_by_turns(house: House) -> set[int]:
    """A conversation that its provider keeps: followed up, fetched, removed; the statuses that came."""
    daemon, plant = house.daemon, house.canaries
    first = await daemon.post("/v1/responses", {"model": "gpt-4o-mini", "input": plant.text()})
    follow_up = {"model": "gpt-4o-mini", "input": plant.text(), "previous_response_id": first.json["id"]}
    answers = [first, await daemon.post("/v1/responses", follow_up)]
    answers.append(await daemon.post("/v1/responses", {**follow_up, "input": plant.text(), "stream": True}))
    statuses = {answer.status for answer in answers}
    for method, tail in (("GET", ""), ("GET", "/input_items"), ("DELETE", "")):
        house.upstream.next(lambda asked: Reply(body={"id": first.json["id"], "object": "response", "data": []}))
        async with daemon.session.request(method, f"{daemon.url}/v1/responses/{first.json['id']}{tail}") as answer:
            statuses.add(answer.status)
    return statuses


async def ask_what_is_passed_on(house: House) -> set[int]:
    """The rest of OpenAI's API; the statuses that came."""
    daemon, statuses = house.daemon, set()
    for path, body in passed_bodies(house.canaries).items():
        for script in (quoting, refusing(400), refusing(500), Reply(garbage=b"")):
            house.upstream.next(script)
            statuses.add((await daemon.post(path, body)).status)
    for path in ("/v1/audio/transcriptions", "/v1/files"):
        for script in (quoting, refusing(400)):
            house.upstream.next(script)
            statuses.add((await daemon.post(path, *form(house.canaries))).status)
    house.upstream.next(Reply(body={"object": "list", "data": [FILE]}))
    async with daemon.session.get(f"{daemon.url}/v1/files") as answer:
        statuses.add(answer.status)
    return statuses


async def ask_the_other_vendor(house: House) -> set[int]:
    """What litellm translates, in its own process; the statuses that came."""
    daemon, statuses = house.daemon, set()
    for stream in (False, True):
        for script in (quoting, refusing(400), refusing(500), Reply(body=b'{"broken": '), Reply(garbage=b"")):
            turns = [{"role": "user", "content": house.canaries.text()}]
            body = {"model": "gpt-4o-mini", "max_tokens": 50, "system": house.canaries.text(), "messages": turns}
            house.upstream.next(script)
            statuses.add((await daemon.post("/v1/messages", {**body, "stream": stream}, AFRESH)).status)
    return statuses


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
        for path, body in house.each_dialect(stream=stream):
            if not path.startswith("/v1/messages"):
                upstream.next(Reply(hold=hold))
                statuses.add((await daemon.post(path, {**body, "model": "slow-1"})).status)
        hold.set()
    return statuses


async def ask_wrongly(house: House) -> set[int]:
    """Requests that are refused before any provider is asked; the statuses that came."""
    daemon, plant, statuses = house.daemon, house.canaries, set()
    for path, good in house.each_dialect():
        field_of_texts = next(name for name in ("messages", "input", "prompt") if name in good)
        for spoiled in (
            json.dumps(good).encode()[:-20],
            json.dumps([good]).encode(),
            good | {field_of_texts: {plant.email(): plant.text()}},
            good | {field_of_texts: [{"role": "user", "content": 5, "name": plant.text()}]},
            good | {field_of_texts: [{"role": "user", "content": [{"type": "text", "text": [plant.text()]}]}]},
            good | {"temperature": plant.text()},
            good | {"max_tokens": plant.text(), "max_output_tokens": plant.text()},
            good | {"tools": plant.text()},
            good | {"stream": plant.text()},
            good | {"cache": plant.text()},
            good | {"metadata": plant.text()},
            good | {"model": f"no-such/{plant.email()}"},
            good | {"user": f"{plant.blocked()} and {plant.text()}"},
        ):
            statuses.add((await daemon.post(path, spoiled)).status)
        for headers in ({"x-helix-cache": plant.email()}, {"x-helix-cache-ttl": plant.email()}):
            statuses.add((await daemon.post(path, good, headers)).status)
        statuses.add((await daemon.post(path, good, ONLY_EMPTY)).status)
        statuses.add((await daemon.post(f"{path}?who={plant.email()}", good)).status)
        statuses.add((await daemon.post(f"/v1/nowhere/{plant.email()}", good)).status)
    return statuses


async def leave_early(house: House) -> None:
    """Callers that hang up in the middle of a stream."""
    for path, body in house.each_dialect(stream=True):
        hold, before = asyncio.Event(), house.upstream.hung_up
        house.upstream.next(Reply("one two three", hold=hold, hold_after=2))
        asked = len(house.upstream.asked)
        asking = asyncio.create_task(house.daemon.post(path, body, AFRESH))
        await house.upstream.until_asked(asked + 1)
        asking.cancel()
        await house.upstream.until_hung_up(before + 1)
        hold.set()


async def be_told_of_others(house: House) -> None:
    """The provider itself brings values that nobody sent: in answers, beside their texts, in refusals, broken off."""
    plant, daemon = house.brought, house.daemon
    for stream in (False, True):
        for path, body in house.each_dialect(stream=stream):
            for number, script in enumerate(
                (
                    Reply(text=plant.text(), tool_calls=(ToolCall("send", json.dumps({"to": plant.text()})),)),
                    Reply.error(400, plant.text()),
                    Reply(status=500, body=plant.text().encode(), content_type="text/plain"),
                    Reply(body=f'{{"broken": "{plant.text()}'.encode(), content_type="application/json"),
                    beside_the_text(path, plant),
                )
            ):
                house.upstream.next(script)
                await daemon.post(path, body, {"x-helix-cache-namespace": f"others-{stream}-{number}"})


def beside_the_text(path: str, plant: Canaries) -> Reply:
    """A normal answer that says values where nothing is ever put back: in thoughts, sources, fields of tomorrow."""
    fine = Reply("Fine")
    if path == "/v1/chat/completions":
        answer = chat_answer(fine, "m")
        answer["choices"][0]["message"] |= {
            "annotations": [{"type": "url_citation", "url_citation": {"title": plant.text()}}],
            "reasoning_details": [{"type": "reasoning.text", "text": plant.text(), "signature": "s"}],
        }
    elif path == "/v1/messages":
        answer = messages_answer(fine, "m")
        answer["content"][0]["citations"] = [{"type": "char_location", "cited_text": plant.text()}]
        answer["content"].insert(0, {"type": "thinking", "thinking": plant.text(), "signature": "s"})
    elif path == "/v1/responses":
        answer = responses_answer(fine, "m")
        answer["output"][0]["summary"] = [{"type": "summary_text", "text": plant.text()}]
    elif path == "/v1/completions":
        answer = completions_answer(fine, "m")
    else:
        answer = embeddings_answer(fine, "m", asked={"input": ["a", "b"]})
    return Reply(body={**answer, "field_of_tomorrow": [{"note": plant.text()}]})


def core_limits(daemon: Daemon) -> set[str]:
    """The greatest core file that the daemon, and each process that it started, may leave."""
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            parent = (process / "stat").read_text().rpartition(") ")[2].split()[1]
            if str(daemon.process.pid) in (process.name, parent):
                limits = (process / "limits").read_text().splitlines()
                found |= {" ".join(line.split()[4:6]) for line in limits if line.startswith("Max core file size")}
    return found


async def test_no_planted_value_reaches_any_sink(house, request):
    """Every text field of every protocol, through every way that a request can go."""
    # litellm's process takes seconds to start, and stores nothing: once is enough.
    is_embedded = "embedded" in request.node.name
    verdicts = await ask_in_every_way(house)
    kept = await ask_by_turns(house)
    passed = await ask_what_is_passed_on(house)
    translated = await ask_the_other_vendor(house) if is_embedded else set()
    bad = await ask_in_vain(house)
    refused = await ask_wrongly(house)
    await leave_early(house)
    await be_told_of_others(house)

    assert {"miss", "exact", "semantic", "coalesced", "bypass"} == verdicts
    assert {200} == kept
    assert {200, 400, 500, 502} == passed
    assert ({200, 400, 500, 502} if is_embedded else set()) == translated
    assert {400, 401, 429, 500, 502, 503, 504} <= bad
    assert {400, 404, 504} <= refused
    assert {"0 0"} == core_limits(house.daemon)
    leaks = {
        f"upstream {number}: {asked.path}": found
        for number, asked in enumerate(house.upstream.asked)
        if (found := house.canaries.found_in(asked.everything))
    }
    async for name, text in all_sinks(house, request):
        if found := [*house.canaries.found_in(text), *house.brought.found_in(text)]:
            leaks[name] = found
    assert {} == leaks


async def test_the_search_would_find_them():
    plant = Canaries()
    for body in BODIES.values():
        body(plant)
    plant.blocked()
    sent = " ".join(plant.values)

    assert plant.values == plant.found_in(sent) == plant.found_in(json.dumps(sent).replace("@", "\\u0040"))
    assert all([value] == [one for one in plant.found_in(f"({value})") if one == value] for value in plant.values)


async def all_sinks(house: House, request: pytest.FixtureRequest) -> AsyncIterator[tuple[str, str]]:
    """Those of the running daemon, then those of the one that has ended."""
    async for sink in answers_of(house.daemon):
        yield sink
    for sink in files_of(house.daemon):
        yield sink
    await house.daemon.stop()
    async for sink in outputs_of(house.daemon):
        yield sink
    for sink in (*files_of(house.daemon), *tables_of(house.daemon)):
        yield sink
    if "redis" in request.node.name:
        for sink in redis_sinks(request.getfixturevalue("redis_server").url):
            yield sink
