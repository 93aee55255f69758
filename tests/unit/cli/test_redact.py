"""`helix redact`: what it prints, and how it exits."""

import io
import json
import sys
from types import SimpleNamespace

import pytest

from helix_cli.redaction.sources import sources_of
from helix_cli.redaction.targets import file_below

TEXT = "Hi ann@example.com\r\nssn 536-90-4399, ann@example.com\n"


@pytest.fixture
def stdin(monkeypatch):
    def give(content):
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(content), isatty=lambda: False))

    return give


@pytest.fixture
def file(home):
    path = home / "text.txt"
    path.write_bytes(TEXT.encode())
    return path


def test_values_become_placeholders_and_all_else_stays(helix, file):
    ran = helix("redact", str(file))

    assert (0, "") == (ran.code, ran.err)
    assert "Hi <EMAIL_ADDRESS_1>\r\nssn <US_SSN_1>, <EMAIL_ADDRESS_1>\n" == ran.out


def test_a_dash_and_nothing_are_stdin(helix, stdin):
    for arguments in (("redact", "-"), ("redact",)):
        stdin(TEXT.encode())
        assert helix(*arguments).out.startswith("Hi <EMAIL_ADDRESS_1>")


def test_check_tells_where_and_never_what(helix, file):
    ran = helix("redact", "--check", str(file))

    assert 8 == ran.code
    assert [f"{file}:1:4 EMAIL_ADDRESS", f"{file}:2:5 US_SSN", f"{file}:2:18 EMAIL_ADDRESS"] == [
        line.rpartition(" ")[0] for line in ran.out.splitlines()
    ]
    assert "ann@" not in ran.out + ran.err


def test_check_of_a_clean_text_succeeds(helix, stdin):
    stdin(b"nothing here")

    assert (0, "") == ((ran := helix("redact", "--check")).code, ran.out)


def test_check_counts_lines_and_columns_through_a_long_file(helix, home):
    (home / "long").write_text("filler text\n" * 20_000 + "now ann@example.com")

    assert helix("redact", "--check", "long").out.startswith("long:20001:5 EMAIL_ADDRESS")


def test_json_has_the_text_and_offsets_into_the_input(helix, stdin):
    text = 'é "𝄞" ann@example.com'
    stdin(text.encode())
    found = helix("redact", "--json").json

    assert 'é "𝄞" <EMAIL_ADDRESS_1>' == found["text"]
    (finding,) = found["findings"]
    assert "ann@example.com" == text[finding["start"] : finding["end"]]
    assert {"entity_type", "start", "end", "score"} == finding.keys()


def test_jsonl_gives_an_object_for_each_line_in_order(helix, home):
    (home / "in.jsonl").write_text('{"t": "a ann@example.com"}\n{"t": "none", "k": 1}\n')
    ran = helix("redact", "--json", "--jsonl", "t", "in.jsonl")

    rows = [json.loads(line) for line in ran.out.splitlines()]
    assert ["a <EMAIL_ADDRESS_1>", "none"] == [row["text"] for row in rows]
    assert [(2, 17)] == [(found["start"], found["end"]) for found in rows[0]["findings"]]
    assert '{"t": "none", "k": 1}' == helix("redact", "--jsonl", "t", "in.jsonl").out.splitlines()[1]


@pytest.mark.parametrize("line", ["no json", "[1]", '{"u": ""}', '{"t": 1}', ""])
def test_a_line_without_the_field_is_named(helix, home, line):
    (home / "in.jsonl").write_text('{"t": ""}\n' + line + "\n")
    ran = helix("redact", "--jsonl", "t", "in.jsonl")

    assert 1 == ran.code
    assert "in.jsonl:2: " in ran.err


def test_a_blocked_kind_is_replaced_and_reported(helix, file):
    ran = helix("redact", "--entities", "US_SSN", "--operator", "block", str(file))

    assert 8 == ran.code
    assert "Hi ann@example.com\r\nssn <US_SSN_1>, ann@example.com\n" == ran.out
    assert "US_SSN" in ran.err and "536" not in ran.err


def test_mask_and_hash(helix, file, home):
    assert "Hi ***************\r\n" in helix("redact", "--operator", "mask", str(file)).out
    first, again = (helix("redact", "--operator", "hash", str(file)).out for _ in range(2))
    assert first == again
    assert "ann@" not in first


def test_a_kind_nobody_knows_is_a_mistake_of_usage(helix, file):
    ran = helix("redact", "--entities", "EMIAL", str(file))

    assert (2, "") == (ran.code, ran.out)


def test_a_file_that_is_not_there(helix):
    assert 4 == helix("redact", "nowhere.txt").code


def test_bytes_that_are_no_utf8_come_out_as_they_went_in(home, stdin, monkeypatch):
    stdin(b"\xff\xfe ann@example.com \x80")
    out = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(out, "utf-8"))
    monkeypatch.setattr(sys, "argv", ["helix", "redact"])
    with pytest.raises(SystemExit):
        from helix_cli.main import main

        main()
    sys.stdout.flush()

    assert b"\xff\xfe <EMAIL_ADDRESS_1> \x80" == out.getvalue()


def test_the_owners_settings_hold(helix, file, home):
    (home / "own.toml").write_text('[pii]\nmode = "off"\nentities = { EMAIL_ADDRESS = "allow" }\n')

    assert "Hi ann@example.com\r\nssn <US_SSN_1>" in helix("redact", "--config", "own.toml", str(file)).out


