"""Where a model's files are, and whether they are the ones that its manifest names."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import ModelUnavailable

MANIFEST = "manifest.json"


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """A folder with a model in it, as its manifest describes it."""

    folder: Path
    sha256: Mapping[str, str] = field(repr=False)
    """File name to the hex digest that the file must have."""
    facts: Mapping[str, Any] = field(repr=False)
    """All that the manifest says: what the model reads and gives, where it comes from."""

    @property
    def fingerprint(self) -> str:
        """Another one where any file is another: vectors of two fingerprints are not to be compared."""
        named = json.dumps(dict(self.sha256), sort_keys=True)
        return hashlib.sha256(named.encode()).hexdigest()

    def check(self) -> None:
        """Compare every file with its digest; reads them all (23 MB, some 20 ms).

        Raises:
            ModelUnavailable: one is missing or damaged.
        """
        for name, expected in self.sha256.items():
            if digest_of(self.folder / name) != expected:
                raise ModelUnavailable(f"{self.folder / name} is damaged: install Helix again")


def find_model(name: str) -> ModelFiles:
    """The files of a model that has a manifest.

    Raises:
        ModelUnavailable: there is no manifest in either place, or it cannot be read.
    """
    return read_manifest(find_folder(name, MANIFEST))


def find_folder(name: str, file: str) -> Path:
    """The folder of a model that has `file`: beside this package in an installed wheel, in `models/` of a checkout.

    Raises:
        ModelUnavailable: neither place has it.
    """
    package = Path(__file__).parents[1]
    places = [package / "model_files" / name, package.parent / "models" / name]
    folder = next((place for place in places if (place / file).is_file()), None)
    if folder is None:
        raise ModelUnavailable(f"there are no model files in {places[0]}: install Helix again")
    return folder


def read_manifest(folder: Path) -> ModelFiles:
    """What the folder says that it holds; its files are not looked at yet.

    Raises:
        ModelUnavailable: the manifest is missing or not as expected.
    """
    file = folder / MANIFEST
    try:
        manifest = json.loads(file.read_bytes())
        return ModelFiles(folder, manifest["sha256"], manifest)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelUnavailable(f"{file} cannot be read ({type(error).__name__})") from error


def digest_of(file: Path) -> str:
    """The file's sha256 in hex.

    Raises:
        ModelUnavailable: it is missing or cannot be read.
    """
    try:
        with file.open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest()
    except OSError as error:
        raise ModelUnavailable(f"{file} cannot be read: {error.strerror}") from error
