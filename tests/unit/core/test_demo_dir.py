"""A demo's directory is new, and leaves nothing."""

import pytest

from daemon import demo
from daemon.control_api import demo_dir
from daemon.errors import CannotStart


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
