"""A real daemon for tests: `helix serve` in a process of its own, over a real config file and data directory.

async with Daemon(tmp_path, providers=upstream.providers) as daemon:
    async with daemon.post("/v1/chat/completions", body) as answer: ...
"""

from __future__ import annotations

import asyncio
import copy
import itertools
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Self

import aiohttp

from tests.upstream import Upstream

READY = re.compile(rb"http://\S+")
START_S = 60
"""A bound, not a promise: two busy cores start several daemons at once."""

_caller_numbers = itertools.count(1)


class Daemon:
    """One data directory and the process that owns it now; it may be killed and started again.

    `settings` is TOML that is put behind `[server] data_dir`; `environ` is added to the process's environment.
    """

    def __init__(self, folder: Path, settings: str = "", **environ: str) -> None:
        self.data_dir = folder / "data"
        self.config = folder / "helix.toml"
        folder.mkdir(parents=True, exist_ok=True)
        self.config.write_text(settings)
        self.environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "TMPDIR": tempfile.gettempdir(),
            "HELIX_SERVER__DATA_DIR": str(self.data_dir),
            "HELIX_SERVER__PORT": "0",
            **environ,
        }
        self.process: subprocess.Popen[bytes] | None = None
        self.url = ""
        self.key = ""
        """The credential of its caller, where it is shared."""
        self._row_before: str | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        self.session = aiohttp.ClientSession()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.session.close()
        self.end()

    async def start(self) -> None:
        """Return when the ready line is there and the scanner is loaded. The process is bound to no event loop."""
        with (self.config.parent / "stderr.log").open("ab") as log:
            self.process = subprocess.Popen(self.command("serve"), stdout=subprocess.PIPE, stderr=log, env=self.environ)
        try:
            self.url = await self._url_of_ready_line(self.process)
            await self.until_ready()
        except BaseException:
            self.end()
            raise

    async def _url_of_ready_line(self, process: subprocess.Popen[bytes]) -> str:
        assert process.stdout is not None
        line = await asyncio.wait_for(asyncio.to_thread(process.stdout.readline), START_S)
        found = READY.search(line)
        assert found, f"no ready line but {line!r}; stderr: {self.stderr}"
        return found.group().decode()

    async def until_ready(self, *statuses: str) -> dict[str, Any]:
        """Wait for /health/ready to say one of these (`ok` or `degraded` when none is given)."""
        async with asyncio.timeout(START_S), aiohttp.ClientSession() as session:
            while True:
                async with session.get(f"{self.url}/health/ready") as answer:
                    ready: dict[str, Any] = await answer.json()
                if ready["status"] in (statuses or ("ok", "degraded")):
                    return ready
                await asyncio.sleep(0.05)

    @asynccontextmanager
    async def as_caller(self) -> AsyncIterator[Self]:
        """The same daemon for one more caller, whose credential, and so whose scope, is new, and who sees the rows
        that come from now on."""
        called = copy.copy(self)
        called.environ = dict(self.environ)
        called.key = f"sk-caller-{next(_caller_numbers)}"
        async with aiohttp.ClientSession() as called.session:
            await called.forget()
            yield called

    async def stop(self, number: int = signal.SIGTERM) -> int:
        """Send the signal and wait for the end; the exit code."""
        assert self.process is not None
        self.process.send_signal(number)
        return await asyncio.to_thread(self.process.wait, START_S)

    def end(self) -> None:
        """Leave nothing running."""
        if self.process is not None:
            self.process.kill()
            self.process.communicate()

    async def kill(self) -> None:
        """`kill -9`: nothing is flushed, nothing said."""
        await self.stop(signal.SIGKILL)

    @property
    def stderr(self) -> str:
        return (self.config.parent / "stderr.log").read_text()

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "helix_cli", arguments[0], "--config", str(self.config), *arguments[1:]]

    async def helix(self, *arguments: str) -> tuple[int, str, str]:
        """Run a helix command against this daemon; its exit code, stdout and stderr."""
        environ = self.environ | {"HELIX_CONFIG": str(self.config)}
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "helix_cli", *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env=environ,
        )  # fmt: skip
        out, err = await asyncio.wait_for(process.communicate(), START_S)
        assert process.returncode is not None
        return process.returncode, out.decode(), err.decode()

    async def helix_json(self, *arguments: str) -> Any:
        """What a reading command prints with --json."""
        code, out, err = await self.helix(*arguments, "--json")
        assert code == 0, err
        return json.loads(out)

    async def control(self, method: str, path: str, body: Any = None) -> Any:
        """Ask the control API as its owner does; what it says, JSON or text."""
        token = json.loads((self.data_dir / "daemon.json").read_text())["token"]
        shown = {"Authorization": f"Bearer {token}"}
        async with self.session.request(method, self.url + path, json=body, headers=shown) as answer:
            assert answer.status == 200, await answer.text()
            return await (answer.json() if answer.content_type == "application/json" else answer.text())

    async def rows(self) -> list[dict[str, Any]]:
        """The requests, oldest first, as `helix logs` shows them."""
        rows: list[dict[str, Any]] = (await self.control("GET", "/control/v1/logs?limit=1000"))["rows"]
        before = next((place for place, row in enumerate(rows) if row["id"] == self._row_before), -1)
        return rows[before + 1 :]

    async def forget(self) -> None:
        """Leave the rows so far out of `rows`."""
        self._row_before = next((row["id"] for row in reversed(await self.rows())), self._row_before)

    async def chat(
        self, text: str, *, model: str = "gpt-4o-mini", headers: dict[str, str] | None = None, **body: Any
    ) -> Any:
        """Ask one question over chat completions; the text that came back."""
        answer = await self.post_chat(text, model=model, headers=headers, **body)
        assert answer.status == 200, answer.body
        return json.loads(answer.body)["choices"][0]["message"]["content"]

    async def post_chat(
        self, text: str, *, model: str = "gpt-4o-mini", headers: dict[str, str] | None = None, **body: Any
    ) -> Replied:
        """Ask one question over chat completions; status, headers and bytes."""
        whole = {"model": model, "messages": [{"role": "user", "content": text}], **body}
        return await self.post("/v1/chat/completions", whole, headers)

    async def post(self, path: str, body: Any, headers: dict[str, str] | None = None) -> Replied:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = {"content-type": "application/json"}
        if self.key:
            sent["authorization"] = f"Bearer {self.key}"
        sent |= {name.lower(): value for name, value in (headers or {}).items()}
        async with self.session.post(self.url + path, data=raw, headers=sent) as answer:
            received = b""
            with suppress(aiohttp.ClientPayloadError):
                async for piece in answer.content.iter_any():
                    received += piece
            return Replied(answer.status, {k.lower(): v for k, v in answer.headers.items()}, received)


class Replied:
    """What came back."""

    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def verdict(self) -> str | None:
        return self.headers.get("x-helix-cache")


def openai_settings(base_url: str, more: str = "") -> str:
    """A config whose `openai` provider is at `base_url` (ends in /v1)."""
    return f'[[providers]]\nname = "openai"\ntype = "openai"\nbase_url = "{base_url}"\napi_key = "sk-upstream"\n{more}'


def anthropic_settings(base_url: str, more: str = "") -> str:
    """A config whose `anthropic` provider is at `base_url` (without /v1)."""
    provider = f'name = "anthropic"\ntype = "anthropic"\nbase_url = "{base_url}"\napi_key = "sk-ant-upstream"\n'
    return f"[[providers]]\n{provider}{more}"


def both_settings(upstream: Upstream, settings: str = "") -> str:
    """A config whose providers, for both protocols, are one upstream; `settings` come first."""
    claude = anthropic_settings(upstream.url, 'models = ["claude-*"]\n')
    return settings + "\n" + claude + openai_settings(upstream.openai_url, 'models = ["gpt-*"]\n')
