"""What becomes of a value that is not to be restored."""

import re

import pytest

from daemon.adapters.operators_presidio import PresidioOperators
from daemon.errors import FinderUnavailable
from daemon.pii.placeholders import names_in

VALUE = "ann@example.com"


@pytest.fixture
def operators():
    return PresidioOperators(b"k" * 32)


@pytest.mark.parametrize("operator", ["mask", "hash", "encrypt"])
def test_nothing_of_the_value_is_left_and_equal_values_stay_equal(operators, operator):
    first, again = (operators.apply(operator, "EMAIL_ADDRESS", VALUE) for _ in range(2))

    assert first == again
    assert not any(part in first for part in ("ann", "example", "com"))
    assert [] == list(names_in(first)), "it must not look like a placeholder"


def test_mask_is_as_long_as_the_value(operators):
    assert "*" * len(VALUE) == operators.apply("mask", "EMAIL_ADDRESS", VALUE)


@pytest.mark.parametrize("operator", ["hash", "encrypt"])
def test_another_key_and_another_kind_give_another_result(operators, operator):
    results = {
        operators.apply(operator, "EMAIL_ADDRESS", VALUE),
        operators.apply(operator, "SECRET", VALUE),
        PresidioOperators(b"other").apply(operator, "EMAIL_ADDRESS", VALUE),
    }

    assert 3 == len({result.rsplit(":", 1)[1] for result in results})


def test_the_owner_of_the_key_can_decrypt_and_nobody_can_change_it(operators):
    encrypted = re.fullmatch("<SECRET:encrypted:(.+)>", operators.apply("encrypt", "SECRET", "ä\ud800"))[1]

    assert "ä\ud800" == operators.decrypt("SECRET", encrypted)
    with pytest.raises(ValueError, match="not encrypted here"):
        operators.decrypt("PERSON", encrypted)
    with pytest.raises(ValueError, match="not encrypted here"):
        operators.decrypt("SECRET", encrypted[:-4] + "AAAA")


def test_an_unknown_operator_fails_without_the_value(operators):
    with pytest.raises(FinderUnavailable) as raised:
        operators.apply("shuffle", "EMAIL_ADDRESS", VALUE)

    assert VALUE not in str(raised.value)
