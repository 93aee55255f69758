"""Whether what is kept rests sealed: where that was switched on, what had been kept before is removed."""

from __future__ import annotations

import logging

from ..ports.storage import Store

log = logging.getLogger(__name__)

RECORD_KIND = "at rest"
_NAME = "entries"


async def remove_what_was_kept_otherwise(store: Store, *, is_sealed: bool) -> None:
    """Remove all entries where they are to rest sealed and did not so far. Nothing is lost that cannot be asked again.

    Raises:
        StoreUnavailable: some may be left; none of them is given to anybody.
    """
    was_sealed = _NAME in await store.records(RECORD_KIND)
    if is_sealed and not was_sealed:
        removed = await store.clear()
        await store.put_record(RECORD_KIND, _NAME, {"sealed": True})
        if removed:
            log.warning("%d cached answers that did not rest encrypted are removed", removed)
    elif was_sealed and not is_sealed:
        await store.remove_record(RECORD_KIND, _NAME)
