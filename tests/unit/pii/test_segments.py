"""The memory of what was scanned."""

from daemon.exchange import Span
from daemon.pii.segments import Segments, digest_of

SPANS = (Span(0, 3, "SECRET", 0.9),)


def test_remembers_findings_and_their_absence():
    segments = Segments()
    segments.put(b"a", SPANS)
    segments.put(b"b", ())

    assert (SPANS, (), None) == (segments.get(b"a"), segments.get(b"b"), segments.get(b"c"))


def test_forgets_the_least_recently_used_beyond_its_bytes():
    segments = Segments(max_bytes=1000)
    for digest in (b"a", b"b"):
        segments.put(digest, SPANS)
    segments.get(b"a")
    segments.put(b"c", SPANS)

    assert 2 == len(segments)
    assert segments.get(b"b") is None


def test_a_text_behind_another_lead_is_another_text():
    assert 3 == len({digest_of("", "ab"), digest_of("a", "b"), digest_of("", "\ud800")})
