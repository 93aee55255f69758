"""A demo's directory is new, and leaves nothing."""

import pytest

from daemon import demo
from daemon.control_api import demo_dir
from daemon.errors import CannotStart
from daemon.settings import ServerSettings
from daemon.settings.sources import load


@pytest.fixture(autouse=True)
def own_temporary_folder(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


def test_it_is_empty_and_gone_afterwards():
    with demo.throw_away_dir() as path:
        assert ["daemon.lock"] == [entry.name for entry in path.iterdir()]
        (path / "spend.duckdb").touch()

    assert not path.exists()


def test_what_a_killed_demo_left_is_removed_first():
    (demo_dir() / "journal").mkdir(parents=True)
    (demo_dir() / "store.sqlite").touch()
    with demo.throw_away_dir() as path:
        assert ["daemon.lock"] == [entry.name for entry in path.iterdir()]


def test_a_second_demo_is_refused():
    with demo.throw_away_dir(), pytest.raises(CannotStart, match="already runs"), demo.throw_away_dir():
        pass


def test_a_link_in_its_place_is_refused(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    demo_dir().symlink_to(tmp_path / "elsewhere")
    with pytest.raises(CannotStart, match="somebody else"), demo.throw_away_dir():
        pass


def test_nothing_of_the_owners_settings_but_host_and_port_rules_a_demo(tmp_path):
    """With the owner's `require_key` the demo's own traffic would be turned away."""
    (tmp_path / "helix.toml").write_text("[server]\nport = 4400\nrequire_key = true\nmaster_key = 'mine'\n")
    owners = load(tmp_path / "helix.toml", environ={})

    server = demo.settings(owners, tmp_path / "demo").settings.server

    assert ServerSettings(port=4400, data_dir=str(tmp_path / "demo")) == server
