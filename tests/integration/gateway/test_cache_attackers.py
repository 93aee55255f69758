"""Somebody with a key of his own, and rows or a file of his own making, reaches no answer of another key."""

import json
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.daemon_process import Daemon, openai_settings
from tests.upstream import Upstream

pytestmark = pytest.mark.asyncio(loop_scope="module")

QUESTION, NEAR = "How do I rename a git branch?", "how do I rename a git branch"
PLACEHOLDER = "<EMAIL_ADDRESS_1>"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def provider() -> AsyncIterator[Upstream]:
    async with Upstream(lambda asked: f"for {asked.question}") as upstream:
        yield upstream


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def daemon(provider, tmp_path_factory) -> AsyncIterator[Daemon]:
    settings = "[server]\nrequire_key = true\n" + openai_settings(provider.openai_url)
    async with Daemon(tmp_path_factory.mktemp("attackers"), settings) as running:
        await running.until_ready("ok")
        yield running


class Caller:
    """Somebody with a virtual key."""

    def __init__(self, daemon: Daemon, key: dict) -> None:
        self._daemon = daemon
        self.scope = f"key:{key['id']}"
        self._headers = {"authorization": f"Bearer {key['key']}"}

    async def ask(self, text: str, headers: dict[str, str] | None = None, **body):
        return await self._daemon.post_chat(text, headers=self._headers | (headers or {}), **body)

    async def gets(self, text: str, **body) -> str:
        """What is answered, wherever it comes from."""
        answer = await self.ask(text, **body)
        assert 200 == answer.status, answer.body
        return answer.json["choices"][0]["message"]["content"]

    async def is_kept(self, text: str, headers: dict[str, str] | None = None) -> bool:
        return 200 == (await self.ask(text, (headers or {}) | {"x-helix-cache": "only"})).status


@pytest_asyncio.fixture(loop_scope="module")
async def ann(daemon) -> Caller:
    return Caller(daemon, await daemon.helix_json("keys", "create", "--user", "ann", "--team", "red"))


@pytest_asyncio.fixture(loop_scope="module")
async def mallory(daemon) -> Caller:
    return Caller(daemon, await daemon.helix_json("keys", "create", "--user", "mallory", "--team", "red"))


async def exported(daemon: Daemon, scope: str) -> list[dict]:
    code, out, err = await daemon.helix("cache", "export", "-")
    assert 0 == code, err
    return [line for line in map(json.loads, out.splitlines()) if line["scope"] == scope]


async def test_nothing_that_a_request_says_finds_anothers_answers(daemon, ann, mallory):
    await ann.gets(QUESTION)
    claims = [
        {"x-helix-user": "ann", "x-helix-team": "red"},
        {"x-helix-cache-namespace": ann.scope},
        {"x-helix-cache-namespace": f"{ann.scope}\t"},
        {"anthropic-beta": ann.scope},
        {"x-helix-tags": ann.scope},
    ]
    found = [await mallory.is_kept(text, claim) for claim in claims for text in (QUESTION, NEAR)]

    assert not any(found)
    assert await ann.is_kept(QUESTION) and await ann.is_kept(NEAR)


async def test_text_that_looks_like_a_placeholder_brings_back_no_ones_value(daemon, ann, mallory):
    """What stands in a text as a placeholder is a text: nobody's e-mail address is put in its place."""
    assert "for Greet ann@example.com" == await ann.gets("Greet ann@example.com")

    assert f"for Greet {PLACEHOLDER}" == await mallory.gets(f"Greet {PLACEHOLDER}")
    assert "for Greet mallory@example.com" == await mallory.gets("Greet mallory@example.com")
    assert "for Greet ann@example.com" == await ann.gets("Greet ann@example.com")
    assert f"for Greet {PLACEHOLDER}" == await ann.gets(f"Greet {PLACEHOLDER}")


@pytest.mark.parametrize(
    "copied",
    [("key",), ("key", "partition"), ("partition", "vector", "question"), ("key", "partition", "vector", "question")],
)
async def test_a_file_with_rows_of_ones_own_scope_answers_nobody_else(daemon, ann, mallory, tmp_path, copied):
    """The owner imports a file of Mallory's, in which his answers have Ann's keys, contexts, vectors and words."""
    await ann.gets(QUESTION)
    await mallory.gets(QUESTION)
    (hers,), (his,) = await exported(daemon, ann.scope), await exported(daemon, mallory.scope)
    assert 0 == (await daemon.helix("cache", "clear", "--yes"))[0]
    forged = {**his, **{name: hers[name] for name in copied}}
    forged["answer"] = forged["answer"].replace("for ", "forged ")
    file = tmp_path / "forged.jsonl"
    file.write_text(json.dumps(forged))
    assert 1 == (await daemon.helix_json("cache", "import", str(file)))["kept"]

    assert not await ann.is_kept(QUESTION) and not await ann.is_kept(NEAR)
    assert f"for {QUESTION}" == await ann.gets(QUESTION)
    assert f"for {QUESTION}" == await ann.gets(NEAR)


async def test_a_scope_that_was_named_keeps_a_files_other_scopes_out(daemon, ann, mallory, tmp_path):
    """A file that Mallory wrote may say that it is Ann's: who takes only what is his takes nothing of hers."""
    await ann.gets(QUESTION)
    (hers,) = await exported(daemon, ann.scope)
    assert 0 == (await daemon.helix("cache", "clear", "--yes"))[0]
    file = tmp_path / "forged.jsonl"
    file.write_text(json.dumps({**hers, "answer": hers["answer"].replace("for ", "forged ")}))

    done = await daemon.helix_json("cache", "import", str(file), "--scope", mallory.scope)

    assert (0, 1) == (done["kept"], done["passed_over"])
    assert f"for {QUESTION}" == await ann.gets(QUESTION)
