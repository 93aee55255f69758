"""The ledger after `kill -9` at any moment; fifty of them are in tests/performance/kill_nine.py."""

from __future__ import annotations

from tests.performance.kill_nine import drill


async def test_every_answered_call_is_a_row_once_however_often_the_daemon_is_killed(tmp_path):
    (await drill(tmp_path, kills=4, seed=7)).verify()
