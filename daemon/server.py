"""The daemon's life: bind, say ready, serve, drain."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import secrets
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager, suppress
from functools import partial
from importlib.metadata import version

import uvloop
from aiohttp import web

from . import data_dir as data
from . import demo
from .app import build_app
from .control_api import RuntimeFile
from .core_dumps import forbid_core_dumps
from .errors import CannotStart, SettingsError
from .gateway import Gateway
from .security.door import is_loopback
from .settings import ServerSettings
from .settings.sources import Loaded
from .web.connections import GatewayRunner
from .wiring import build_gateway

log = logging.getLogger(__name__)

_BACKLOG = 1024

# A process group's parent and its shell may both pass one Ctrl-C on: that is not asking twice.
_SAME_REQUEST_S = 0.5

# Requests leave few cycles behind; the default of 700 objects would walk the young ones at every third request.
_COLLECT_AFTER = (10_000, 20, 50)


def run(load: Callable[[], Loaded], *, is_demo: bool = False) -> int:
    """Serve until SIGTERM or SIGINT; the exit code. `load` reads the settings, now and at each reload.

    Raises:
        CannotStart: with a sentence for the owner; nothing is left behind.
    """
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    with ExitStack() as stack:
        if is_demo:
            load = partial(demo.settings, load(), stack.enter_context(demo.throw_away_dir()))
        loaded = load()
        server = loaded.settings.server
        _refuse_unsafe_binding(server)
        forbid_core_dumps()
        gc.set_threshold(*_COLLECT_AFTER)
        if not is_demo:
            data.prepare(loaded.data_dir)
            stack.enter_context(data.owned(loaded.data_dir))
        listener = stack.enter_context(_bind(server))
        return uvloop.run(_serve(loaded, load, listener, is_demo=is_demo))


async def _serve(loaded: Loaded, load: Callable[[], Loaded], listener: socket.socket, *, is_demo: bool) -> int:
    gateway = build_gateway(loaded, load)
    stopping = asyncio.Event()
    _on_signals(gateway, stopping)
    runtime = RuntimeFile(
        url=_url(listener), pid=os.getpid(), version=version("helix-gateway"), token=secrets.token_urlsafe(32)
    )
    identity = {"url": runtime["url"], "pid": runtime["pid"], "version": runtime["version"]}
    app = build_app(gateway, token=runtime["token"], identity=lambda: identity)
    runner = GatewayRunner(
        app,
        # A caller that hangs up cancels its handler, and with it, unless others wait, the call upstream.
        handler_cancellation=True,
        shutdown_timeout=loaded.settings.server.drain_s,
    )
    await gateway.start()
    try:
        await runner.setup()
        await web.SockSite(runner, listener, backlog=_BACKLOG).start()
        with data.announced(loaded.data_dir, runtime):
            _say_ready(loaded, runtime["url"])
            async with _warm_up_shown(gateway), demo.traffic(runtime["url"], is_demo=is_demo):
                await stopping.wait()
            await runner.cleanup()  # drains: in-flight requests have drain_s
    finally:
        await gateway.aclose()
    return 0


def _say_ready(loaded: Loaded, url: str) -> None:
    source = f" ({loaded.file})" if loaded.file else ""
    print(f"Helix is ready on {url}{source}", flush=True)  # noqa: T201  the one line of the contract


@asynccontextmanager
async def _warm_up_shown(gateway: Gateway) -> AsyncIterator[None]:
    """Tell who sits before a terminal what is still being loaded, and when it is there."""
    if not sys.stderr.isatty():
        yield
        return
    showing = asyncio.create_task(_show_warm_up(gateway))
    try:
        yield
    finally:
        showing.cancel()


async def _show_warm_up(gateway: Gateway) -> None:
    started_s = asyncio.get_running_loop().time()
    while not gateway.is_warm.is_set():
        waiting = [name for name, state in gateway.part_states().items() if state.status != "ok"]
        seconds = asyncio.get_running_loop().time() - started_s
        print(f"\r\x1b[Kloading {', '.join(waiting)} … {seconds:.1f} s", end="", file=sys.stderr, flush=True)  # noqa: T201
        with suppress(TimeoutError):
            await asyncio.wait_for(gateway.is_warm.wait(), 0.2)
    for name, state in gateway.part_states().items():
        if state.status != "ok":
            print(f"\r\x1b[K{name}: {state.reason}", file=sys.stderr)  # noqa: T201
    print("\r\x1b[K", end="", file=sys.stderr, flush=True)  # noqa: T201


def _refuse_unsafe_binding(server: ServerSettings) -> None:
    if not is_loopback(server.host) and not server.require_key:
        raise SettingsError(
            f'server.host = "{server.host}" can be reached by others, and server.require_key is false: '
            "set require_key = true and a master_key, or bind to 127.0.0.1"
        )


def _bind(server: ServerSettings) -> socket.socket:
    try:
        family = socket.getaddrinfo(server.host, server.port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((server.host, server.port))
    except OSError as error:
        raise CannotStart(
            f"{server.host}:{server.port} cannot be listened on ({error.strerror}); "
            "stop what uses it, or choose another with --port or server.port"
        ) from None
    return listener


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _on_signals(gateway: Gateway, stopping: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()

    asked_s = 0.0

    def stop() -> None:
        nonlocal asked_s
        if not stopping.is_set():
            stopping.set()
            asked_s = loop.time()
        elif loop.time() - asked_s > _SAME_REQUEST_S:
            os._exit(1)  # asked twice: what is in flight is `unknown` in the ledger at the next start

    reloads: set[asyncio.Task[None]] = set()

    def reload() -> None:
        task = loop.create_task(_reload(gateway))
        reloads.add(task)
        task.add_done_callback(reloads.discard)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    loop.add_signal_handler(signal.SIGHUP, reload)


async def _reload(gateway: Gateway) -> None:
    try:
        await gateway.reload()
    except SettingsError as error:
        log.warning("settings not reloaded, the running ones stay: %s", error)
    else:
        log.warning("settings reloaded")
