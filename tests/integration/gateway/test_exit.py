"""The daemon's end, as its owner sees it."""

from __future__ import annotations

from tests.daemon_process import Daemon


async def test_an_owner_sees_no_complaints_of_libraries_at_the_end(tmp_path):
    """DuckDB's bindings list what is not let go of; objects that are frozen for the collector never are."""
    async with Daemon(tmp_path) as daemon:
        await daemon.until_ready("ok")
        assert 0 == await daemon.stop()

        assert "leaked" not in daemon.stderr
