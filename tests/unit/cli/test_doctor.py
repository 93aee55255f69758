"""`helix doctor`: each thing that can be wrong is found, named, and has its next step."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import threading
import time

import pytest

from daemon import control_api as api
from helix_cli import checkup
from helix_cli.agent_files import AGENTS
from helix_cli.control_client import ControlClient
from tests.unit.cli.fake_daemon import log_row


@pytest.fixture
def well(home, monkeypatch):
    """A machine on which nothing is wrong: a free port, and no variable of a client or a proxy."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        monkeypatch.setenv("HELIX_SERVER__PORT", str(free.getsockname()[1]))
    for name in ("OPENAI_BASE_URL", "OPENAI_API_BASE", "ANTHROPIC_BASE_URL", "HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", str(home))
    return home


def wrong(ran):
    return {finding["check"]: finding for finding in ran.json["findings"] if finding["state"] == "wrong"}


def test_a_machine_that_is_well_leaves_with_zero(helix, well):
    ran = helix("doctor", "--json")

    assert (0, True) == (ran.code, ran.json["ok"]), ran.out


def test_every_finding_that_is_not_ok_has_a_next_step(helix, well, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://proxy:3128")
    monkeypatch.setenv("OPENAI_BASE_URL", "https://api.openai.com/v1")

    ran = helix("doctor", "--json")

    assert 1 == ran.code
    assert all(finding["next_step"] for finding in ran.json["findings"] if finding["state"] != "ok")
    assert all(len(line.split()) > 2 for line in helix("doctor").out.splitlines())


def test_another_helix_on_the_path_is_found(helix, well):
    other = well / "helix"
    other.write_text("#!/bin/sh\n")
    other.chmod(0o755)

    assert str(other) in wrong(helix("doctor", "--json"))["command"]["says"]


def test_a_port_that_something_else_uses_is_found(helix, well, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as other:
        monkeypatch.setenv("HELIX_SERVER__PORT", str(other.getsockname()[1]))

        assert "in use" in wrong(helix("doctor", "--json"))["port"]["says"]


def test_a_daemon_of_another_version_is_to_be_restarted(helix, well, daemon):
    daemon.answers["GET", api.STATUS] = daemon.answer("GET", api.STATUS) | {"version": "0.0.1", "parts": {}}

    found = wrong(helix("doctor", "--json"))["daemon"]

    assert found["says"].startswith("the daemon is 0.0.1")
    assert found["next_step"].startswith("restart it")


def test_a_part_that_is_degraded_is_named_with_its_reason(helix, well, daemon):
    assert any("embedder is degraded: loading" in line for line in helix("doctor").out.splitlines())


def test_a_provider_that_fails_is_named(helix, well, daemon):
    daemon.answers["GET", api.STATUS] = daemon.answer("GET", api.STATUS) | {"unwell_providers": {"azure": 4.2}}

    assert any("azure" in finding["says"] for finding in helix("doctor", "--json").json["findings"])
    assert "provider azure" in helix("status").out


def test_settings_that_cannot_be_used_are_shown_and_nothing_else_is_guessed(helix, well):
    (well / "helix.toml").write_text("[cache]\nmood = 'semantic'\n")

    ran = helix("doctor", "--json")

    assert "mood" in wrong(ran)["config"]["says"]


def test_an_untrusted_file_is_to_be_trusted_first(helix, well):
    (well / "helix.toml").write_text(
        '[[providers]]\nname = "openai"\ntype = "openai"\napi_key = "env:OPENAI_API_KEY"\nbase_url = "https://a/v1"\n'
    )

    assert "helix config trust" in wrong(helix("doctor", "--json"))["config"]["next_step"]


def test_keys_are_named_and_never_shown(helix, well, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")

    out = helix("doctor").out

    assert "OPENAI_API_KEY" in out
    assert "sk-very-secret" not in out


def test_an_address_elsewhere_is_named_without_its_password(helix, well, monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", "https://me:hunter2@elsewhere.example/v1")

    ran = helix("doctor", "--json")

    assert "OPENAI_BASE_URL points to elsewhere.example" in wrong(ran)["clients"]["says"]
    assert "hunter2" not in ran.out


CONTINUE = "models:\n  - name: m\n    provider: openai\n"


@pytest.mark.parametrize("agent", AGENTS)
def test_an_agent_whose_settings_name_another_server_is_found_until_it_is_configured(helix, well, agent):
    file = AGENTS[agent].place(os.environ, well)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(AGENTS[agent].edit(CONTINUE if agent == "continue" else "", "https://me:planted@elsewhere.test"))
    before = helix("doctor", "--json")
    helix("configure", agent)
    after = helix("doctor", "--json")

    assert f"sends {agent} to elsewhere.test" in wrong(before)["clients"]["says"]
    assert f"helix configure {agent}" == wrong(before)["clients"]["next_step"]
    assert "planted" not in before.out
    assert "clients" not in wrong(after)
    assert any(f"sends {agent} to the gateway" in finding["says"] for finding in after.json["findings"])


def test_a_proxy_in_the_way_is_found_until_the_gateway_is_exempt(helix, well, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://proxy:3128")
    assert "HTTP_PROXY" in wrong(helix("doctor", "--json"))["proxy"]["says"]

    monkeypatch.setenv("NO_PROXY", "example.com, 127.0.0.1")
    assert 0 == helix("doctor").code


def test_a_data_directory_that_others_can_write_is_found(helix, well):
    data = well / "data" / "helix"
    data.mkdir(parents=True)
    data.chmod(0o777)

    assert f"chmod 700 {data}" == wrong(helix("doctor", "--json"))["data"]["next_step"]


def test_a_clock_that_went_back_is_found_by_the_ledgers_newest_row(daemon):
    client = ControlClient.of(daemon.data_dir)
    assert "ok" == checkup.clock(client, time.time()).state

    daemon.past.append(log_row(at="2026-11-21T20:00:00+00:00"))
    an_hour_before = 1_795_287_600
    assert "wrong" == checkup.clock(client, an_hour_before).state


def test_a_damaged_model_file_is_found(tmp_path):
    (tmp_path / "model.onnx").write_bytes(b"weights")
    digest = hashlib.sha256(b"weights").hexdigest()
    (tmp_path / "manifest.json").write_text(json.dumps({"sha256": {"model.onnx": digest}}))
    assert ["ok"] == [finding.state for finding in checkup.models([tmp_path])]

    (tmp_path / "model.onnx").write_bytes(b"weighs")
    (found,) = checkup.models([tmp_path])
    assert ("wrong", True) == (found.state, "model.onnx" in found.says)


def test_a_redis_that_may_throw_counters_away_is_found(redis_like):
    (found,) = checkup.redis(redis_like(b"allkeys-lru"))

    assert ("wrong", True) == (found.state, "allkeys-lru" in found.says)
    assert ["ok"] == [finding.state for finding in checkup.redis(redis_like(b"noeviction"))]


def test_a_redis_that_is_not_there_is_found_without_its_password():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        (found,) = checkup.redis(f"redis://:hunter2@127.0.0.1:{unused.getsockname()[1]}/0")

    assert "wrong" == found.state
    assert "hunter2" not in found.says


def test_of_a_cluster_the_first_node_is_asked(redis_like):
    node = redis_like(b"noeviction").removesuffix("/0").replace("redis://", "redis+cluster://")

    assert ["ok"] == [finding.state for finding in checkup.redis(f"{node},10.0.0.2:6379")]


def test_a_ledger_that_does_not_answer_is_a_finding(helix, well, daemon):
    daemon.answers["GET", api.LOGS] = (503, {"error": {"message": "the spend log did not answer"}}, {})

    assert "ledger" in wrong(helix("doctor", "--json"))


def test_without_redis_nothing_is_asked():
    assert [] == list(checkup.redis("embedded"))


@pytest.fixture
def redis_like():
    """Start a server that answers as Redis does, with this policy; its URL."""
    servers = []

    def start(policy: bytes) -> str:
        server = socket.create_server(("127.0.0.1", 0))
        servers.append(server)
        threading.Thread(target=_answer_as_redis, args=(server, policy), daemon=True).start()
        return f"redis://127.0.0.1:{server.getsockname()[1]}/0"

    yield start
    for server in servers:
        server.close()


def _answer_as_redis(server: socket.socket, policy: bytes) -> None:
    memory = b"# Memory\r\nmaxmemory_policy:" + policy + b"\r\n"
    connection, _ = server.accept()
    with connection, connection.makefile("rwb") as wire:
        while head := wire.readline():
            words = [wire.read(int(wire.readline()[1:]) + 2).strip() for _ in range(int(head[1:]))]
            wire.write(b"$%d\r\n%s\r\n" % (len(memory), memory) if words[0] == b"INFO" else b"+PONG\r\n")
            wire.flush()
