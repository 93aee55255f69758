"""The journal survives crashes and full disks, and stays readable."""

from __future__ import annotations

import errno
import os
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.adapters.journal_file import FileJournal
from daemon.errors import CannotStart, JournalUnavailable


def numbers(journal: FileJournal) -> list[tuple[int, int]]:
    return [(seq, record["n"]) for seq, record in journal.replay()]


def test_records_come_back_in_order_with_rising_numbers(tmp_path):
    journal = FileJournal(tmp_path / "journal")
    for n in range(3):
        journal.append({"n": n})
    journal.close()

    again = FileJournal(tmp_path / "journal")

    assert [(1, 0), (2, 1), (3, 2)] == numbers(again)
    assert 4 == again.append({"n": 3})


def test_a_record_is_with_the_operating_system_before_append_returns(tmp_path):
    journal = FileJournal(tmp_path)

    journal.append({"n": 1})

    assert [(1, 1)] == numbers(FileJournal(tmp_path))


@settings(max_examples=50)
@given(cut=st.integers(0, 60))
def test_a_torn_last_line_is_dropped_and_nothing_is_written_behind_it(tmp_path_factory, cut):
    directory = tmp_path_factory.mktemp("journal")
    journal = FileJournal(directory)
    for n in range(3):
        journal.append({"n": n})
    [file] = directory.iterdir()
    whole = file.read_bytes()
    os.truncate(file, len(whole) - min(cut, len(whole)))
    kept = [0, 1, 2][: file.read_bytes().count(b"\n")]

    again = FileJournal(directory)
    again.append({"n": 99})

    assert [*kept, 99] == [n for _, n in numbers(again)]
    seqs = [seq for seq, _ in numbers(again)]
    assert sorted(set(seqs)) == seqs


def test_amounts_and_moments_come_back_as_text(tmp_path):
    journal = FileJournal(tmp_path)
    journal.append({"n": [Decimal("0.10"), datetime(2026, 11, 21, 12, tzinfo=UTC)]})

    assert [(1, ["0.10", "2026-11-21T12:00:00+00:00"])] == numbers(journal)


def test_whole_files_are_forgotten_and_the_numbering_goes_on(tmp_path):
    journal = FileJournal(tmp_path, file_bytes=50)
    for n in range(1, 21):
        journal.append({"n": n})
    files = len(list(tmp_path.iterdir()))

    journal.forget_through(10)
    assert {11, 12, 20} <= {n for _, n in numbers(journal)}
    assert 1 < len(list(tmp_path.iterdir())) < files

    journal.forget_through(20)
    assert 1 == len(list(tmp_path.iterdir()))
    journal.close()
    assert 21 == FileJournal(tmp_path).append({"n": 21})


def test_numbering_starts_after_what_is_known_elsewhere(tmp_path):
    journal = FileJournal(tmp_path)
    journal.start_after(500)

    assert 501 == journal.append({"n": 1})
    assert 502 == FileJournal(tmp_path).append({"n": 2})


@pytest.mark.parametrize("written", [0, 5, None])
def test_a_full_disk_leaves_no_half_line(tmp_path, monkeypatch, written):
    """`written` bytes still fit; None: the call fails."""
    journal = FileJournal(tmp_path)
    journal.append({"n": 1})
    write = os.write

    def write_on_a_full_disk(fd: int, data: bytes) -> int:
        if written is None:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(fd, data[:written]) if written else 0

    monkeypatch.setattr(os, "write", write_on_a_full_disk)
    with pytest.raises(JournalUnavailable):
        journal.append({"n": 2})
    monkeypatch.undo()
    journal.append({"n": 3})

    assert [1, 3] == [n for _, n in numbers(journal)]


def test_a_damaged_line_is_left_out(tmp_path):
    journal = FileJournal(tmp_path)
    journal.append({"n": 1})
    [file] = tmp_path.iterdir()
    with file.open("ab") as end:
        end.write(b"\x00\xff{not json\n[]\n")
    journal.append({"n": 2})

    assert [1, 2] == [n for _, n in numbers(journal)]


def test_it_is_for_the_owners_eyes(tmp_path):
    FileJournal(tmp_path / "journal").append({"n": 1})

    [file] = (tmp_path / "journal").iterdir()
    assert (0o700, 0o600) == ((tmp_path / "journal").stat().st_mode & 0o777, file.stat().st_mode & 0o777)


def test_a_directory_that_cannot_be_made_is_a_sentence(tmp_path):
    (tmp_path / "file").touch()

    with pytest.raises(CannotStart, match=r"the journal in .* cannot be opened"):
        FileJournal(tmp_path / "file" / "journal")


def test_always_means_on_the_disk_before_append_returns(tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr(os, "fsync", synced.append)

    FileJournal(tmp_path, fsync_always=True).append({"n": 1})

    assert 1 == len(synced)


def test_a_new_file_lets_all_that_there_was_be_forgotten(tmp_path):
    journal = FileJournal(tmp_path)
    first = journal.append({"user": "ann"})
    journal.begin_file()
    journal.begin_file()
    journal.forget_through(first)
    left = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    second = journal.append({"user": "bo"})

    assert b"" == left
    assert [(second, {"user": "bo"})] == list(journal.replay())
    assert second > first
