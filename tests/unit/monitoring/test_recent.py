"""The newest rows, for those who watch."""

from contextlib import aclosing
from datetime import UTC, datetime

from daemon.exchange import LedgerRow
from daemon.monitoring.metrics import Metrics
from daemon.monitoring.recent import Recent


def row(number, **fields):
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return LedgerRow(
        id=str(number), request_id=str(number), at=at, kind="hit", outcome="", dialect="chat", model="m", **fields
    )


async def test_a_watcher_gets_the_last_rows_and_then_each_new_one():
    recent = Recent()
    recent.fill([row(1), row(2), row(3)])
    async with aclosing(recent.watch(limit=2, beat_s=5)) as rows:
        seen = [await anext(rows), await anext(rows)]
        recent.add(row(4))
        seen.append(await anext(rows))

    assert ["2", "3", "4"] == [each.id for each in seen]


async def test_silence_is_a_beat():
    async with aclosing(Recent().watch(limit=5, beat_s=0.001)) as rows:
        assert await anext(rows) is None


async def test_a_watcher_that_does_not_read_loses_the_oldest_and_stops_nobody():
    recent = Recent()
    async with aclosing(recent.watch(limit=0, beat_s=0.001)) as rows:
        await anext(rows)
        for number in range(2_000):
            recent.add(row(number))

        assert "1000" == (await anext(rows)).id


def test_rows_and_answers_are_counted():
    metrics = Metrics()
    metrics.row(row(1, cache="exact"))
    metrics.answer(200, 0.002)
    metrics.found({"EMAIL_ADDRESS": 2})
    metrics.parts({"store": True}, {"openai": True, "anthropic": False})
    text = metrics.render().decode()

    assert 'helix_rows_total{cache="exact",kind="hit",outcome=""} 1.0' in text
    assert 'helix_answers_total{status="2xx"} 1.0' in text
    assert 'helix_pii_findings_total{entity_type="EMAIL_ADDRESS"} 2.0' in text
    assert 'helix_part_degraded{part="store"} 1.0' in text
