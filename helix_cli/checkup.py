"""What may be wrong on a machine: one function for each thing that `helix doctor` looks at.

Each yields findings; whoever is well yields one that says so. Nothing is changed, and nothing waits for long.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import socket
import stat
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from daemon.errors import SettingsError

from . import clients
from .agent_files import AGENTS
from .control_client import ControlClient
from .daemon_start import url_of
from .diagnostics import CommandFailed, DaemonUnreachable
from .redis_probe import RedisUnreachable, probe

if TYPE_CHECKING:
    from daemon.settings.sources import Loaded

LEAST_FREE_BYTES = 2**30
CLOCK_TOLERANCE_S = 60
SLOW_REDIS_MS = 10.0
"""A request waits for it twice; a server on the same network answers within one."""
OLD_PRICES_DAYS = 90

_CONNECT_S = 0.5
_INSTALL_AGAIN = "install Helix again: ./install.sh"


@dataclass(frozen=True, slots=True)
class Finding:
    check: str
    state: Literal["ok", "note", "wrong"]
    """`note` is worth knowing, and nothing fails because of it."""
    says: str
    next_step: str = ""


def examine(config: Path | None, environ: Mapping[str, str]) -> Iterator[Finding]:
    """All findings, in the order in which a person would look."""
    yield from command(environ)
    try:
        loaded = _settings(config)
    except SettingsError as error:
        yield from (Finding("config", "wrong", line, _step_for(line)) for line in str(error).splitlines())
        return
    yield from settings(loaded)
    yield from providers(loaded, environ)
    yield from data_dir(loaded.data_dir)
    yield from daemon(loaded)
    yield from redis(loaded.settings.storage.url)
    yield from models(_model_folders())
    yield from prices()
    yield from client_variables(url_of(loaded), environ)
    yield from client_files(url_of(loaded), environ, Path.home())
    yield from proxies(url_of(loaded), environ)


def command(environ: Mapping[str, str]) -> Iterator[Finding]:
    """The shell must find this Helix, and not an editor or a tool of the same name."""
    ours = (Path(sys.executable).parent / "helix").resolve()
    found = shutil.which("helix", path=environ.get("PATH", ""))
    if found is None:
        yield Finding("command", "note", "helix is not on the PATH", "run ./install.sh, or add its folder to the PATH")
    elif Path(found).resolve() == ours:
        yield Finding("command", "ok", found)
    else:
        step = "put this one's folder first in the PATH, or remove the other"
        yield Finding("command", "wrong", f"the PATH leads to another helix: {found}", step)


def settings(loaded: Loaded) -> Iterator[Finding]:
    yield Finding("config", "ok", str(loaded.file or "no helix.toml, so the defaults"))
    for warning in loaded.warnings:
        yield Finding("config", "wrong", warning, "set the variable where the daemon is started, and restart it")


def providers(loaded: Loaded, environ: Mapping[str, str]) -> Iterator[Finding]:
    """Names only: a key's value is nobody's business here."""
    names = [provider.name for provider in loaded.settings.providers]
    keys = sorted(name for name, value in environ.items() if name.endswith("_API_KEY") and value)
    if names:
        yield Finding("providers", "ok", f"in the file: {', '.join(names)}")
    elif keys:
        yield Finding("providers", "ok", f"from the environment: {', '.join(keys)}")
    else:
        step = "export OPENAI_API_KEY or ANTHROPIC_API_KEY, or add [[providers]] to helix.toml"
        yield Finding("providers", "note", "no key is in the environment, so only helix/echo answers", step)


def data_dir(path: Path) -> Iterator[Finding]:
    if path.exists():
        yield _rights(path)
    else:
        yield Finding("data", "ok", f"{path} will be made at the first start")
    yield _disk(path)


def daemon(loaded: Loaded) -> Iterator[Finding]:
    try:
        client = ControlClient.of(loaded.data_dir)
        status = client.status()
    except DaemonUnreachable:
        yield _port(loaded)
        return
    except CommandFailed as error:
        yield Finding("daemon", "wrong", str(error), "restart it: helix serve")
        return
    if status["version"] != (own := version("helix-gateway")):
        says = f"the daemon is {status['version']}, this command {own}"
        yield Finding("daemon", "wrong", says, f"restart it: kill {status['pid']}, then helix serve")
    else:
        yield Finding("daemon", "ok", f"{status['url']}, version {own}, {status['mode']}")
    for name, part in sorted(status["parts"].items()):
        if part["status"] != "ok":
            yield Finding("daemon", "wrong", f"{name} is {part['status']}: {part['reason']}", "look at: helix status")
    for name, probed_in_s in sorted(status.get("unwell_providers", {}).items()):
        says = f"the provider {name} fails; it is probed in {probed_in_s:.0f} s"
        yield Finding("daemon", "wrong", says, "look at what it answers: helix logs")
    try:
        yield clock(client, time.time())
    except CommandFailed as error:
        yield Finding("ledger", "wrong", str(error), "look at: helix status")


def clock(client: ControlClient, now_s: float) -> Finding:
    """A clock that went back lets budgets count in the wrong window."""
    newest = max((datetime.fromisoformat(row["at"]).timestamp() for row in client.logs(1)), default=now_s)
    if newest - now_s > CLOCK_TOLERANCE_S:
        says = f"the newest request in the ledger is {newest - now_s:.0f} s in the future"
        return Finding("clock", "wrong", says, "set the clock: timedatectl set-ntp true")
    return Finding("clock", "ok", datetime.fromtimestamp(now_s, UTC).strftime("%Y-%m-%d %H:%M:%S UTC"))


def redis(url: str) -> Iterator[Finding]:
    if url == "embedded":
        return
    try:
        state = probe(url)
    except RedisUnreachable as error:
        says = f"{urlsplit(url).hostname or 'it'} does not answer: {error}"
        yield Finding("redis", "wrong", says, "start it, or correct storage.url")
        return
    if state.eviction not in ("", "noeviction"):
        says = f"maxmemory-policy is {state.eviction}: what budgets have counted may be thrown away"
        yield Finding("redis", "wrong", says, "redis-cli CONFIG SET maxmemory-policy noeviction")
    if state.latency_ms > SLOW_REDIS_MS:
        says = f"it takes {state.latency_ms:.1f} ms to answer, and every request waits for it"
        yield Finding("redis", "wrong", says, "move it nearer, or set storage.url to embedded")
    if state.eviction in ("", "noeviction") and state.latency_ms <= SLOW_REDIS_MS:
        yield Finding("redis", "ok", f"{state.latency_ms:.1f} ms")


def models(folders: list[Path]) -> Iterator[Finding]:
    """Compare each model file with its manifest's digest; 23 MB in about 20 ms."""
    if not folders:
        yield Finding("models", "wrong", "there are no model files, so only exact hits are found", _INSTALL_AGAIN)
    for folder in folders:
        damaged = _damaged(folder)
        if damaged:
            yield Finding("models", "wrong", f"{folder / damaged} is damaged", _INSTALL_AGAIN)
        else:
            yield Finding("models", "ok", f"{folder.name}, checksum right")


