"""What becomes of findings that overlap."""

from daemon.adapters.finder_patterns.structured import merged
from daemon.exchange import Span


def test_a_guess_from_one_value_into_the_next_leaves_both_what_they_are():
    """Else what is to be blocked as the second would pass as the first."""
    card, guess, iban = (
        Span(5, 24, "CREDIT_CARD", 0.99),
        Span(20, 33, "STREET_ADDRESS", 0.8),
        Span(31, 50, "IBAN", 0.99),
    )

    assert (card, Span(24, 31, "STREET_ADDRESS", 0.8), iban) == merged([guess, iban, card])
    assert (Span(5, 33, "CREDIT_CARD", 0.99),) == merged([guess, card])
