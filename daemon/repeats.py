"""Requests that come again byte by byte: what was read, checked and scanned a moment ago is not read, checked and
scanned anew. Where PII is looked for, that was half of an exact hit's CPU outside the network's."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import fields, replace
from hashlib import sha256
from operator import attrgetter

from .exchange import Arrival, Ask, Caller

MOST_BYTES = 16 * 2**10
"""Longer requests are conversations, which grow from one to the next."""
MOST_REQUESTS = 512

# `dataclasses.replace` would take as long as reading the request anew.
_all_but_arrival = attrgetter(*(field.name for field in fields(Ask)[len(Arrival._fields) :]))


class Repeats:
    """The requests of late in which nothing had to be hidden, as they were understood.

    What was found in any other must not outlive it, so that one is read each time. Who asks is judged each time, too:
    here it only has to be the same caller as before. For the event loop's thread, and for one set of rules: a reload
    of the settings begins anew.
    """

    def __init__(self) -> None:
        self._asks: OrderedDict[bytes, Ask] = OrderedDict()

    def bytes_print(self, path: str, headers: Iterable[tuple[bytes, bytes]], body: bytes) -> bytes:
        """Equal only for requests of the same bytes; empty for one that is not worth remembering."""
        if len(body) > MOST_BYTES:
            return b""
        head = b"\n".join([text for header in headers for text in header])  # no line ends in any of them
        return sha256(b"%b\n%b\n\n%b" % (path.encode("utf-8", "surrogateescape"), head, body)).digest()

    def find(self, bytes_print: bytes, caller: Caller, arrival: Arrival) -> Ask | None:
        """The same request, made anew by the same caller."""
        ask = self._asks.get(bytes_print)
        if ask is None or ask.caller != caller:
            return None
        self._asks.move_to_end(bytes_print)
        return Ask(*arrival, *_all_but_arrival(ask))

    def remember(self, ask: Ask) -> None:
        """A request of which all that matters stands in its bytes: it names no user, whom a key may come to belong to,
        and no turns that only its provider knows."""
        if ask.bytes_print:
            self._asks[ask.bytes_print] = replace(ask, is_repeat=True)
            if len(self._asks) > MOST_REQUESTS:
                self._asks.popitem(last=False)

    def forget(self) -> None:
        self._asks.clear()
