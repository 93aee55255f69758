"""A scope earns its near hits: first asked and compared, then served, by every daemon that shares its store."""

import asyncio
from itertools import product

import pytest

from tests.daemon_process import Daemon, openai_settings
from tests.upstream import Upstream

THINGS = ("lamp", "table", "curtain", "carpet", "mirror", "sofa", "wardrobe", "bookshelf")
ROOMS = ("kitchen", "bedroom", "attic", "office", "cellar", "garage", "hallway", "library", "nursery", "studio")


def advice(asked):
    """The same advice for the same thing and room, in whatever words it is asked."""
    thing = next((thing for thing in THINGS if thing in asked.question), "thing")
    room = next((room for room in ROOMS if room in asked.question), "room")
    return f"Measure the {room} first, then choose the {thing}."


async def ask_twice(daemon: Daemon, thing: str, room: str) -> str | None:
    """What the cache says to the same question in other words."""
    await daemon.post_chat(f"how do I choose a {thing} for the {room}")
    return (await daemon.post_chat(f"how should I go about choosing a {thing} for my {room}?")).verdict


async def scopes(daemon: Daemon):
    return (await daemon.helix_json("cache", "stats"))["scopes"]


async def until_serving(daemon: Daemon) -> None:
    async with asyncio.timeout(30):
        while "serving" not in [scope["mode"] for scope in await scopes(daemon)]:
            await asyncio.sleep(0.2)


async def test_a_scope_is_served_what_its_own_checks_allow(own_daemon, upstream):
    upstream.always(advice)
    await own_daemon.until_ready("ok")
    verdicts = [await ask_twice(own_daemon, thing, room) for thing, room in product(THINGS, ROOMS)]

    assert "miss" == verdicts[0]
    assert "semantic" in verdicts[50:]
    (scope,) = await scopes(own_daemon)
    assert ("serving", 0) == (scope["mode"], scope["wrong"])
    assert 50 <= scope["checks"] < len(verdicts)


@pytest.mark.parametrize("storage", ["embedded", "redis"])
async def test_what_was_learned_holds_after_a_restart_and_for_another_daemon(storage, own_redis_server, tmp_path):
    """The first daemon earns it and leaves; the one that comes serves from its first request on."""
    shared = f'[storage]\nurl = "{own_redis_server.url}"\n' if storage == "redis" else ""
    settings = shared + '[cache]\nscope = "everyone"\nmax_error = 0.05\n'
    async with Upstream(advice) as upstream:
        settings += openai_settings(upstream.openai_url)
        async with Daemon(tmp_path / "one", settings) as one:
            await one.until_ready("ok")
            for thing, room in list(product(THINGS[:5], ROOMS)):
                await ask_twice(one, thing, room)
            await one.stop()
        async with Daemon(tmp_path / ("another" if shared else "one"), settings) as next_one:
            await next_one.until_ready("ok")
            await until_serving(next_one)
            verdicts = [await ask_twice(next_one, THINGS[6], room) for room in ROOMS]

    assert "semantic" in verdicts
