"""A text of any length, cut anywhere, in bounded memory."""

from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.pii.hiding import Replacer
from daemon.pii.placeholders import Mint
from daemon.pii.redacting import Redactor
from daemon.settings import PiiSettings


def redacted(finder, parts):
    redactor = Redactor(finder, Replacer(Mint(), None, PiiSettings()))
    return [*(redactor.feed(part) for part in parts), redactor.finish()]


LINE = "Write to ann{}@example.com or ann0@example.com about it, my password is hunter{}x today, please.\n"
TEXT = "".join(LINE.format(number % 7, number % 5) for number in range(2500))


def test_a_long_text_is_redacted_as_if_it_were_short(warm_finder):
    pieces = redacted(warm_finder, [TEXT[at : at + 10_000] for at in range(0, len(TEXT), 10_000)])

    assert TEXT == "".join(piece.source for piece in pieces)
    assert "".join(piece.text for piece in pieces) == "".join(piece.text for piece in redacted(warm_finder, [TEXT]))
    assert 3 * 2500 == sum(len(piece.findings) for piece in pieces)


def test_findings_count_from_the_beginning_of_the_text(warm_finder):
    pieces = redacted(warm_finder, [TEXT[at : at + 10_000] for at in range(0, len(TEXT), 10_000)])
    found = {TEXT[span.start : span.end] for piece in pieces for span in piece.findings}

    assert {f"ann{n}@example.com" for n in range(7)} | {f"hunter{n}x" for n in range(5)} == found


@settings(max_examples=20)
@given(st.integers(60_000, 66_000))
def test_a_value_at_the_edge_of_the_buffer_is_not_cut(warm_finder, size):
    pieces = redacted(warm_finder, ["x" * size + " ann@example.com " + "y " * 3000])

    assert 1 == "".join(piece.text for piece in pieces).count("<EMAIL_ADDRESS_1>")


def test_a_private_key_longer_than_the_margin_stays_in_one_piece(warm_finder):
    key = "-----BEGIN PRIVATE KEY-----\n" + ("A1b2" * 16 + "\n") * 300 + "-----END PRIVATE KEY-----"
    text = "x\n" * 25_000 + key + "\n" + "y\n" * 25_000
    pieces = redacted(warm_finder, [text[at : at + 8_192] for at in range(0, len(text), 8_192)])

    assert text.replace(key, "<SECRET_1>") == "".join(piece.text for piece in pieces)


def test_a_text_without_a_blank_is_cut_all_the_same(warm_finder):
    pieces = redacted(warm_finder, ["x" * 200_000])

    assert "x" * 200_000 == "".join(piece.text for piece in pieces)
    assert all(len(piece.text) < 200_001 for piece in pieces)
