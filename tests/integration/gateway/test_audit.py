"""`helix cache audit`: near hits that were given are asked again, and what differs is counted as wrong."""

import pytest

from tests.daemon_process import Daemon, openai_settings
from tests.upstream import Upstream

PRICED = """
[[models]]
name = "gpt-4o-mini"
target = "openai/gpt-4o-mini"
input_usd_per_mtok = 1.0
output_usd_per_mtok = 2.0
"""
ASKED, REWORDED = "how do I cancel my subscription", "how can I cancel my subscription?"


@pytest.mark.parametrize(("changes", "wrong"), [(False, 0), (True, 1)])
async def test_what_was_given_is_compared_with_a_fresh_answer(tmp_path, changes, wrong):
    answers = iter(["Write to us by 3 May.", "Write to us by 9 May." if changes else "Write to us by 3 May."])
    upstream = Upstream(lambda asked: next(answers))
    async with upstream, Daemon(tmp_path, openai_settings(upstream.openai_url) + PRICED) as daemon:
        await daemon.until_ready("ok")
        await daemon.post_chat(ASKED)
        assert "semantic" == (await daemon.post_chat(REWORDED)).verdict

        found = await daemon.helix_json("cache", "audit", "--yes")
        dear = await daemon.helix_json("cache", "audit", "--yes", "--max-usd", "0")
        rows = (await daemon.helix_json("spend", "--by", "tag"))["rows"]

    assert (1, wrong, 0) == (found["checks"], found["wrong"], found["failed"])
    assert found["cost_usd"] in {row["cost_usd"] for row in rows if row["tag"] == "helix-audit"}
    assert (0, "0") == (dear["checks"], dear["cost_usd"])
    assert 2 == len(upstream.asked)
