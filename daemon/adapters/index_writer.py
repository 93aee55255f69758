"""Writes the file of a vector index: `python -m daemon.adapters.index_writer DRAFT [FILE]`, started by index_usearch.

A process of its own, since usearch holds the GIL while it saves and loads, more than a second for a million vectors,
and since adding a million takes minutes: here that takes nothing from a request, at the lowest priority.

Stdin: a block of ids to remove from the graph of FILE, blocks of ids with their vectors to add to it, an empty block,
and the stamp as JSON. A block is the number of its ids, the ids, and the vectors in half precision. Where stdin ends
before that, the daemon is gone, however it went, and this process leaves.
"""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from usearch.index import Index

from ..exchange import Vector
from .index_file import DIMENSION, ID_BYTES, Stamp, empty_graph, mapped_bytes, seal, unsealed

LOWEST_PRIORITY = 19
COUNT_BYTES = 8
VECTOR_BYTES = 2 * DIMENSION
NO_MORE = bytes(COUNT_BYTES)
"""The empty block."""


def main() -> None:
    os.setpgid(0, 0)  # Ctrl+C is for the daemon, which ends this; a session of its own would be as urgent as the daemon
    os.nice(LOWEST_PRIORITY)
    draft, *saved = map(Path, sys.argv[1:])
    try:
        write(sys.stdin.buffer, draft, *saved)
    except EOFError:
        sys.exit(1)
    except (OSError, ValueError, RuntimeError) as error:  # usearch raises RuntimeError
        sys.exit(str(error))


def write(source: BinaryIO, draft: Path, saved: Path | None = None) -> None:
    graph = empty_graph()
    if saved is not None:
        graph.load(unsealed(mapped_bytes(saved))[0])
    graph.remove(ids_of(source), threads=1)
    for ids, vectors in pages_of(source):
        add(graph, ids, vectors)
    stamp = Stamp(**json.loads(source.read() or cut_short()))
    graph.save(draft)
    seal(draft, graph.keys[:], stamp)


def add(graph: Index, ids: NDArray[np.uint64], vectors: NDArray[np.float16]) -> None:
    """But those that are there, and those that are not of unit length."""
    are_units = np.fromiter(map(is_unit, vectors.astype(np.float32)), bool)
    are_fresh = are_units & ~np.asarray(graph.contains(ids))
    if are_fresh.any():
        graph.add(ids[are_fresh], vectors[are_fresh], threads=1)


def is_unit(vector: Vector) -> bool:
    """Of length 1, as far as half precision tells."""
    return math.isclose(float(vector @ vector), 1.0, abs_tol=0.01)


def block(ids: NDArray[np.uint64], vectors: NDArray[np.float16] | None = None) -> bytes:
    """What the other side reads with `ids_of` and `pages_of`."""
    return len(ids).to_bytes(COUNT_BYTES) + ids.tobytes() + (b"" if vectors is None else vectors.tobytes())


def ids_of(source: BinaryIO) -> NDArray[np.uint64]:
    count = int.from_bytes(read_all(source, COUNT_BYTES))
    return np.frombuffer(read_all(source, count * ID_BYTES), np.uint64)


def pages_of(source: BinaryIO) -> Iterator[tuple[NDArray[np.uint64], NDArray[np.float16]]]:
    """Up to the empty block."""
    while len(ids := ids_of(source)):
        vectors = np.frombuffer(read_all(source, len(ids) * VECTOR_BYTES), np.float16)
        yield ids, vectors.reshape(-1, DIMENSION)


def read_all(source: BinaryIO, size: int) -> bytes:
    data = source.read(size)
    return data if len(data) == size else cut_short()


def cut_short() -> bytes:
    raise EOFError


if __name__ == "__main__":
    main()
