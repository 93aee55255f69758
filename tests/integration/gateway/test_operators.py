"""Each operator in each mode, in each protocol, whole and streamed: what goes up, and what comes back."""

import re
from dataclasses import dataclass

import pytest
import pytest_asyncio

from daemon import control_api as api
from tests.daemon_process import Daemon, anthropic_settings, openai_settings
from tests.said import said
from tests.upstream import Asked, Reply, Upstream

pytestmark = pytest.mark.asyncio(loop_scope="module")

EMAIL, PHONE, CARD = "ann.lee@example.com", "+44 20 7946 0958", "4111 1111 1111 1111"
IBAN, SSN, IP = "DE89370400440532013000", "536-90-4399", "203.0.113.77"
TEXT = f"Mail {EMAIL}, call {PHONE}, pay by {CARD} or {IBAN}, from {IP}."
SENT = re.compile(
    r"Mail <EMAIL_ADDRESS_1>, call \*{16}, pay by (?P<card><CREDIT_CARD:hash:\w+>) "
    r"or (?P<iban><IBAN_CODE:encrypted:[\w=-]+>), from 203\.0\.113\.77\."
)
FOUND = "CREDIT_CARD=1,EMAIL_ADDRESS=1,IBAN_CODE=1,PHONE_NUMBER=1"
OPERATORS = """
[pii.entities]
EMAIL_ADDRESS = "replace"
PHONE_NUMBER = "mask"
CREDIT_CARD = "hash"
IBAN_CODE = "encrypt"
US_SSN = "block"
IP_ADDRESS = "allow"
"""


def asking(text):
    """The same question in every protocol."""
    turns = [{"role": "user", "content": text}]
    return {
        "/v1/chat/completions": {"model": "gpt-4o-mini", "messages": turns},
        "/v1/messages": {"model": "claude-haiku-4-5", "max_tokens": 500, "messages": turns},
        "/v1/responses": {"model": "gpt-4o-mini", "input": text},
        "/v1/completions": {"model": "gpt-instruct", "prompt": text},
        "/v1/embeddings": {"model": "gpt-embedding", "input": text},
    }


WAYS = [(path, stream) for path in asking("") for stream in (False, True) if not (stream and "embeddings" in path)]


def told(asked: Asked) -> str:
    """The text that the provider was sent."""
    return asked.question if "messages" in asked.body else asked.body.get("prompt") or asked.body["input"]


@dataclass
class House:
    """One daemon, whose mode the owner changes while it runs."""

    daemon: Daemon
    upstream: Upstream
    providers: str
    mode: str = ""

    async def ask(self, mode, path, text, *, stream=False):
        if mode != self.mode:
            await self._set(mode)
        self.upstream.asked.clear()
        self.upstream.always(lambda asked: Reply(told(asked)))
        headers = {"x-helix-cache": "off"}
        return await self.daemon.post(path, asking(text)[path] | ({"stream": True} if stream else {}), headers)

    async def _set(self, mode):
        self.daemon.config.write_text(f'[pii]\nmode = "{mode}"\n{OPERATORS}\n{self.providers}')
        assert (await self.daemon.control("POST", api.RELOAD))["reloaded"]
        self.mode = mode


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory):
    async with Upstream() as upstream:
        claude = anthropic_settings(upstream.url, 'models = ["claude-*"]\n')
        providers = claude + openai_settings(upstream.openai_url, 'models = ["gpt-*"]\n')
        async with Daemon(tmp_path_factory.mktemp("operators"), providers) as daemon:
            yield House(daemon, upstream, providers)


@pytest.mark.parametrize(("path", "stream"), WAYS)
async def test_redacted(house, path, stream):
    answer = await house.ask("redact", path, TEXT, stream=stream)
    sent = told(house.upstream.last)

    assert (200, FOUND) == (answer.status, answer.headers["x-helix-pii"])
    assert SENT.fullmatch(sent)
    if "embeddings" not in path:
        assert sent.replace("<EMAIL_ADDRESS_1>", EMAIL) == said(answer.body)[0]


@pytest.mark.parametrize(("path", "stream"), WAYS)
async def test_detected(house, path, stream):
    answer = await house.ask("detect", path, f"{TEXT} SSN {SSN}", stream=stream)

    assert (200, f"{FOUND},US_SSN=1") == (answer.status, answer.headers["x-helix-pii"])
    assert f"{TEXT} SSN {SSN}" == told(house.upstream.last)
    if "embeddings" not in path:
        assert f"{TEXT} SSN {SSN}" == said(answer.body)[0]


@pytest.mark.parametrize(("path", "stream"), WAYS)
@pytest.mark.parametrize(("mode", "text"), [("block", TEXT), ("redact", f"{TEXT} SSN {SSN}")])
async def test_blocked(house, path, stream, mode, text):
    answer = await house.ask(mode, path, text, stream=stream)
    error = answer.json["error"]

    assert (400, "pii_blocked") == (answer.status, error["code"])
    assert ("EMAIL_ADDRESS" if mode == "block" else "US_SSN") in error["message"]
    assert [] == [value for value in (EMAIL, PHONE, CARD, IBAN, SSN) if value in answer.body.decode()]
    assert [] == house.upstream.asked


@pytest.mark.parametrize(("path", "stream"), WAYS)
@pytest.mark.parametrize("mode", ["block", "redact", "detect", "off"])
async def test_what_is_allowed_passes_in_every_mode(house, path, stream, mode):
    answer = await house.ask(mode, path, f"from {IP}", stream=stream)

    assert 200 == answer.status
    assert "x-helix-pii" not in answer.headers
    assert f"from {IP}" == told(house.upstream.last)


@pytest.mark.parametrize(("path", "stream"), WAYS)
async def test_off(house, path, stream):
    answer = await house.ask("off", path, f"{TEXT} SSN {SSN}", stream=stream)

    assert 200 == answer.status
    assert "x-helix-pii" not in answer.headers
    assert f"{TEXT} SSN {SSN}" == told(house.upstream.last)


async def test_equal_values_stay_equal_in_every_protocol_and_the_owner_can_decrypt(house, tmp_path):
    sent = []
    for path in asking(""):
        await house.ask("redact", path, TEXT)
        sent.append(SENT.fullmatch(told(house.upstream.last)))
    (encrypted,) = {match["iban"] for match in sent}
    (tmp_path / "answer.txt").write_text(f"IBAN {encrypted}")
    code, out, err = await house.daemon.helix("restore", str(tmp_path / "answer.txt"))

    assert 1 == len({match["card"] for match in sent})
    assert (0, f"IBAN {IBAN}") == (code, out.strip()), err