def test_a_folder_keeps_its_structure_and_numbers_go_through_all_of_it(helix, home):
    tree = {
        "a/b/one.txt": b"ann@example.com",
        "a/two.md": b"bo@example.com, ann@example.com",
        "pic.png": b"\x89\0ann@x.com",
    }
    for name, content in tree.items():
        path = home / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (home / "in" / ".git").mkdir()
    (home / "in" / ".git" / "config").write_text("ann@example.com")
    (home / "in" / "a" / "two.md").chmod(0o640)
    ran = helix("redact", "in", "--out", "in/redacted")
    again = helix("redact", "in", "--out", "in/redacted")

    written = {
        str(path.relative_to(home / "in" / "redacted")): path.read_text()
        for path in (home / "in" / "redacted").rglob("*.*")
    }
    assert (0, "") == (ran.code, ran.out)
    assert "in/pic.png: not a text, left out" in ran.err
    assert {"a/two.md": "<EMAIL_ADDRESS_1>, <EMAIL_ADDRESS_2>", "a/b/one.txt": "<EMAIL_ADDRESS_2>"} == written
    assert 0o640 == (home / "in/redacted/a/two.md").stat().st_mode & 0o777
    assert 0 == again.code


def test_check_of_several_files_names_each(helix, home):
    (home / "one").write_text("ann@example.com")
    (home / "two").write_text("nothing")
    (home / "three").write_text("\nbo@example.com")
    ran = helix("redact", "--check", "one", "two", "three")

    assert 8 == ran.code
    assert ["one:1:1", "three:2:1"] == [line.split(" ")[0] for line in ran.out.splitlines()]


def test_json_of_several_files_names_each(helix, home):
    for name in ("one", "two"):
        (home / name).write_text("ann@example.com")
    rows = [json.loads(line) for line in helix("redact", "--json", "one", "two").out.splitlines()]

    assert [("one", "<EMAIL_ADDRESS_1>"), ("two", "<EMAIL_ADDRESS_1>")] == [(row["file"], row["text"]) for row in rows]


@pytest.mark.parametrize(
    "arguments",
    [("one", "two"), ("folder",), ("-", "one"), ("one", "--out", "."), ("one", "folder/one", "--out", "new")],
)
def test_nothing_is_mixed_and_nothing_written_over(helix, home, arguments):
    (home / "folder").mkdir()
    for name in ("one", "two", "folder/one", "folder/two"):
        (home / name).write_text("ann@example.com")
    ran = helix("redact", *arguments)

    assert (2, "") == (ran.code, ran.out)
    assert "ann@example.com" == (home / "one").read_text()


@pytest.mark.parametrize("options", [(), ("--passphrase-file", "secret")])
def test_what_a_map_knows_is_restored(helix, home, options):
    (home / "secret").write_text("correct horse\n")
    text = "ann@example.com wrote <EMAIL_ADDRESS_1>, ssn 536-90-4399\r\n"
    (home / "in.txt").write_bytes(text.encode())
    redacted = helix("redact", "in.txt", "--map", "map", *options).out
    (home / "redacted.txt").write_bytes(redacted.replace("<US_SSN_1>", "&lt;us ssn 1&gt;").encode())
    restored = helix("restore", "redacted.txt", "--map", "map", *options)

    assert "<EMAIL_ADDRESS_1> wrote <EMAIL_ADDRESS_2>, ssn <US_SSN_1>\r\n" == redacted
    assert (0, text) == (restored.code, restored.out)
    assert b"ann@" not in (home / "map").read_bytes()


def test_a_map_under_a_passphrase_wants_it(helix, home, monkeypatch):
    (home / "in.txt").write_text("ann@example.com")
    monkeypatch.setenv("HELIX_MAP_PASSPHRASE", "correct horse")
    helix("redact", "in.txt", "--map", "map")
    monkeypatch.delenv("HELIX_MAP_PASSPHRASE")
    ran = helix("restore", "in.txt", "--map", "map")

    assert (1, "") == (ran.code, ran.out)
    assert "HELIX_MAP_PASSPHRASE" in ran.err


def test_encrypted_values_are_restored_without_a_map(helix, home):
    (home / "in.txt").write_text("to ann@example.com")
    redacted = helix("redact", "--operator", "encrypt", "in.txt").out
    (home / "redacted.txt").write_text(redacted)

    assert "ann@" not in redacted
    assert "to ann@example.com" == helix("restore", "redacted.txt").out


def test_fields_of_json_lines_are_restored(helix, home):
    line = {"t": 'say "hi" to ann@example.com', "n": 1}
    (home / "in.jsonl").write_text(json.dumps(line) + "\n")
    (home / "redacted.jsonl").write_text(helix("redact", "--jsonl", "t", "--map", "map", "in.jsonl").out)
    restored = helix("restore", "--jsonl", "t", "--map", "map", "redacted.jsonl").out

    assert "ann@" not in (home / "redacted.jsonl").read_text()
    assert line == json.loads(restored)


def test_what_is_broken_off_leaves_no_file_behind(home):
    (home / "one").write_text("ann@example.com")
    (source,) = sources_of(["one"])
    with pytest.raises(KeyboardInterrupt), file_below(home / "out", source) as out:
        out.write("half")
        raise KeyboardInterrupt

    assert [] == list((home / "out").iterdir())
