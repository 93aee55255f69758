"""The daemon's life: killed, drained, refused, reloaded."""

import asyncio
import signal
import socket

import pytest

from tests.daemon_process import START_S, Daemon
from tests.upstream import Reply


async def test_kill_9_under_load_loses_no_call_and_no_kept_answer(start_daemon, upstream):
    """What was answered is in the ledger once and found again, what was in flight is `unknown`."""
    budget = '[[budgets]]\nscope = "all"\nlimit_usd = 5\nwindow = "total"\n'
    daemon = await start_daemon(budget)
    answered = await asyncio.gather(*(daemon.post_chat(f"Question {n} about topic {n * 7}") for n in range(40)))
    hold = asyncio.Event()
    upstream.always(Reply(hold=hold))
    hanging = [asyncio.create_task(daemon.post_chat(f"Unanswered {n}")) for n in range(5)]
    await upstream.until_asked(45)
    await daemon.kill()
    hold.set()
    await asyncio.gather(*hanging, return_exceptions=True)
    asked = len(upstream.asked)
    await daemon.start()

    found = {row["id"]: row for row in await daemon.rows()}
    assert len(found) == len(await daemon.rows()) == asked
    assert {answer.headers["x-helix-request-id"] for answer in answered} <= found.keys()
    assert 5 == sum(row["outcome"] == "unknown" for row in found.values())
    [state] = await daemon.helix_json("budget", "list")
    assert 0 == float(state["reserved_usd"])
    again = [await daemon.post_chat(f"Question {n} about topic {n * 7}") for n in range(40)]
    assert {"exact"} == {answer.verdict for answer in again}
    assert asked == len(upstream.asked)


async def test_sigterm_lets_requests_in_flight_finish(start_daemon, upstream):
    daemon = await start_daemon()
    hold = asyncio.Event()
    upstream.always(Reply("one two three four", hold=hold, hold_after=2))
    streaming = asyncio.create_task(daemon.post_chat("hello", stream=True))
    await upstream.until_asked()
    stopping = asyncio.create_task(daemon.stop())
    await until_refused(daemon.url)
    hold.set()

    assert b"[DONE]" in (await streaming).body
    assert 0 == await stopping
    await daemon.start()
    assert ["settled"] == [row["outcome"] for row in await daemon.rows()]


async def test_a_second_daemon_on_the_same_data_says_so_and_leaves(daemon):
    code, out, err = await daemon.helix("serve")

    assert 1 == code and "" == out
    assert "already runs" in err and daemon.url in err and "Traceback" not in err


async def test_a_port_that_is_taken_is_one_sentence(daemon, tmp_path):
    other = Daemon(tmp_path / "other")
    code, out, err = await other.helix("serve", "--port", daemon.url.rpartition(":")[2])

    assert 1 == code and "" == out
    assert "--port" in err and 1 == len(err.strip().splitlines())


@pytest.mark.parametrize(
    ("toml", "told"),
    [
        ("[cache\n", "helix.toml"),
        ("[cache]\nttl = 3\n", "ttl_s"),
        ('[[budgets]]\nscope = "all"\nlimit_usd = "ten"\n', 'budgets[0].limit_usd = "ten"'),
        ('[server]\nhost = "0.0.0.0"\n', "require_key"),
        ("[cache]\nmax_error = 7\n", "cache.max_error"),
    ],
)
async def test_a_broken_file_is_one_sentence_with_the_next_step(tmp_path, toml, told):
    code, out, err = await Daemon(tmp_path, toml).helix("serve")

    assert code in (1, 2) and "" == out
    assert told in err and "Traceback" not in err


async def test_a_data_directory_that_is_a_file_is_one_sentence(tmp_path):
    daemon = Daemon(tmp_path)
    daemon.data_dir.touch()
    code, _, err = await daemon.helix("serve")

    assert 1 == code
    assert "data_dir" in err and "Traceback" not in err


async def test_sighup_reloads_and_a_bad_file_leaves_the_running_settings(start_daemon, upstream):
    daemon = await start_daemon()
    good = daemon.config.read_text()
    daemon.config.write_text(good + '\n[pii]\nmode = "off"\n')
    daemon.process.send_signal(signal.SIGHUP)
    await until_logged(daemon, "settings reloaded")
    await daemon.post_chat("Mail ann@example.com")
    assert upstream.saw("ann@example.com")

    daemon.config.write_text("broken [")
    daemon.process.send_signal(signal.SIGHUP)
    await until_logged(daemon, "not reloaded")
    assert 200 == (await daemon.post_chat("still here?")).status


async def test_the_runtime_file_is_the_owners_and_goes_with_the_daemon(own_daemon):
    file = own_daemon.data_dir / "daemon.json"
    assert 0o600 == file.stat().st_mode & 0o777
    await own_daemon.stop()

    assert not file.exists()


async def test_a_full_disk_refuses_new_calls_and_says_so(start_daemon, upstream, tmp_path):
    """A file-size limit stands for a full disk: the journal cannot grow."""
    daemon = await start_daemon()
    import resource

    resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    answer = await daemon.post_chat("hello")

    assert (503, "ledger_unavailable") == (answer.status, answer.json["error"]["code"])
    assert not upstream.asked
    resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert 200 == (await daemon.post_chat("hello")).status


async def test_the_demo_needs_and_leaves_nothing(tmp_path):
    daemon = Daemon(tmp_path / "demo")
    process = await asyncio.create_subprocess_exec(
        *daemon.command("serve", "--demo", "--port", "0"), stdout=asyncio.subprocess.PIPE, env=daemon.environ
    )
    assert process.stdout is not None
    line = await asyncio.wait_for(process.stdout.readline(), START_S)
    process.send_signal(signal.SIGTERM)

    assert b"http://" in line
    assert 0 == await asyncio.wait_for(process.wait(), START_S)
    assert not daemon.data_dir.exists()


async def until_refused(url: str) -> None:
    host, port = url.removeprefix("http://").split(":")
    async with asyncio.timeout(START_S):
        while True:
            with socket.socket() as probe:
                if probe.connect_ex((host, int(port))) != 0:
                    return
            await asyncio.sleep(0.01)


async def until_logged(daemon, text: str) -> None:
    async with asyncio.timeout(START_S):
        while text not in daemon.stderr:
            await asyncio.sleep(0.05)
