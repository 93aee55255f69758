"""`helix serve --demo`: a throw-away directory, the echo model only, and traffic to look at."""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import aiohttp

from . import data_dir as data
from .control_api import demo_dir
from .errors import CannotStart
from .settings import (
    BudgetSettings,
    ModelSettings,
    PiiSettings,
    ProviderSettings,
    ServerSettings,
    Settings,
    StorageSettings,
)
from .settings.sources import Loaded

_PAUSE_S = 0.8
_QUESTIONS = (
    "How do I undo the last commit in git?",
    "how do i undo the last commit in git",
    "Write a short welcome mail to ann.lee@example.com",
    "Write a short welcome mail to bo.chan@example.com",
    "What is the capital of Australia?",
    "Summarise: the invoice for card 4111 1111 1111 1111 was paid twice.",
    "Explain what a vector index is in one sentence.",
    "Explain what a vector index is, in one sentence.",
    "How do I enable dark mode?",
    "How do I disable dark mode?",
    "Call me back on +1 415 555 2671 about the order, please.",
    "Translate 'good morning' into Spanish.",
)

# Echo costs nothing; the demo's two models have prices so that there is something to see.
_MODELS = (
    ModelSettings(
        name="demo-small",
        target="helix/echo",
        input_usd_per_mtok=Decimal("0.15"),
        output_usd_per_mtok=Decimal("0.60"),
    ),
    ModelSettings(
        name="demo-large",
        target="helix/echo",
        input_usd_per_mtok=Decimal(3),
        output_usd_per_mtok=Decimal(15),
    ),
)
_BUDGETS = (
    BudgetSettings(scope="all", limit_usd=Decimal("0.05"), window="day"),
    BudgetSettings(scope="tag:mail", limit_usd=Decimal("0.01"), window="hour"),
)


def settings(loaded: Loaded, directory: Path) -> Loaded:
    """The demo's settings: host and port as asked, nothing else of the owner's is read or written."""
    asked = loaded.settings.server
    shown = Settings(
        server=ServerSettings(host=asked.host, port=asked.port, data_dir=str(directory)),
        storage=StorageSettings(),
        pii=PiiSettings(),
        providers=(ProviderSettings(name="helix", type="echo"),),
        models=_MODELS,
        budgets=_BUDGETS,
    )
    return replace(loaded, settings=shown, data_dir=directory, file=None)


@contextmanager
def throw_away_dir() -> Iterator[Path]:
    """A new, empty directory for one demo, gone when the demo ends; what a killed one left is removed first.

    Raises:
        CannotStart: another demo runs, or the directory's name is taken by somebody else.
    """
    path = demo_dir()
    data.prepare(path)
    if path.is_symlink() or path.stat().st_uid != os.geteuid():
        raise CannotStart(f"{path} belongs to somebody else; set TMPDIR to a directory of your own")
    with data.owned(path):
        data.empty(path)
        try:
            yield path
        finally:
            shutil.rmtree(path, ignore_errors=True)


@asynccontextmanager
async def traffic(url: str, *, is_demo: bool) -> AsyncIterator[None]:
    """While inside, a demo's daemon asks itself a question now and then."""
    if not is_demo:
        yield
        return
    task = asyncio.create_task(_ask_for_ever(url))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _ask_for_ever(url: str) -> None:
    chance = random.Random(7)  # noqa: S311  not a secret: the demo looks the same each time
    async with aiohttp.ClientSession() as session:
        for question in itertools.cycle(_QUESTIONS):
            model = chance.choice(_MODELS).name
            body = {"model": model, "messages": [{"role": "user", "content": question}]}
            tags = {"x-helix-tags": "mail" if "mail" in question else "demo"}
            with suppress(aiohttp.ClientError):
                async with session.post(f"{url}/v1/chat/completions", json=body, headers=tags) as response:
                    await response.read()
            await asyncio.sleep(_PAUSE_S)
