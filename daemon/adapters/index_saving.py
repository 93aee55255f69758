"""A new file of a vector index in the making: what the daemon tells the process that writes it (index_writer.py)."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from ..errors import StoreUnavailable
from .index_file import LAYOUT, Stamp
from .index_writer import NO_MORE, block

ENVIRONMENT = {"OPENBLAS_NUM_THREADS": "1"}
"""None of the daemon's, which holds its providers' keys; each thread of OpenBLAS would hold memory."""


Pages = AsyncIterator[tuple[NDArray[np.uint64], NDArray[np.float16]]]


class Saving:
    """From a saved file, without what is gone since, or from nothing. The file that is in use is not touched."""

    def __init__(self, draft: Path, *, model: str, file: Path | None, last_id: int, removed: Iterable[int]) -> None:
        """`last_id` and `removed` are what the file in use had been offered, and has to lose."""
        self.draft = draft
        self.last_id = last_id
        self._model = model
        self._files = [str(draft)] if file is None else [str(draft), str(file)]
        self._removed = np.fromiter(removed, np.uint64)

    async def write(self, pages: Pages, store_epoch: str) -> None:
        try:
            self.draft.parent.mkdir(parents=True, exist_ok=True)
            self.draft.touch(mode=0o600)
            await self._have_written(pages, store_epoch)
        except BaseException as error:
            with suppress(OSError):
                self.draft.unlink()
            if isinstance(error, OSError):
                raise cannot_save(self.draft.parent, error) from error
            raise

    async def _have_written(self, pages: Pages, store_epoch: str) -> None:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "daemon.adapters.index_writer", *self._files),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            env=ENVIRONMENT,
        )
        try:
            source = cast(asyncio.StreamWriter, process.stdin)
            with suppress(ConnectionError):  # it says itself why it left
                await self._tell(source, pages, store_epoch)
            source.close()
            _, said = await process.communicate()
            if process.returncode != 0:
                raise OSError(said.decode(errors="replace").strip() or f"its process ended with {process.returncode}")
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()

    async def _tell(self, source: asyncio.StreamWriter, pages: Pages, store_epoch: str) -> None:
        source.write(block(self._removed))
        async for ids, vectors in pages:
            source.write(block(ids, vectors))
            await source.drain()
            self.last_id = int(ids[-1])
        stamp = Stamp(LAYOUT, self._model, store_epoch, self.last_id)
        source.write(NO_MORE + json.dumps(asdict(stamp)).encode())
        await source.drain()


def cannot_save(folder: Path, error: OSError) -> StoreUnavailable:
    return StoreUnavailable(f"the vector index could not be saved in {folder}: {error}")
