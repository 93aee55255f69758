"""The map of `helix redact --map`: comes back whole, to who has its key."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.errors import CannotStart, SealBroken
from daemon.pii.map_file import MapWriter, read_map

KEY, OTHER = bytes(32), b"o" * 32


def write(path, names, passphrase=None):
    with MapWriter(path, passphrase=passphrase, installation_key=KEY) as writer:
        for name, value in names.items():
            writer.add(name, value)


def read(path, passphrase=None, key=KEY):
    return read_map(path, passphrase=passphrase, installation_key=key).originals


@settings(max_examples=30)
@given(st.dictionaries(st.text(min_size=1), st.text(st.characters())))
def test_what_was_written_is_read(tmp_path_factory, names):
    path = tmp_path_factory.mktemp("map") / "map"
    write(path, names)

    assert names == read(path)


def test_many_names_and_an_odd_value_come_back(tmp_path):
    names = {f"EMAIL_ADDRESS_{number}": f"\udcff {number}@example.com" for number in range(2_500)}
    write(tmp_path / "map", names)

    assert names == read(tmp_path / "map")
    assert b"example" not in (tmp_path / "map").read_bytes()
    assert 0o600 == (tmp_path / "map").stat().st_mode & 0o777


def test_a_passphrase_opens_it_anywhere_and_nothing_else_does(tmp_path):
    write(tmp_path / "map", {"A_1": "a"}, passphrase="correct horse")

    assert {"A_1": "a"} == read(tmp_path / "map", "correct horse", OTHER)
    with pytest.raises(SealBroken):
        read(tmp_path / "map", "wrong horse")
    with pytest.raises(CannotStart, match="HELIX_MAP_PASSPHRASE"):
        read(tmp_path / "map")


def test_another_installations_map_is_refused(tmp_path):
    write(tmp_path / "map", {"A_1": "a"})

    with pytest.raises(SealBroken):
        read(tmp_path / "map", key=OTHER)


@pytest.mark.parametrize("keep", [-1, 200, 150_000])
def test_a_map_that_was_cut_is_refused_rather_than_half_read(tmp_path, keep):
    write(tmp_path / "map", {f"A_{number}": "a" * 100 for number in range(2_500)})
    whole = (tmp_path / "map").read_bytes()
    (tmp_path / "map").write_bytes(whole[:keep])

    with pytest.raises(SealBroken):
        read(tmp_path / "map")


@pytest.mark.parametrize("content", [b"", b"no map", b"[1]\n", b'{"helix_map": 2, "salt": ""}\n'])
def test_what_is_no_map_is_a_sentence(tmp_path, content):
    (tmp_path / "map").write_bytes(content)

    with pytest.raises(CannotStart):
        read(tmp_path / "map")


def test_where_it_failed_nothing_is_left_and_what_was_there_stays(tmp_path):
    write(tmp_path / "map", {"A_1": "a"})
    with pytest.raises(ZeroDivisionError), MapWriter(tmp_path / "map", passphrase=None, installation_key=KEY):
        raise ZeroDivisionError

    assert {"A_1": "a"} == read(tmp_path / "map")
    assert ["map"] == [path.name for path in tmp_path.iterdir()]
