"""Providers that a test before has made sick are thought well again: what a breaker waits for is one good answer."""

from tests.daemon_process import Daemon
from tests.upstream import Upstream


async def well_again(daemon: Daemon, targets: dict[str, Upstream]) -> Daemon:
    for target, server in targets.items():
        await daemon.chat("Are you well?", model=target, headers={"x-helix-cache": "off"})
        server.asked.clear()
    await daemon.forget()
    return daemon
