"""`helix run` with a real daemon, real child processes and the official SDKs: what is started goes through Helix."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys

import pytest

from tests.daemon_process import Daemon, anthropic_settings, openai_settings

PRICED = """
[[models]]
name = "gpt-4o-mini"
target = "openai/gpt-4o-mini"
input_usd_per_mtok = 1.0
output_usd_per_mtok = 2.0
"""

ASK_OPENAI = """
import openai, sys
for question in sys.argv[1:]:
    try:
        chat = openai.OpenAI(max_retries=0).chat.completions.create(
            model="gpt-4o-mini", messages=[{"role": "user", "content": question}], max_tokens=20)
        print(chat.choices[0].message.content)
    except openai.APIStatusError as error:
        print(error.status_code, error.code)
"""

ASK_ANTHROPIC = """
import anthropic
message = anthropic.Anthropic(max_retries=0).messages.create(
    model="claude-haiku-4-5", messages=[{"role": "user", "content": "Hello"}], max_tokens=20)
print(message.content[0].text)
"""


def python(code: str, *arguments: str) -> tuple[str, ...]:
    return ("--", sys.executable, "-c", code, *arguments)


async def test_an_sdk_that_is_started_goes_through_the_gateway(daemon, upstream):
    code, out, err = await daemon.helix("run", *python(ASK_OPENAI, "Hello"))

    assert (0, "Hello from upstream\n") == (code, out), err
    assert 1 == len(upstream.asked)


async def test_anthropics_sdk_too(daemon, upstream):
    code, out, err = await daemon.helix("run", *python(ASK_ANTHROPIC))

    assert (0, "Hello from upstream\n") == (code, out), err
    assert "/v1/messages" == upstream.last.path


async def test_the_receipt_has_the_figures_of_this_run_only(share_daemon):
    daemon = await share_daemon(PRICED)
    await daemon.chat("Somebody else's question")

    _, _, err = await daemon.helix("run", *python(ASK_OPENAI, "I am jane@example.com", "I am jane@example.com"))

    (receipt,) = err.splitlines()
    # 11 tokens in at $1 and 7 out at $2 per million, bought once and saved once.
    assert "$0.000025 for 1 call · 11 + 7 tokens · saved $0.000025 with 1 hit · 2 values hidden · " in receipt


async def test_a_run_is_found_in_reports_by_its_own_tags(daemon):
    await daemon.helix("run", "--tag", "nightly", *python(ASK_OPENAI, "Hello"))

    rows = (await daemon.helix_json("spend", "--by", "tag"))["rows"]
    assert [1] == [row["calls"] for row in rows if row["tag"] == "nightly"]


async def test_a_used_up_budget_refuses_and_the_receipt_says_so(share_daemon, upstream):
    daemon = await share_daemon(PRICED)

    _, out, err = await daemon.helix("run", "--budget", "0.000001", *python(ASK_OPENAI, "Hello"))

    assert "429 budget_exceeded\n" == out
    assert "1 refused: the budget of this run is used up" in err
    assert [] == upstream.asked


async def test_the_budget_of_a_run_ends_with_it(share_daemon):
    daemon = await share_daemon(PRICED)

    code, out, err = await daemon.helix("run", "--budget", "2", *python(ASK_OPENAI, "Hello"))

    assert (0, "Hello from upstream\n") == (code, out), err
    assert [] == await daemon.helix_json("budget", "list")


async def test_the_exit_code_is_that_of_what_was_started(daemon):
    assert 23 == (await daemon.helix("run", *python("raise SystemExit(23)")))[0]
    assert 127 == (await daemon.helix("run", "--", "no-such-command-anywhere"))[0]


async def test_options_behind_the_command_are_the_commands(daemon):
    _, out, _ = await daemon.helix("run", sys.executable, "-c", "import sys; print(sys.argv[1:])", "--budget", "--help")

    assert "['--budget', '--help']\n" == out


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
async def test_a_signal_reaches_what_was_started_once(daemon, number):
    code = (
        "import signal, sys, time\n"
        "heard = []\n"
        f"signal.signal({int(number)}, lambda *_: heard.append(1))\n"
        "print('ready', flush=True)\n"
        "while not heard: signal.pause()\n"
        "print(len(heard)); sys.exit(7)"
    )
    running = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "helix_cli", "run", *python(code), stdout=asyncio.subprocess.PIPE,
        stdin=asyncio.subprocess.DEVNULL, env=daemon.environ | {"HELIX_CONFIG": str(daemon.config)},
    )  # fmt: skip
    assert running.stdout is not None
    async with asyncio.timeout(30):
        assert b"ready\n" == await running.stdout.readline()
        running.send_signal(number)
        out, _ = await running.communicate()

    assert (7, b"1\n") == (running.returncode, out)


async def test_what_a_signal_ended_leaves_as_shells_say_it(daemon):
    assert 128 + 9 == (await daemon.helix("run", *python("import os; os.kill(os.getpid(), 9)")))[0]


async def test_a_proxy_of_the_environment_is_not_asked(daemon, upstream):
    """A corporate proxy would be sent the requests that are meant for this machine."""
    daemon.environ |= {"HTTP_PROXY": "http://127.0.0.1:9", "http_proxy": "http://127.0.0.1:9"}

    code, out, err = await daemon.helix("run", *python(ASK_OPENAI, "Hello"))

    assert (0, "Hello from upstream\n") == (code, out), err


async def test_two_runs_without_a_daemon_start_one(tmp_path, upstream):
    """It outlives both, and answers them."""
    providers = anthropic_settings(upstream.url) + openai_settings(upstream.openai_url, 'models = ["gpt-*"]\n')
    home = Daemon(tmp_path / "fresh", providers)
    try:
        ran = await asyncio.gather(*(home.helix("run", *python(ASK_OPENAI, f"Question {n}")) for n in range(2)))

        assert [(0, "Hello from upstream\n")] * 2 == [(code, out) for code, out, _ in ran], ran
        assert 1 == sum("started the gateway" in err for _, _, err in ran)
    finally:
        os.kill(json.loads((home.data_dir / "daemon.json").read_text())["pid"], signal.SIGTERM)


async def test_a_daemon_that_cannot_start_says_why(tmp_path):
    home = Daemon(tmp_path / "fresh", '[server]\nhost = "0.0.0.0"\n')

    code, out, err = await home.helix("run", *python("print('never')"))

    assert (1, "") == (code, out)
    assert "require_key" in err


async def test_a_run_has_a_key_of_its_own_that_ends_with_it(own_daemon):
    show = python("import os; print(os.environ['OPENAI_API_KEY'])" + ASK_OPENAI, "Hello")
    _, first, _ = await own_daemon.helix("run", *show)
    _, second, _ = await own_daemon.helix("run", *show)

    keys = {out.splitlines()[0] for out in (first, second)}
    assert 2 == len(keys)
    assert all(key.startswith("hx-") for key in keys)
    assert [] == await own_daemon.helix_json("keys", "list")


async def test_a_gateway_that_wants_keys_takes_the_runs(start_daemon):
    daemon = await start_daemon('[server]\nrequire_key = true\nmaster_key = "m"\n')

    code, out, err = await daemon.helix("run", *python(ASK_OPENAI, "Hello"))

    assert (0, "Hello from upstream\n") == (code, out), err


async def test_where_the_provider_needs_the_callers_key_it_goes_on(tmp_path, upstream):
    provider = f'[[providers]]\nname = "openai"\ntype = "openai"\nbase_url = "{upstream.openai_url}"\n'
    async with Daemon(tmp_path / "keyless", provider, OPENAI_API_KEY="sk-the-callers") as daemon:
        await daemon.helix("run", *python(ASK_OPENAI, "Hello"))

    assert "Bearer sk-the-callers" == upstream.last.headers["authorization"]


async def test_what_is_no_amount_or_no_tag_is_refused_before_anything_starts(daemon):
    assert 2 == (await daemon.helix("run", "--budget", "much", *python("")))[0]
    assert 2 == (await daemon.helix("run", "--tag", "two words", *python("")))[0]
