"""What a role may do with the routes for clients. The control API is the owner's alone, whatever a caller's role."""

from __future__ import annotations

from ..errors import Forbidden
from ..exchange import Caller


def check_may_ask(caller: Caller) -> None:
    """Raise Forbidden for who may only look."""
    if caller.role == "viewer":
        raise Forbidden(f"{caller.key} is a viewer: it may look, and ask no model")


def check_may_look(caller: Caller) -> None:
    """Raise Forbidden for who may only ask models."""
    if caller.role == "member":
        raise Forbidden("metrics tell of all callers: they want the role viewer or admin")
