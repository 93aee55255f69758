"""Fixtures for every test: the provider, and daemons in front of it."""

import socket
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, ExitStack, closing

import pytest
from hypothesis import HealthCheck, settings

from tests.daemon_process import Daemon, both_settings
from tests.shared_daemons import SharedDaemons
from tests.upstream import Upstream

# No test asserts a time, and a busy machine is no failure.
settings.register_profile("helix", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("helix")


@pytest.fixture(scope="session", autouse=True)
def temporary_files_of_our_own() -> Iterator[None]:
    """A demo that runs on this machine is met by no test."""
    with tempfile.TemporaryDirectory(prefix="helix-tests-") as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", folder)
        patch.setattr(tempfile, "tempdir", None)
        yield


@pytest.fixture(scope="session")
def listener_of() -> Iterator[Callable[[str], socket.socket]]:
    """Where a provider of this name listens, in every test, so that a daemon can outlive the provider of one."""
    with ExitStack() as stack:
        listeners: dict[str, socket.socket] = {}

        def listener_of(name: str) -> socket.socket:
            if name not in listeners:
                listeners[name] = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            return listeners[name]

        yield listener_of


@pytest.fixture(scope="session")
def shared_daemons(tmp_path_factory) -> Iterator[SharedDaemons]:
    with closing(SharedDaemons(lambda: tmp_path_factory.mktemp("shared"))) as daemons:
        yield daemons


@pytest.fixture
async def upstream(listener_of) -> AsyncIterator[Upstream]:
    async with Upstream(listener=listener_of("upstream")) as server:
        yield server


@pytest.fixture
async def share_daemon(shared_daemons, upstream) -> AsyncIterator[Callable[..., Awaitable[Daemon]]]:
    """A real daemon with these settings, which other tests that want the same use as well: this test is a caller of
    its own, with nothing in the cache. For tests that neither stop it nor count what others did."""
    async with AsyncExitStack() as stack:

        async def share(settings: str = "", **environ: str) -> Daemon:
            return await stack.enter_async_context(shared_daemons.visit(both_settings(upstream, settings), **environ))

        yield share


@pytest.fixture
async def daemon(share_daemon) -> Daemon:
    """A shared daemon with default settings in front of `upstream`."""
    return await share_daemon()


@pytest.fixture
async def start_daemon(tmp_path, upstream) -> AsyncIterator[Callable[..., Awaitable[Daemon]]]:
    """Start a real daemon in front of `upstream`, for both protocols; more TOML as argument, environment as keywords.

    `storage` and other sections go into the same file, so a section may be given once.
    """
    async with AsyncExitStack() as stack:

        async def start(settings: str = "", name: str = "helix", **environ: str) -> Daemon:
            daemon = Daemon(tmp_path / name, both_settings(upstream, settings), **environ)
            return await stack.enter_async_context(daemon)

        yield start


@pytest.fixture
async def own_daemon(start_daemon) -> Daemon:
    """A daemon with default settings in front of `upstream` for one test, which may kill it."""
    return await start_daemon()
