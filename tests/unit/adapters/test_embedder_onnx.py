"""The embedder against what the export saw, and at its edges."""

from __future__ import annotations

import asyncio
import base64
import json
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from daemon.adapters.embedder_onnx import OnnxEmbedder
from daemon.adapters.model_files import find_model, read_manifest
from daemon.errors import EmbedderUnavailable
from daemon.exchange import Vector


@pytest.fixture
async def embedder() -> AsyncIterator[OnnxEmbedder]:
    embedder = OnnxEmbedder(find_model("minilm"))
    await embedder.warm()
    yield embedder
    await embedder.aclose()


@pytest.fixture(scope="module")
def golden() -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads((find_model("minilm").folder / "golden.json").read_text())
    return rows


def decoded(vector: str) -> Vector:
    return np.frombuffer(base64.b64decode(vector), dtype="<f4")


async def test_every_golden_text_has_the_vector_that_the_export_saw(
    embedder: OnnxEmbedder, golden: list[dict[str, Any]]
) -> None:
    """On the processor of the export to .9999; on one without VNNI a value that lies between two steps of
    int8 may be rounded the other way, which moved one text to .9990."""
    for row in golden:
        vector = await embedder.embed(row["text"])
        assert decoded(row["int8"]) @ vector >= 0.999, row["text"]


async def test_int8_stays_close_to_the_original_model(embedder: OnnxEmbedder, golden: list[dict[str, Any]]) -> None:
    for row in golden:
        vector = await embedder.embed(row["text"])
        assert decoded(row["float32"]) @ vector >= 0.96, row["text"]


async def test_a_paraphrase_is_nearer_than_another_question(embedder: OnnxEmbedder) -> None:
    asked, same, other = [
        await embedder.embed(text)
        for text in (
            "How do I reset my password?",
            "What are the steps to change a forgotten password?",
            "Is it raining?",
        )
    ]

    assert asked @ same > asked @ other + 0.3


@pytest.mark.parametrize("text", ["", " \n", "\x00", "🙏🏽", "word " * 500, "x" * 5000])
async def test_any_text_becomes_one_unit_vector(embedder: OnnxEmbedder, text: str) -> None:
    vector = await embedder.embed(text)

    assert ((384,), np.float32) == (vector.shape, vector.dtype)
    assert 1.0 == pytest.approx(float(vector @ vector), abs=1e-5)


async def test_what_stands_beyond_256_tokens_is_not_read(embedder: OnnxEmbedder) -> None:
    """Two tokens are the model's own, so 254 words are read."""
    whole = await embedder.embed("word " * 254)
    longer = await embedder.embed("word " * 254 + "something else entirely")
    shorter = await embedder.embed("word " * 253 + "something else entirely")

    assert np.array_equal(whole, longer)
    assert not np.array_equal(whole, shorter)


async def test_a_huge_text_is_cut_before_it_is_tokenised(embedder: OnnxEmbedder) -> None:
    assert np.array_equal(await embedder.embed("word " * 254), await embedder.embed("word " * 2_000_000))


async def test_a_text_has_the_same_vector_alone_and_among_others(embedder: OnnxEmbedder) -> None:
    """Texts are never put into one batch: int8 would give other vectors there."""
    texts = ["one", "a rather longer text with many words in it", "?", "word " * 100]
    alone = [await embedder.embed(text) for text in texts]
    together = await asyncio.gather(*(embedder.embed(text) for text in texts))

    assert np.array_equal(np.array(alone), np.array(together))


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="counts the threads of native code in /proc")
def test_all_work_is_done_on_one_thread_of_its_own() -> None:
    """In a process of its own, where no other test's threads come and go."""
    counted = subprocess.run([sys.executable, "-c", COUNT_NEW_THREADS], capture_output=True, check=True)

    assert b"1" == counted.stdout.strip()


COUNT_NEW_THREADS = """
import asyncio, os
from daemon.adapters.embedder_onnx import OnnxEmbedder
from daemon.adapters.model_files import find_model

async def main():
    before = len(os.listdir("/proc/self/task"))
    embedder = OnnxEmbedder(find_model("minilm"))
    await asyncio.gather(embedder.warm(), embedder.warm())
    await asyncio.gather(*(embedder.embed("some text") for _ in range(8)))
    print(len(os.listdir("/proc/self/task")) - before)

asyncio.run(main())
"""


async def test_it_is_ready_only_once_it_is_warm() -> None:
    embedder = OnnxEmbedder(find_model("minilm"))

    assert not embedder.is_ready
    with pytest.raises(EmbedderUnavailable, match="not loaded yet"):
        await embedder.embed("text")
    await embedder.warm()
    assert embedder.is_ready
    await embedder.aclose()


async def test_a_closed_embedder_says_so(embedder: OnnxEmbedder) -> None:
    await embedder.aclose()

    with pytest.raises(EmbedderUnavailable, match="closed"):
        await embedder.embed("text")


async def test_what_was_asked_before_closing_is_still_answered(embedder: OnnxEmbedder) -> None:
    asked = [asyncio.ensure_future(embedder.embed("text")) for _ in range(4)]
    await asyncio.sleep(0)
    await embedder.aclose()

    assert 4 == len(await asyncio.gather(*asked))


async def test_a_damaged_model_is_never_loaded(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(find_model("minilm").folder, tmp_path / "minilm"))
    with (folder / "model.onnx").open("ab") as file:
        file.write(b"\x00")
    embedder = OnnxEmbedder(read_manifest(folder))

    with pytest.raises(EmbedderUnavailable, match="damaged"):
        await embedder.warm()
    assert not embedder.is_ready
    await embedder.aclose()


async def test_a_failure_does_not_repeat_the_text(embedder: OnnxEmbedder) -> None:
    """Half of a surrogate pair is no text; the tokenizer's own message would quote it."""
    with pytest.raises(EmbedderUnavailable) as failure:
        await embedder.embed("private words \ud800")

    assert "private" not in str(failure.value)
    assert failure.value.__suppress_context__


def test_the_runtime_keeps_no_device_id_and_no_events_for_its_maker(tmp_path):
    """onnxruntime's own telemetry would write below the home directory, and send from there."""
    program = """
import asyncio
from daemon.adapters.embedder_onnx import OnnxEmbedder
from daemon.adapters.model_files import find_model
asyncio.run(OnnxEmbedder(find_model("minilm")).warm())
"""
    home = {"HOME": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run([sys.executable, "-c", program], env=home, check=True)

    assert [] == list(tmp_path.rglob("*"))
