"""What Helix costs: CPU per request beside the bare aiohttp pass-through, in the same run.

    python tests/performance/overhead.py [--passes 3] [--seconds 3] [--dialects]

The gateway has core 0; the provider and the load share core 1. Noise on a shared host only adds, so the least of all
passes counts. Ratios are to the floor of the same run; absolute microseconds are scaled as load.py says.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).parent
PYTHON = sys.executable
PII = " Write to ann.lee@example.com or call +1 415 555 2671, card 4111 1111 1111 1111."

# name, settings, load arguments, and the floor that it is compared with
SCENARIOS = [
    ("exact hit", {"pii": "off"}, ["--mode", "hit"], ("dict", "hit")),
    ("exact hit, PII on", {"pii": "redact"}, ["--mode", "hit"], ("dict", "hit")),
    (
        "exact hit, PII on and found",
        {"pii": "redact"},
        ["--mode", "hit", "--extra", PII, "--unchecked"],
        ("dict", "hit"),
    ),
    ("streamed hit", {"pii": "off"}, ["--mode", "stream-hit"], ("dict", "stream-hit")),
    ("miss, exact cache", {"pii": "off", "cache": "exact"}, ["--mode", "miss"], ("pass", "miss")),
    ("miss, semantic cache", {"pii": "off"}, ["--mode", "miss"], ("pass", "miss")),
    ("miss, semantic cache, PII on", {"pii": "redact"}, ["--mode", "miss"], ("pass", "miss")),
    ("paced stream, exact cache", {"pii": "off", "cache": "exact"}, ["--mode", "stream"], ("pass", "stream")),
    (
        "paced stream, exact cache, PII on and found",
        {"pii": "redact", "cache": "exact"},
        ["--mode", "stream", "--extra", PII, "--unchecked"],
        ("pass", "stream"),
    ),
]

DIALECTS = ["chat", "messages", "responses", "completions", "embeddings"]
# What is asked of each dialect; the load's mode, and the floor that it is compared with.
OF_A_DIALECT = [("exact hit", "hit", "dict"), ("miss", "miss", "pass"), ("paced stream", "stream", "pass")]


def dialect_scenarios() -> list[tuple[str, dict[str, str], list[str], tuple[str, str]]]:
    """Each dialect whole and streamed, with nothing found and the exact cache; embeddings do not stream."""
    return [
        (
            f"{dialect}: {name}",
            {"pii": "off", "cache": "exact"},
            ["--mode", mode, "--dialect", dialect],
            (floor_mode, mode),
        )
        for dialect in DIALECTS
        for name, mode, floor_mode in OF_A_DIALECT
        if (dialect, mode) != ("embeddings", "stream")
    ]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def started(
    command: list[str], core: int, environment: dict[str, str] | None = None
) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        ["taskset", "-c", str(core), *command],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **(environment or {})},
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(20)


def wait_for(url: str, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=1) as answer:
                if json.load(answer).get("status") == "ok":
                    return
        except (OSError, ValueError):
            pass
        time.sleep(0.1)
    raise SystemExit(f"{url} did not become ready")


def wait_for_port(port: int) -> None:
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise SystemExit(f"nothing listens on {port}")


@contextmanager
def upstream(gap_ms: float) -> Iterator[int]:
    with started([PYTHON, str(HERE / "upstream.py"), "--gap-ms", str(gap_ms)], 1) as process:
        yield int(process.stdout.readline())  # type: ignore[union-attr]


@contextmanager
def floor(mode: str, upstream_port: int) -> Iterator[tuple[int, int]]:
    port = free_port()
    command = [
        PYTHON,
        str(HERE / "floor.py"),
        mode,
        "--port",
        str(port),
        "--upstream",
        f"http://127.0.0.1:{upstream_port}",
    ]
    with started(command, 0) as process:
        wait_for_port(port)
        yield port, process.pid


@contextmanager
def helix(settings: dict[str, str], upstream_port: int) -> Iterator[tuple[int, int]]:
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "helix.toml"
        config.write_text(
            f'[server]\ndata_dir = "{folder}/data"\n'
            f'[cache]\nmode = "{settings.get("cache", "semantic")}"\n'
            f'[pii]\nmode = "{settings["pii"]}"\n'
            '[[providers]]\nname = "up"\ntype = "openai"\napi_key = "k"\n'
            f'base_url = "http://127.0.0.1:{upstream_port}/v1"\n'
            '[[providers]]\nname = "claude"\ntype = "anthropic"\napi_key = "k"\n'
            f'base_url = "http://127.0.0.1:{upstream_port}"\n'
            '[[budgets]]\nscope = "all"\nlimit_usd = 1000000\nwindow = "total"\n'
        )
        command = [str(Path(PYTHON).parent / "helix"), "serve", "--config", str(config), "--port", str(port)]
        with started(command, 0) as process:
            wait_for(f"http://127.0.0.1:{port}/health/ready")
            yield port, process.pid


def load(port: int, pid: int, arguments: list[str], seconds: float) -> dict[str, float]:
    command = [PYTHON, str(HERE / "load.py"), "--url", f"http://127.0.0.1:{port}", "--pid", str(pid)]
    run = subprocess.run(
        ["taskset", "-c", "1", *command, "--seconds", str(seconds), *arguments],
        check=True,
        capture_output=True,
        text=True,
        timeout=seconds + 60,
    )
    result: dict[str, float] = json.loads(run.stdout)
    if result["wrong"]:
        raise SystemExit(f"{result['wrong']} wrong answers, such as: {result['example']}")
    return result


def embedding_us(seconds: float) -> float:
    """CPU of one embedding of the load's prompt, pinned as the gateway is, scaled as the rest."""
    command = [PYTHON, str(HERE / "embedding.py"), "--seconds", str(seconds)]
    run = subprocess.run(["taskset", "-c", "0", *command], check=True, capture_output=True, text=True)
    return float(run.stdout)


