"""Closed-loop load with every answer checked, and the CPU that the gateway spent on it.

Each connection sends a request, waits for the whole answer, checks that it holds the digest of its own prompt (and a
stream's ending), and sends the next. CPU is user + system time of the gateway's process tree over the window.

A CPU-second is not a fixed amount of work on a shared host, so a fixed loop is timed on the gateway's core during
the window; `cpu_us` is scaled to that loop's speed on a quiet machine (`REFERENCE_NS`).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import statistics
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httptools
import orjson
import uvloop
from upstream import digest

TICKS = os.sysconf("SC_CLK_TCK")
REFERENCE_NS = 75.0
"""Nanoseconds of one step of the probe's loop on a quiet core of the reference machine."""

SYSTEM = "You are a careful assistant. Answer briefly, in plain words, and say so when you are not sure. "
FILLER = "Our customer wrote in about the invoice that was sent twice and asks which of the two is to be paid, please. "
ENDINGS = {
    "chat": b"[DONE]",
    "completions": b"[DONE]",
    "messages": b"message_stop",
    "responses": b"response.completed",
}
PATHS = {
    "chat": "/v1/chat/completions",
    "completions": "/v1/completions",
    "embeddings": "/v1/embeddings",
    "messages": "/v1/messages",
    "responses": "/v1/responses",
}


def tree(pid: int) -> list[int]:
    """A process and its descendants."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_bytes().rpartition(b") ")[2].split()[1])
            except OSError:
                continue
            children.setdefault(parent, []).append(int(entry.name))
    found, todo = [], [pid]
    while todo:
        found.append(todo.pop())
        todo += children.get(found[-1], [])
    return found


def cpu_s(pid: int) -> float:
    total = 0
    for process in tree(pid):
        try:
            fields = Path(f"/proc/{process}/stat").read_bytes().rpartition(b") ")[2].split()
        except OSError:
            continue
        total += sum(map(int, fields[11:15]))
    return total / TICKS


def rss_mib(pid: int) -> float:
    pages = [int(Path(f"/proc/{process}/statm").read_text().split()[1]) for process in tree(pid)]
    return sum(pages) * os.sysconf("SC_PAGE_SIZE") / 2**20


def probe(core: int, out: Any) -> None:
    os.sched_setaffinity(0, {core})
    while True:
        started, x = time.thread_time_ns(), 0
        for i in range(20_000):
            x += i * i
        out.send((time.thread_time_ns() - started) / 20_000)
        time.sleep(0.25)


class Prompts:
    """Requests with the digest that each answer must hold; `hit` sends one prompt over and over."""

    def __init__(self, dialect: str, mode: str, model: str, host: str, extra: str) -> None:
        self.stream = mode.startswith("stream")
        self.is_new_each_time = mode in ("miss", "stream")
        self.run = f"{time.time_ns():x}"
        self.count = 0
        path = PATHS[dialect]
        self.head = (
            f"POST {path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\ncontent-length: ".encode()
        )
        self.body: dict[str, Any] = {"model": model, "temperature": 0, **({"stream": True} if self.stream else {})}
        self.dialect = dialect
        self.extra = extra

    def next(self) -> tuple[bytes, bytes]:
        self.count += self.is_new_each_time
        text = f"Question {self.run}-{self.count:07d}: {FILLER * 6}{self.extra}"
        raw = orjson.dumps(self.body | self.asked(text))
        return self.head + b"%d\r\n\r\n" % len(raw) + raw, digest(text).encode()

    def asked(self, text: str) -> dict[str, Any]:
        turn = {"role": "user", "content": text}
        match self.dialect:
            case "chat":
                return {"messages": [{"role": "system", "content": SYSTEM}, turn]}
            case "messages":
                return {"system": SYSTEM, "max_tokens": 200, "messages": [turn]}
            case "responses":
                return {"instructions": SYSTEM, "input": text}
            case "completions":
                return {"prompt": text}
            case _:
                return {"input": text}


class Connection(asyncio.Protocol):
    def __init__(self, load: Load) -> None:
        self.load = load

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: Any = transport
        self.parser = httptools.HttpResponseParser(self)
        self.send()

    def send(self) -> None:
        request, self.expected = self.load.prompts.next()
        self.body: list[bytes] = []
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        self.body.append(body)

    def on_message_complete(self) -> None:
        body = b"".join(self.body)
        is_right = self.parser.get_status_code() == 200 and self.load.is_right(body, self.expected)
        self.load.done += is_right
        self.load.wrong += not is_right
        if not is_right and not self.load.example:
            self.load.example = body[:400].decode("utf-8", "replace")
        if self.load.is_over:
            self.transport.close()
        else:
            self.send()


class Load:
    def __init__(self, given: argparse.Namespace) -> None:
        self.given = given
        url = urlsplit(given.url)
        self.host, self.port = url.hostname or "127.0.0.1", url.port or 80
        self.prompts = Prompts(given.dialect, given.mode, given.model, url.netloc, given.extra)
        self.done = self.wrong = 0
        self.is_over = False
        self.example = ""

    def is_right(self, body: bytes, expected: bytes) -> bool:
        if expected not in body and not self.given.unchecked:
            return False
        # The last event of a streamed response holds the whole of it.
        end = body if self.given.dialect == "responses" else body[-80:]
        return not self.prompts.stream or ENDINGS[self.given.dialect] in end

    async def run(self) -> dict[str, Any]:
        loop = asyncio.get_running_loop()
        for _ in range(self.given.connections):
            await loop.create_connection(lambda: Connection(self), self.host, self.port)
        await asyncio.sleep(self.given.warm_s)
        ours, theirs = multiprocessing.Pipe(duplex=False)
        prober = multiprocessing.Process(target=probe, args=(self.given.core, theirs), daemon=True)
        prober.start()
        done, spent, started = self.done, cpu_s(self.given.pid), time.perf_counter()
        await asyncio.sleep(self.given.seconds)
        done, spent = self.done - done, cpu_s(self.given.pid) - spent
        took = time.perf_counter() - started
        prober.terminate()
        speeds = []
        while ours.poll():
            speeds.append(ours.recv())
        self.is_over = True
        await asyncio.sleep(0.3)
        scale = REFERENCE_NS / statistics.median(speeds)
        return {
            "requests": done,
            "wrong": self.wrong,
            "example": self.example,
            "per_s": round(done / took, 1),
            "cpu_us": round(spent / max(1, done) * 1e6 * scale, 1),
            "raw_cpu_us": round(spent / max(1, done) * 1e6, 1),
            "probe_ns": round(statistics.median(speeds), 1),
            "rss_mib": round(rss_mib(self.given.pid), 1),
        }


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", required=True)
    parser.add_argument("--pid", type=int, required=True)
    parser.add_argument("--core", type=int, default=0, help="the gateway's core, for the probe")
    parser.add_argument("--mode", choices=["hit", "miss", "stream", "stream-hit"], required=True)
    parser.add_argument("--dialect", choices=sorted(PATHS), default="chat")
    parser.add_argument("--model", default="gpt-4o-mini")
    parser.add_argument("--extra", default="", help="text at the end of each prompt")
    parser.add_argument("--unchecked", action="store_true", help="the provider saw another text (PII): no digest check")
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--warm-s", type=float, default=1.0)
    given = parser.parse_args()
    if urlsplit(given.url).hostname not in ("127.0.0.1", "localhost"):
        parser.error("load goes to this machine only")
    return given


if __name__ == "__main__":
    print(json.dumps(uvloop.run(Load(arguments()).run())))
