"""Redacted with a map and restored with it, a text is what it was: any text, cut anywhere."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from daemon.adapters.operators_presidio import PresidioOperators
from daemon.pii.hiding import Replacer
from daemon.pii.placeholders import Mint
from daemon.pii.redacting import Redactor
from daemon.pii.restoring import Restorer
from daemon.pii.vault import Vault
from daemon.settings import PiiSettings

PIECES = st.sampled_from(
    [
        *("ann@example.com", "4111 1111 1111 1111", "my ssn is 536-90-4399", "+44 20 7946 0958", "8.8.4.4"),
        *(
            "<EMAIL_ADDRESS_1>",
            "<email address 1>",
            "&lt;US_SSN_1&gt;",
            "<EMAIL\\_ADDRESS\\_2>",
            "\\u003cCRYPTO_1\\u003e",
        ),
        *(
            "<EMAIL_ADDRESS:encrypted:AAAA>",
            "<A:hash:12>",
            "<",
            ">",
            "\n",
            " ",
            "a < b",
            "\\",
            "é",
            "\ud800",
            "x" * 700,
        ),
    ]
)
TEXTS = st.lists(PIECES | st.text(st.characters(), max_size=5), max_size=30).map("".join)


def in_parts(text, size):
    return [text[at : at + size] for at in range(0, len(text), size)] or [""]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TEXTS, st.integers(1, 400), st.sampled_from(["replace", "encrypt"]))
def test_any_text_comes_back_as_it_was(warm_finder, text, size, operator):
    names, operators = {}, PresidioOperators(b"key")
    policy = PiiSettings(entities={"EMAIL_ADDRESS": operator})
    replacer = Replacer(Mint(on_new=names.__setitem__), operators, policy)
    redactor = Redactor(warm_finder, replacer, is_reversible=True)
    pieces = [*map(redactor.feed, in_parts(text, size)), redactor.finish()]
    redacted = "".join(piece.text for piece in pieces)
    restorer = Restorer(Vault(names), operators.decrypt)

    assert text == "".join([*map(restorer.feed, in_parts(redacted, size)), restorer.finish()])
    assert not [span for piece in pieces for span in piece.findings if span.score == 0]
