"""Every provider that litellm translates for, through a child process that is started at the first call."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from yarl import URL

from ..errors import UpstreamFailed, UpstreamTimeout
from ..exchange import Answer, Call, DialectName
from ..json_text import to_json
from ..settings import ProviderSettings
from .provider_http import HttpTransport, api_key

logger = logging.getLogger(__name__)

FAILURE_HEADER = "x-litellm-failure"
UNREACHABLE = "unreachable"
TIMED_OUT = "timed-out"

_START_S = 60.0
"""litellm's import takes 3 s of CPU; on a busy machine with cold disks a multiple of it."""

_STEADY_S = 60.0
"""A child that lived longer than this did not die of being started."""

_MEANT_FOR_THE_MODEL = frozenset({"anthropic-beta"})
"""Headers of a caller that mean something behind litellm too; it makes all others itself."""

_PLAIN_VARIABLES = (  # noqa: SIM905  one name a line would be a page
    "PATH LANG LC_ALL LC_CTYPE TZ TMPDIR SSL_CERT_FILE SSL_CERT_DIR REQUESTS_CA_BUNDLE CURL_CA_BUNDLE "
    "HTTP_PROXY HTTPS_PROXY NO_PROXY ALL_PROXY http_proxy https_proxy no_proxy all_proxy"
).split()

_CLOUD_VARIABLES = (  # noqa: SIM905
    "HOME AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_REGION AWS_REGION_NAME AWS_DEFAULT_REGION "
    "AWS_PROFILE AWS_CONFIG_FILE AWS_SHARED_CREDENTIALS_FILE GOOGLE_APPLICATION_CREDENTIALS GOOGLE_CLOUD_PROJECT "
    "VERTEXAI_PROJECT VERTEXAI_LOCATION AZURE_API_BASE AZURE_API_VERSION"
).split()


class LitellmProvider:
    """Asks the model that litellm knows as `call.target.model`, such as `bedrock/anthropic.claude-…`."""

    speaks: frozenset[DialectName] = frozenset({"chat", "messages", "count_tokens", "responses", "embeddings"})

    def __init__(self, settings: ProviderSettings, *, vendor: str = "") -> None:
        """With `vendor` the models of `call.target` are known to litellm as `vendor/model`.

        Raises:
            SettingsError: `api_key` cannot be used.
        """
        self._prefix = f"{vendor}/" if vendor else ""
        self._name = settings.name
        self._api_key = api_key(settings)
        self._api_base = settings.base_url or None
        self._options = settings.options
        self._timeout_s = min(max(settings.first_token_timeout_s, settings.idle_timeout_s), settings.timeout_s)
        self._child = LitellmChild(settings.name, _child_environment(settings, os.environ))
        self._http = HttpTransport(settings, socket_path=str(self._child.socket_path))

    async def ask(self, call: Call) -> Answer:
        await self._child.running()
        # The host only fills the Host header; the connection is the unix socket.
        url = URL(f"http://litellm/{call.dialect}")
        answer = await self._http.send(url, self._request(call), {})
        if (failure := answer.headers.get(FAILURE_HEADER)) is not None:
            await answer.pieces.aclose()
            raise self._failed(failure)
        return answer

    async def aclose(self) -> None:
        await self._http.aclose()
        await self._child.aclose()

    def _request(self, call: Call) -> bytes:
        return to_json(
            {
                "body": {**call.body, "model": self._prefix + call.target.model},
                "api_key": self._api_key or call.credential,
                "api_base": self._api_base,
                "options": self._options,
                "extra_headers": {name: call.headers[name] for name in _MEANT_FOR_THE_MODEL & call.headers.keys()},
                "timeout_s": self._timeout_s,
            }
        )

    def _failed(self, failure: str) -> UpstreamFailed:
        if failure == TIMED_OUT:
            return UpstreamTimeout(f"provider {self._name} did not answer in time")
        return UpstreamFailed(f"provider {self._name}: it could not be reached")


