"""A stale answer is given at once and asked anew behind its caller's back."""

import asyncio
from itertools import count

from tests.daemon_process import Daemon, openai_settings
from tests.upstream import Upstream

WISH = {"cache-control": "max-age=0, stale-while-revalidate=600"}
QUESTION = "Name a colour of the rainbow"


async def test_the_first_gets_the_old_answer_and_the_next_the_new_one(tmp_path):
    numbers = count(1)
    upstream = Upstream(lambda asked: f"answer {next(numbers)}")
    async with upstream, Daemon(tmp_path, openai_settings(upstream.openai_url)) as daemon:
        await daemon.post_chat(QUESTION)

        stale = await daemon.post_chat(QUESTION, headers=WISH)
        async with asyncio.timeout(5):
            while (await daemon.post_chat(QUESTION)).json["choices"][0]["message"]["content"] == "answer 1":
                await asyncio.sleep(0.02)

    assert "exact" == stale.verdict
    assert "age" in stale.headers
    assert "answer 1" == stale.json["choices"][0]["message"]["content"]
    assert 2 == len(upstream.asked)
