"""Fixtures for every test: the provider, and daemons in front of it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import pytest

from tests.daemon_process import Daemon, anthropic_settings, openai_settings
from tests.upstream import Upstream


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    async with Upstream() as server:
        yield server


@pytest.fixture
async def start_daemon(tmp_path, upstream) -> AsyncIterator[Callable[..., Awaitable[Daemon]]]:
    """Start a real daemon in front of `upstream`, for both protocols; more TOML as argument, environment as keywords.

    `storage` and other sections go into the same file, so a section may be given once.
    """
    async with AsyncExitStack() as stack:

        async def start(settings: str = "", name: str = "helix", **environ: str) -> Daemon:
            claude = anthropic_settings(upstream.url, 'models = ["claude-*"]\n')
            whole = settings + "\n" + claude + openai_settings(upstream.openai_url, 'models = ["gpt-*"]\n')
            return await stack.enter_async_context(Daemon(tmp_path / name, whole, **environ))

        yield start


@pytest.fixture
async def daemon(start_daemon) -> Daemon:
    """A daemon with default settings in front of `upstream`."""
    return await start_daemon()
