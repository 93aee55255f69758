"""Calls and settings as the pipeline would hand them to a provider."""

from __future__ import annotations

from typing import Any

import pytest

from daemon.exchange import Answer, Call, DialectName, Target
from tests.upstream import Upstream


@pytest.fixture
async def upstream():
    async with Upstream() as server:
        yield server


@pytest.fixture
def make_call():
    def make(
        dialect: DialectName = "chat", *, model: str = "m", text: str = "Hi", stream: bool = False, **fields: Any
    ) -> Call:
        credential, headers = fields.pop("credential", None), fields.pop("headers", {})
        body = {"model": model, "messages": [{"role": "user", "content": text}], **fields}
        if dialect == "messages":
            body.setdefault("max_tokens", 64)
        if stream:
            body["stream"] = True
        return Call(Target("p", model), dialect, body, stream, headers, credential)

    return make


@pytest.fixture
def read():
    async def read_all(answer: Answer) -> bytes:
        return b"".join([piece async for piece in answer.pieces])

    return read_all
