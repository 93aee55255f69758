"""What was found is written down once, whatever else happens meanwhile."""

import asyncio

from daemon.adapters.audit_sqlite import SqliteAudit
from daemon.clock import SystemClock
from daemon.exchange import Ask, CacheDirectives, Caller
from daemon.pii.audit import Audit


def an_ask(number: int) -> Ask:
    clock = SystemClock()
    return Ask(
        id=f"req_{number}",
        dialect="chat",
        body={},
        model="gpt-4o-mini",
        stream=False,
        caller=Caller("ann"),
        tags=(),
        directives=CacheDirectives(),
        forward_headers={},
        received_at=clock.now(),
        started_s=clock.monotonic_s(),
    )


async def test_what_is_noted_while_others_are_written_is_written_after_them(tmp_path):
    audit = Audit(SqliteAudit(tmp_path / "audit.sqlite"), SystemClock(), days=1, timezone="UTC")
    await audit.start()

    def note(number: int) -> None:
        audit.note(an_ask(number), "question", {"PERSON": 1}, {"PERSON": "replace"})

    note(1)
    reports = [asyncio.create_task(audit.report(by="type", since=None, until=None)) for _ in range(2)]
    await asyncio.sleep(0)  # both write now
    note(2)
    await asyncio.gather(*reports)
    report = await audit.report(by="type", since=None, until=None)
    await audit.aclose()

    assert (2, 2) == (report["findings"], report["requests"])
