"""`helix bench cache`: labelled questions in, hit rate against wrong hits out; no daemon."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from daemon.control_api.cache import BenchRow, BenchTable
from helix_cli.cache_plot import svg
from helix_cli.main import app

CITIES = ("Oslo", "Lima", "Hanoi", "Cairo", "Perth", "Quito")
WAYS = (
    "how many people live in {}",
    "what is the population of {}?",
    "Population of {}",
    "how large is the population of {}",
)


def run(*arguments: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, ["bench", "cache", *arguments])
    return done.exit_code, done.stdout, str(done.exception or "")


@pytest.fixture
def stream(tmp_path: Path) -> Path:
    file = tmp_path / "stream.jsonl"
    rows = [{"text": way.format(city), "cls": city} for city in CITIES for way in WAYS]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    file = tmp_path / "pairs.jsonl"
    rows = [
        {"query": "is Oslo larger than Lima", "cached_query": "is Lima larger than Oslo", "label": 0},
        {"query": "IS OSLO LARGER THAN LIMA?", "cached_query": "is Oslo larger than Lima", "label": 1},
    ]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


def test_a_stream_is_played_by_every_rule(stream: Path) -> None:
    code, out, _ = run("--stream", str(stream), "--seeds", "2", "--json")

    (table,) = json.loads(out)
    assert (0, "stream.jsonl", "stream") == (code, table["file"], table["kind"])
    assert [("cosine", 0.8), ("cosine", 0.88), ("cosine", 0.95), ("helix", 0.01), ("helix", 0.02), ("helix", 0.05)] == [
        (row["rule"], row["setting"]) for row in table["rows"]
    ]
    assert {2 * len(CITIES) * len(WAYS)} == {row["asked"] for row in table["rows"]}
    assert {2 * len(CITIES) * (len(WAYS) - 1)} == {row["answerable"] for row in table["rows"]}


def test_of_pairs_the_swapped_one_is_wrong_for_cosine_and_a_miss_for_helix(pairs: Path) -> None:
    _, out, _ = run("--pairs", str(pairs), "--seeds", "1", "--max-error", "0.02", "--json")

    cosine, *_, helix = json.loads(out)[0]["rows"]
    assert (2, 1) == (cosine["hits"], cosine["wrong"])
    assert (1, 0) == (helix["hits"], helix["wrong"])


def test_people_see_a_table_and_a_picture_where_they_want_one(pairs: Path, tmp_path: Path) -> None:
    code, out, _ = run("--pairs", str(pairs), "--seeds", "1", "--plot", str(tmp_path / "plot.svg"))

    assert 0 == code
    assert "max_error 0.05" in out and "cosine 0.88" in out
    assert (tmp_path / "plot.svg").read_text().startswith("<svg")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("nonsense", "line 1: not a JSON object"),
        ('{"text": "a", "cls": "b"}\n{"text": "a"}', "line 2: cls is to be a text"),
    ],
)
def test_a_file_of_another_shape_is_named_with_its_line(tmp_path: Path, content: str, sentence: str) -> None:
    file = tmp_path / "odd.jsonl"
    file.write_text(content)

    assert sentence in run("--stream", str(file))[2]


def test_no_file_is_a_usage_mistake() -> None:
    assert "--stream FILE or --pairs FILE" in run()[2]


def test_a_picture_has_every_point() -> None:
    row: BenchRow = {
        "rule": "helix", "setting": 0.02, "asked": 100, "answerable": 60, "hits": 50, "wrong": 1,
        "hit_rate": 0.5, "wrong_of_hits": 0.02, "wrong_low": 0.0, "wrong_high": 0.1,
    }  # fmt: skip
    table: BenchTable = {"file": "a<b", "kind": "stream", "rows": [row, {**row, "rule": "cosine", "setting": 0.88}]}

    drawn = svg([table])

    assert 2 == drawn.count("<circle")
    assert "a&lt;b" in drawn and ">.02<" in drawn and ">.88<" in drawn
