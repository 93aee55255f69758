"""CPU of one embedding of the load's prompt, in microseconds, scaled to the reference core."""

from __future__ import annotations

import argparse
import asyncio
import time

from load import FILLER, REFERENCE_NS

from daemon.adapters.embedder_onnx import OnnxEmbedder
from daemon.adapters.model_files import find_model


def loop_ns() -> float:
    started, x = time.thread_time_ns(), 0
    for i in range(20_000):
        x += i * i
    return (time.thread_time_ns() - started) / 20_000


async def main(seconds: float) -> None:
    embedder = OnnxEmbedder(find_model("minilm"))
    await embedder.warm()
    best, number, end = float("inf"), 0, time.monotonic() + seconds
    while time.monotonic() < end:
        number += 1
        started = time.process_time()
        await embedder.embed(f"Question {number:07d}: {FILLER * 6}")
        best = min(best, (time.process_time() - started) * REFERENCE_NS / loop_ns())
    print(round(best * 1e6, 1))
    await embedder.aclose()


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seconds", type=float, default=2.0)
    asyncio.run(main(arguments.parse_args().seconds))
