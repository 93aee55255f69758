"""`helix cache export` and `import` between real daemons, and what an import refuses."""

from __future__ import annotations

import json
import stat
import time

import pytest
import pytest_asyncio

from tests.daemon_process import Daemon, openai_settings
from tests.upstream import Upstream

pytestmark = pytest.mark.asyncio(loop_scope="module")

QUESTION = "What is the capital of Australia?"
NONE = {"kept": 0, "passed_over": 0, "with_pii": 0, "refused": 0}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def provider():
    async with Upstream() as upstream:
        yield upstream


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def daemon(provider, tmp_path_factory):
    async with Daemon(tmp_path_factory.mktemp("files"), openai_settings(provider.openai_url)) as daemon:
        yield daemon


@pytest.fixture
def file(tmp_path):
    return tmp_path / "answers.jsonl"


@pytest_asyncio.fixture(loop_scope="module")
async def line(daemon, file):
    """An exported entry that is kept no more, like all others."""
    await daemon.helix("cache", "clear", "--yes")
    await daemon.chat(QUESTION)
    code, _, err = await daemon.helix("cache", "export", str(file))
    assert (0, "1 entries written") == (code, err.strip().splitlines()[-1].removeprefix("helix: "))
    assert 1 == (await daemon.helix_json("cache", "clear", "--yes"))["cleared"]
    return json.loads(file.read_text())


async def taken(daemon, file, *lines, options=()):
    file.write_text("".join(line if isinstance(line, str) else json.dumps(line) + "\n" for line in lines))
    _, out, _ = await daemon.helix("cache", "import", str(file), *options, "--json")
    return json.loads(out)


def with_answer(line, text):
    answer = json.loads(line["answer"])
    answer["choices"][0]["message"]["content"] = text
    return {**line, "answer": json.dumps(answer)}


async def test_what_was_exported_hits_again_after_a_clearing(daemon, file, line):
    assert 0o600 == stat.S_IMODE(file.stat().st_mode)

    assert {**NONE, "kept": 1} == await taken(daemon, file, line)
    assert {**NONE, "passed_over": 1} == await taken(daemon, file, line)
    only = {"x-helix-cache": "only"}
    assert "exact" == (await daemon.post_chat(QUESTION, headers=only)).verdict


async def test_pii_in_a_question_or_an_answer_is_not_kept(daemon, file, line):
    asked = {**line, "question": "What does ann.lee@example.com want?"}
    answered = with_answer(line, "Write to ann.lee@example.com")
    hidden = with_answer({**line, "question": "What does <EMAIL_ADDRESS_1> want?"}, "Ask <EMAIL_ADDRESS_1>")

    assert {**NONE, "with_pii": 2, "kept": 1} == await taken(daemon, file, asked, answered, hidden)


async def test_what_is_refused_is_said_by_its_line_and_the_rest_goes_on(daemon, file, line):
    another = {**line, "key": "ab" * 32}
    wrong = (
        {**line, "key": "short"},
        "\n",
        "no JSON\n",
        [1],
        {**line, "dialect": "esperanto"},
        '{"a": ' * 2_000 + "\n",
    )
    file.write_text("")
    assert {**NONE, "refused": 5, "kept": 2} == await taken(daemon, file, *wrong, line, another)

    code, _, err = await daemon.helix("cache", "import", str(file))
    said = [text.removeprefix(f"helix: {file}, ") for text in err.splitlines()]
    assert 1 == code
    assert {"line 3: not JSON", "line 4: not a line of `helix cache export`"} <= set(said)
    assert any(text.startswith("line 1: key: expected") for text in said)
    assert any(text.startswith("line 5: dialect: expected") for text in said)


async def test_only_what_is_of_the_scope_asked_for_is_taken(daemon, file, line):
    others = {**line, "key": "ab" * 32, "scope": "key:mallory"}

    done = await taken(daemon, file, others, line, options=("--scope", line["scope"]))

    assert {**NONE, "passed_over": 1, "kept": 1} == done


async def test_nothing_lives_longer_than_it_would_here(provider, tmp_path, file, line):
    """Whatever the file says, and by the rules for the model that would be asked."""
    lives = '[[cache.lives]]\nmodel = "openai/gpt-4o-mini"\nttl_s = 600\n[[models]]\nname = "fast"\n'
    lives += 'target = "openai/gpt-4o-mini"\n' + openai_settings(provider.openai_url)
    now = time.time()
    old, young = ({**line, "model": "fast", "created_at": now - age_s, "expires_at": now + 1e6} for age_s in (700, 500))

    async with Daemon(tmp_path / "strict", lives) as strict:
        assert {**NONE, "passed_over": 1, "kept": 1} == await taken(strict, file, old, young)
        code, out, _ = await strict.helix("cache", "export", "-")
    assert 0 == code
    assert pytest.approx(now + 100, abs=1) == json.loads(out)["expires_at"]
