"""Forms with files, as they are sent: RFC 7578."""

from __future__ import annotations

from collections.abc import Iterable

from ..exchange import JsonObject, Upload


def form_bytes(parts: Iterable[JsonObject], upload: Upload) -> bytes:
    """The body of a form: each part with its own headers, and its text or the file that it names by number."""
    boundary = b"--" + upload.boundary.encode()
    out = bytearray()
    for part in parts:
        head = "".join(f"{name}: {value}\r\n" for name, value in part["head"])
        content = part["text"].encode() if "text" in part else upload.files[part["file"]]
        out += boundary + b"\r\n" + head.encode("utf-8", "surrogateescape") + b"\r\n" + content + b"\r\n"
    return bytes(out + boundary + b"--\r\n")
