"""The data directory belongs to one daemon, and its secrets to its owner."""

import json
import stat
import subprocess
import sys

import pytest

from daemon import data_dir
from daemon.errors import CannotStart

RUNTIME = {"url": "http://127.0.0.1:1", "pid": 1, "version": "0", "token": "t"}


def test_a_second_owner_is_refused_with_a_sentence(tmp_path):
    with data_dir.owned(tmp_path), pytest.raises(CannotStart, match="already runs on"), data_dir.owned(tmp_path):
        pass


def test_the_directory_is_free_again_when_its_owner_was_killed(tmp_path):
    """The kernel lets go of the lock: no pid file can be stale."""
    script = (
        "import os, pathlib, signal, sys; from daemon import data_dir\n"
        "with data_dir.owned(pathlib.Path(sys.argv[1])): os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False)

    with data_dir.owned(tmp_path):
        pass


def test_the_installation_key_stays_and_is_the_owners_alone(tmp_path):
    key = data_dir.installation_key(tmp_path)

    assert key == data_dir.installation_key(tmp_path)
    assert 0o600 == stat.S_IMODE((tmp_path / "installation.key").stat().st_mode)


def test_a_damaged_installation_key_is_said_not_replaced(tmp_path):
    (tmp_path / "installation.key").write_bytes(b"short")

    with pytest.raises(CannotStart, match="damaged"):
        data_dir.installation_key(tmp_path)


def test_each_purpose_has_a_key_of_its_own():
    assert data_dir.derived_key(b"k" * 32, "callers") != data_dir.derived_key(b"k" * 32, "operators")


def test_the_runtime_file_is_there_while_the_daemon_runs(tmp_path):
    file = tmp_path / "daemon.json"
    with data_dir.announced(tmp_path, RUNTIME):
        assert RUNTIME == json.loads(file.read_text())
        assert 0o600 == stat.S_IMODE(file.stat().st_mode)

    assert not file.exists()


def test_a_directory_that_cannot_be_made_is_a_sentence(tmp_path):
    (tmp_path / "file").touch()

    with pytest.raises(CannotStart, match="cannot be written"):
        data_dir.prepare(tmp_path / "file" / "data")