def prices() -> Iterator[Finding]:
    """litellm's table is as old as litellm; it is found and not imported."""
    spec = find_spec("litellm")
    if spec is None or spec.origin is None:
        yield Finding("prices", "wrong", "litellm is not installed, so costs are unknown", _INSTALL_AGAIN)
        return
    age_days = int((time.time() - Path(spec.origin).stat().st_mtime) // 86_400)
    says = f"litellm {version('litellm')}, installed {age_days} days ago"
    if age_days > OLD_PRICES_DAYS:
        yield Finding("prices", "note", says, "update Helix, or give prices in [[models]]")
    else:
        yield Finding("prices", "ok", says)


def client_variables(url: str, environ: Mapping[str, str]) -> Iterator[Finding]:
    given = {name: urlsplit(environ[name]) for name in clients.exports_of(url) if environ.get(name)}
    elsewhere = {name: where for name, where in given.items() if where.netloc != urlsplit(url).netloc}
    for name, where in elsewhere.items():
        # The address may hold a password, so only its host is shown.
        says = f"{name} points to {where.hostname or 'no address'}, past the gateway"
        yield Finding("clients", "wrong", says, 'eval "$(helix env)", and look where your shell sets it')
    if not given:
        step = 'eval "$(helix env)", or: helix run -- CMD'
        yield Finding("clients", "note", "no client of this shell is pointed to the gateway", step)
    elif not elsewhere:
        yield Finding("clients", "ok", f"{', '.join(given)} point to the gateway")


def client_files(url: str, environ: Mapping[str, str], home: Path) -> Iterator[Finding]:
    """An agent whose settings name another server is past the gateway, whatever the shell says. Agents whose settings
    name none are not spoken of."""
    for name, file in AGENTS.items():
        path = file.place(environ, home)
        try:
            addresses = [urlsplit(address) for address in file.addresses(path.read_text())]
        except (OSError, UnicodeDecodeError, ValueError):
            continue
        elsewhere = [where.hostname or "no address" for where in addresses if where.netloc != urlsplit(url).netloc]
        if elsewhere:
            says = f"{path} sends {name} to {', '.join(elsewhere)}, past the gateway"
            yield Finding("clients", "wrong", says, f"helix configure {name}")
        elif addresses:
            yield Finding("clients", "ok", f"{path} sends {name} to the gateway")


def proxies(url: str, environ: Mapping[str, str]) -> Iterator[Finding]:
    if names := clients.intercepting_proxies(url, environ):
        says = f"{' and '.join(names)} would be sent what is meant for the gateway"
        yield Finding("proxy", "wrong", says, f"export NO_PROXY=$NO_PROXY,{urlsplit(url).hostname}")
    else:
        yield Finding("proxy", "ok", "none in the way")


def _rights(path: Path) -> Finding:
    found = path.stat()
    if found.st_uid != os.geteuid():
        return Finding("data", "wrong", f"{path} belongs to another user", f"sudo chown -R $USER {path}")
    if stat.S_IMODE(found.st_mode) & 0o022:
        return Finding("data", "wrong", f"{path} can be written by other users", f"chmod 700 {path}")
    if not os.access(path, os.W_OK | os.X_OK):
        return Finding("data", "wrong", f"{path} cannot be written", f"chmod 700 {path}")
    return Finding("data", "ok", str(path))


def _disk(path: Path) -> Finding:
    there = next(folder for folder in (path, *path.parents) if folder.exists())
    free_bytes = shutil.disk_usage(there).free
    if free_bytes < LEAST_FREE_BYTES:
        says = f"{free_bytes // 2**20} MiB are free on the disk of {path}; a full one stops all new calls"
        return Finding("disk", "wrong", says, "free some space, or set server.data_dir to another disk")
    return Finding("disk", "ok", f"{free_bytes // 2**30} GiB free")


def _port(loaded: Loaded) -> Finding:
    server = loaded.settings.server
    try:
        socket.create_connection((server.host, server.port), _CONNECT_S).close()
    except OSError:
        return Finding("daemon", "note", "not running", "helix serve, or: helix run -- CMD")
    says = f"{server.host}:{server.port} is in use, and not by a Helix on {loaded.data_dir}"
    return Finding("port", "wrong", says, "stop what uses it, or set server.port")


def _settings(config: Path | None) -> Loaded:
    from daemon.settings.sources import load

    return load(config)


def _step_for(problem: str) -> str:
    return "helix config trust, once you have read it" if "helix config trust" in problem else "correct it there"


def _model_folders() -> list[Path]:
    """Beside the package in an installed wheel, in `models/` of a checkout."""
    spec = find_spec("daemon")
    package = Path(spec.origin).parent if spec and spec.origin else Path()
    places = (package / "model_files", package.parent / "models")
    return sorted(manifest.parent for place in places for manifest in place.glob("*/manifest.json"))


def _damaged(folder: Path) -> str:
    """The first file that is not as the manifest says; empty: none."""
    try:
        digests = json.loads((folder / "manifest.json").read_bytes())["sha256"]
    except (OSError, ValueError, KeyError):
        return "manifest.json"
    return next((name for name, digest in digests.items() if _sha256(folder / name) != digest), "")


def _sha256(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest()
    except OSError:
        return ""