def dialect_of(arguments: list[str]) -> list[str]:
    """The part of a load's arguments that its floor is asked with as well."""
    return arguments[arguments.index("--dialect") :][:2] if "--dialect" in arguments else []


def measure(
    scenarios: list[tuple[str, dict[str, str], list[str], tuple[str, str]]], passes: int, seconds: float, only: str
) -> tuple[dict[str, float], dict[str, float], float, float]:
    """The least CPU per request of each Helix scenario and each floor; the embedder's own; the most memory."""
    best: dict[str, float] = defaultdict(lambda: float("inf"))
    floors: dict[str, float] = defaultdict(lambda: float("inf"))
    embedding, memory = float("inf"), 0.0
    for _ in range(passes):
        embedding = min(embedding, embedding_us(seconds))
        for name, settings, arguments, (mode, kind) in scenarios:
            if only not in name:
                continue
            gap_ms = 5.0 if kind == "stream" else 0.0
            # More than 32 texts that wait for the embedder are looked up exactly only: fewer callers, all embedded.
            callers = ["--connections", "8"] if "semantic" in name else []
            with upstream(gap_ms) as upstream_port:
                with floor(mode, upstream_port) as (port, pid):
                    cost = load(port, pid, ["--mode", kind, *dialect_of(arguments), *callers], seconds)
                    floors[name] = min(floors[name], cost["cpu_us"])
                with helix(settings, upstream_port) as (port, pid):
                    cost = load(port, pid, [*arguments, *callers], seconds)
                    best[name] = min(best[name], cost["cpu_us"])
                    memory = max(memory, cost["rss_mib"])
            print(f"{name}: {best[name]:.0f} µs, floor {floors[name]:.0f} µs", file=sys.stderr, flush=True)
    return best, floors, embedding, memory


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--passes", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--only", default="", help="scenarios whose name holds this")
    parser.add_argument("--dialects", action="store_true", help="each dialect, whole and streamed")
    given = parser.parse_args()
    scenarios = dialect_scenarios() if given.dialects else SCENARIOS
    best, floors, embedding, memory = measure(scenarios, given.passes, given.seconds, given.only)
    print(f"One embedding of the prompt, alone on the machine: {embedding:.0f} µs. Most memory: {memory:.0f} MiB.\n")
    print("| request | Helix, CPU µs | floor, CPU µs | ratio | above the floor, µs |")
    print("| --- | --: | --: | --: | --: |")
    for name, *_ in (scenario for scenario in scenarios if scenario[0] in best):
        ratio, above = best[name] / floors[name], best[name] - floors[name]
        print(f"| {name} | {best[name]:.0f} | {floors[name]:.0f} | {ratio:.2f} | {above:.0f} |")


if __name__ == "__main__":
    main()
