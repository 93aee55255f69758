"""Names, birthdays and addresses, by the words around them."""

import pytest


@pytest.mark.parametrize(
    ("text", "value", "kind"),
    [
        ("My name is Ann van der Lee and", "Ann van der Lee", "PERSON"),
        ("see Dr. Smith today", "Smith", "PERSON"),
        ("Dear Ms Brown, hello", "Brown", "PERSON"),
        ("Best regards,\nBob Chan\n", "Bob Chan", "PERSON"),
        ("born on 12 March 1984 in Rome", "12 March 1984", "DATE_OF_BIRTH"),
        ("DOB: 1984-03-12", "1984-03-12", "DATE_OF_BIRTH"),
        ("lives at 221B Baker Street, London", "221B Baker Street", "STREET_ADDRESS"),
        (
            "12 Long Oak Street, Apt 3, Springfield, IL 62704",
            "12 Long Oak Street, Apt 3, Springfield, IL 62704",
            "STREET_ADDRESS",
        ),
        ("wohnt in der Hauptstraße 12", "Hauptstraße 12", "STREET_ADDRESS"),
        ("12 rue de la Paix", "12 rue de la Paix", "STREET_ADDRESS"),
    ],
)
def test_finds(found, text, value, kind):
    assert [(value, kind)] == found(text)
