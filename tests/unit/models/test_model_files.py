"""The files that ship, and what happens when they are not as the manifest says."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from daemon.adapters.model_files import find_model, read_manifest
from daemon.errors import ModelUnavailable


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped model that a test may damage."""
    return Path(shutil.copytree(find_model("minilm").folder, tmp_path / "minilm"))


def test_the_shipped_files_are_those_of_the_manifest() -> None:
    find_model("minilm").check()


def test_the_manifest_says_what_it_is_and_where_it_comes_from() -> None:
    manifest = json.loads((find_model("minilm").folder / "manifest.json").read_text())

    assert "Apache-2.0" == manifest["licence"]
    assert "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db" == manifest["source"]["weights_sha256"]
    assert (384, 256) == (manifest["dimension"], manifest["max_tokens"])


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json"])
def test_one_changed_byte_is_noticed(folder: Path, name: str) -> None:
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).write_bytes(content)

    with pytest.raises(ModelUnavailable, match=f"{name} is damaged: install Helix again"):
        read_manifest(folder).check()


def test_a_missing_file_is_named(folder: Path) -> None:
    (folder / "model.onnx").unlink()

    with pytest.raises(ModelUnavailable, match=r"model\.onnx cannot be read: No such file"):
        read_manifest(folder).check()


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '"text"', '{"dimension": 384}'])
def test_a_broken_manifest_is_one_sentence(folder: Path, content: str) -> None:
    (folder / "manifest.json").write_text(content)

    with pytest.raises(ModelUnavailable, match=r"manifest\.json cannot be read"):
        read_manifest(folder)


def test_a_model_that_is_not_there_is_one_sentence() -> None:
    with pytest.raises(ModelUnavailable, match=r"no model files in .*: install Helix again"):
        find_model("another")


def test_other_files_have_another_fingerprint(folder: Path) -> None:
    """An index of one tokenizer or model is never searched with vectors of another."""
    before = read_manifest(folder).fingerprint
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["sha256"]["tokenizer.json"] = "0" * 64
    (folder / "manifest.json").write_text(json.dumps(manifest))

    assert before == find_model("minilm").fingerprint
    assert before != read_manifest(folder).fingerprint
