"""The door, from outside: web pages, forms, wrong tokens, somebody else's helix.toml."""

import json

import pytest

from tests.daemon_process import Daemon, openai_settings

CHAT = json.dumps({"model": "helix/echo", "messages": [{"role": "user", "content": "hello"}]}).encode()


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"host": "evil.example"}, 403),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"content-type": "application/x-www-form-urlencoded"}, 400),
        ({"content-type": "text/plain"}, 400),
        ({"authorization": "Bearer hx-not-known"}, 401),
    ],
)
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages"])
async def test_it_stays_shut(daemon, headers, status, path):
    answer = await daemon.post(path, CHAT, headers)

    assert status == answer.status
    assert "error" in answer.json
    assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize("token", [None, "", "wrong", "Bearer", "\u00e9"])
async def test_the_control_api_wants_its_token(daemon, token):
    headers = {} if token is None else {"authorization": f"Bearer {token}"}
    for method, path in [("GET", "status"), ("POST", "cache/clear"), ("GET", "logs"), ("PUT", "budgets")]:
        url = f"{daemon.url}/control/v1/{path}"
        async with daemon.session.request(method, url, headers=headers) as answer:
            assert 401 == answer.status


async def test_where_a_key_is_required_the_master_key_opens_and_stays_here(start_daemon, upstream):
    daemon = await start_daemon("[server]\nrequire_key = true\n", HELIX_SERVER__MASTER_KEY="hx-master-of-this-house")
    refused = await daemon.post_chat("hello")
    opened = await daemon.post_chat("hello", headers={"authorization": "Bearer hx-master-of-this-house"})

    assert [401, 200] == [refused.status, opened.status]
    assert not upstream.saw("hx-master-of-this-house")


async def test_a_callers_own_credential_passes_on_where_the_provider_has_none(start_daemon, upstream, tmp_path):
    settings = openai_settings(upstream.openai_url).replace('api_key = "sk-upstream"\n', "")
    async with Daemon(tmp_path / "own", settings) as daemon:
        await daemon.post_chat("hello", headers={"authorization": "Bearer sk-mine"})

    assert "Bearer sk-mine" == upstream.last.headers["authorization"]


async def test_a_helix_toml_that_somebody_else_made_may_not_read_the_environment(tmp_path):
    """`./helix.toml` of a cloned project that would send the owner's key to its own server."""
    project = tmp_path / "cloned"
    project.mkdir()
    settings = openai_settings("http://127.0.0.1:9/v1").replace('"sk-upstream"', '"env:OPENAI_API_KEY"')
    (project / "helix.toml").write_text(settings)
    daemon = Daemon(tmp_path / "own", OPENAI_API_KEY="sk-secret")
    code, out, err = await run_in(project, daemon, "serve")

    assert code != 0 and "" == out
    assert "config trust" in err and "sk-secret" not in err


async def run_in(folder, daemon, *arguments: str) -> tuple[int, str, str]:
    import asyncio
    import sys

    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "helix_cli", *arguments,
        cwd=folder, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env=daemon.environ,
    )  # fmt: skip
    out, err = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode, out.decode(), err.decode()
