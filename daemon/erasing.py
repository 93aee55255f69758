"""A person's right to be forgotten: all that is stored of one user, in every part."""

from __future__ import annotations

import logging
import secrets

from .control_api import Erased
from .cost.budgets import FROM_COMMAND
from .exchange import Selection
from .gateway import Parts

log = logging.getLogger(__name__)


async def erase_user(parts: Parts, user: str) -> Erased:
    """Remove the user's cached answers, vaults, keys with what was found under these, and budgets. In the ledger a
    pseudonym that nobody can trace takes the user's place, and every amount stays.

    What is asked for the user while this runs may be stored anew. Doing it twice does no harm.

    Raises:
        PartUnavailable: a part could not be asked; what was done before it stays done.
    """
    keys = [key.id for key in parts.keys.all() if key.user == user]
    for key in keys:
        await parts.keys.revoke(key)
    scopes = [f"user:{user}", *(f"key:{key}" for key in keys)]
    entries = await parts.cache.remove(Selection(user=user))
    for key in keys:
        entries += await parts.cache.remove(Selection(scope=f"key:{key}"))
    vaults = sum([await parts.vaults.erase(owner) for owner in (user, *keys)])
    findings = await parts.audit.erase(keys)
    limits = parts.accounts.budgets.limits_of(scopes)
    budgets, left = await _remove_budgets(parts, scopes)
    await parts.accounts.budgets.forget(limits)
    pseudonym = f"erased-{secrets.token_hex(6)}"
    rows = await parts.accounts.statements.erase_user(user, pseudonym)
    parts.recent.rename_user(user, pseudonym)
    await parts.accounts.budgets.forget(limits)  # what was under way may have counted them anew
    await parts.store.sweep()
    return Erased(
        pseudonym=pseudonym,
        cache_entries=entries,
        vaults=vaults,
        keys=keys,
        findings=findings,
        budgets=budgets,
        ledger_rows=rows,
        left=left,
    )


async def _remove_budgets(parts: Parts, scopes: list[str]) -> tuple[list[str], list[str]]:
    """The budgets of these scopes: those that were removed, and a sentence for each that only its owner can.

    Counters of earlier windows end by themselves within a day; a budget that stays counts from the ledger anew."""
    removed, left = [], []
    for budget in await parts.accounts.budgets.rows():
        name = f"{budget['scope']}/{budget['window']}"
        if budget["scope"] not in scopes:
            continue
        if budget["origin"] == FROM_COMMAND:
            await parts.accounts.budgets.remove(budget["scope"], budget["window"])
            removed.append(name)
        else:
            left.append(f"{budget['origin']} holds the budget {name}: remove it there")
    return removed, left
