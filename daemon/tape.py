"""A recording of a stream as it passes, bounded in memory."""

from __future__ import annotations

MAX_BYTES = 8 * 2**20
"""A longer answer still passes; it is not kept, and its cost is read from the end of it."""

_TAIL_BYTES = 64 * 2**10
_MARK_BYTES = 256


class Tape:
    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._size = 0
        self._mark = b""
        self.is_whole = True

    @property
    def is_empty(self) -> bool:
        return not self._size

    def record(self, piece: bytes) -> bytes:
        """Keep the piece; return it behind what came of its first event before, so that an ending that was cut is seen
        whole. Of a long event only both ends are remembered."""
        seam = self._mark + piece if self._mark else piece
        begun = seam[seam.rfind(b"\n\n") + 2 :] if b"\n\n" in seam else seam
        self._mark = begun if len(begun) <= 2 * _MARK_BYTES else begun[:_MARK_BYTES] + begun[-_MARK_BYTES:]
        self._pieces.append(piece)
        self._size += len(piece)
        if self._size > MAX_BYTES:
            self._keep_tail()
        return seam

    def bytes(self) -> bytes:
        """All that was recorded, or its last part where `is_whole` is False."""
        return b"".join(self._pieces)

    def _keep_tail(self) -> None:
        self.is_whole = False
        tail = self.bytes()[-_TAIL_BYTES:]
        self._pieces = [tail]
        self._size = len(tail)
