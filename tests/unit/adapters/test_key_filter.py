"""What the embedded store need not look for."""

from __future__ import annotations

import hashlib

from daemon.adapters.key_filter import KeyFilter

KEYS = [hashlib.sha256(b"%d" % number).digest() for number in range(2_000)]


def test_every_key_may_be_there_until_the_filter_is_ready() -> None:
    assert KeyFilter().may_have(KEYS[0])


def test_what_was_added_is_never_denied_and_what_was_not_nearly_always() -> None:
    keys = KeyFilter()
    keys.add(KEYS[:1_000])
    keys.is_ready = True

    assert all(keys.may_have(key) for key in KEYS[:1_000])
    assert not any(keys.may_have(key) for key in KEYS[1_000:])