class LitellmChild:
    """The process: started when first needed, started again when it has died, gone when the daemon is gone.

    Its socket lies in a directory that only this user can enter.
    """

    def __init__(self, provider: str, environment: Mapping[str, str]) -> None:
        self._provider = provider
        # Named now and made at the first start, so that a provider nobody asks leaves nothing behind.
        self._directory = Path(tempfile.gettempdir(), f"helix-litellm-{secrets.token_hex(8)}")
        self._environment = {"HOME": str(self._directory), **environment}
        self._process: asyncio.subprocess.Process | None = None
        self._starting: asyncio.Task[None] | None = None
        self._started_at_s = 0.0
        self._recent_starts = 0

    @property
    def socket_path(self) -> Path:
        return self._directory / "socket"

    @property
    def pid(self) -> int | None:
        """None while there is no process."""
        return self._process.pid if self._process is not None and self._process.returncode is None else None

    async def running(self) -> None:
        """Return when the process can answer. One start serves all who wait, and outlives those who leave.

        Raises:
            UpstreamFailed: it did not start, or died so often that the next start has to wait.
        """
        if self.pid is not None and self._starting is None:
            return
        if self._starting is None:
            self._starting = asyncio.create_task(self._start())
            self._starting.add_done_callback(self._start_ended)
        await asyncio.shield(self._starting)

    async def aclose(self) -> None:
        """End the process and remove its directory."""
        if self._starting is not None:
            self._starting.cancel()
            await asyncio.wait([self._starting])
        await self._end()
        shutil.rmtree(self._directory, ignore_errors=True)

    async def _start(self) -> None:
        self._refuse_too_soon()
        try:
            self._process = await self._spawn()
            is_ready = await _says_ready(self._process)
        except (OSError, TimeoutError):
            is_ready = False
        if not is_ready:
            await self._end()
            raise UpstreamFailed(f"provider {self._provider}: the litellm process did not start")
        logger.info("the litellm process of provider %s has started", self._provider)

    async def _spawn(self) -> asyncio.subprocess.Process:
        self._directory.mkdir(mode=0o700, exist_ok=True)
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "daemon.adapters.litellm_child", str(self.socket_path)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            cwd=self._directory,
            env=self._environment,
        )

    async def _end(self) -> None:
        """Its work is interrupted anyway, and it holds nothing that must be put down."""
        if self._process is None:
            return
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()

    def _refuse_too_soon(self) -> None:
        """While children die young, the next start comes 2, 4, 8 … 60 s after the last one."""
        now_s = asyncio.get_running_loop().time()
        since_s = now_s - self._started_at_s
        if since_s > _STEADY_S:
            self._recent_starts = 0
        pause_s = min(_STEADY_S, 2.0**self._recent_starts) - since_s
        if self._recent_starts and pause_s > 0:
            raise UpstreamFailed(
                f"provider {self._provider}: the litellm process died; it is started again in {pause_s:.0f} s"
            )
        self._recent_starts += 1
        self._started_at_s = now_s

    def _start_ended(self, starting: asyncio.Task[None]) -> None:
        self._starting = None
        if not starting.cancelled():
            starting.exception()  # looked at, also when all who waited have left


async def _says_ready(process: asyncio.subprocess.Process) -> bool:
    """Whether it got so far; False when its stdout ends before.

    Raises:
        TimeoutError: after _START_S.
    """
    async with asyncio.timeout(_START_S):
        while process.stdout is not None and (line := await process.stdout.readline()):
            if line == b"ready\n":
                return True
    return False


def _child_environment(settings: ProviderSettings, environ: Mapping[str, str]) -> dict[str, str]:
    """What the process may know: no key of another provider, which litellm would send wherever `base_url` says.

    Cloud identities (AWS, Google) have no `api_key`, so they are passed on, but not to a `base_url`.
    """
    names = _PLAIN_VARIABLES if settings.base_url else _PLAIN_VARIABLES + _CLOUD_VARIABLES
    return {
        **{name: environ[name] for name in names if name in environ},
        "PYTHONPATH": str(Path(__file__).parents[2]),
        # Otherwise litellm fetches these two tables from the network.
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS": "True",
        # Otherwise litellm reads ./.env.
        "LITELLM_MODE": "PRODUCTION",
    }
