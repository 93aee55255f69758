"""A scope earns its near hits: first asked and compared, then served."""

import json

THINGS = ("lamp", "table", "curtain", "carpet", "mirror", "sofa", "wardrobe", "bookshelf")
ROOMS = ("kitchen", "bedroom", "attic", "office", "cellar", "garage", "hallway", "library", "nursery", "studio")


def advice(asked):
    """The same advice for the same thing and room, in whatever words it is asked."""
    thing = next((thing for thing in THINGS if thing in asked.question), "thing")
    room = next((room for room in ROOMS if room in asked.question), "room")
    return f"Measure the {room} first, then choose the {thing}."


async def scopes(daemon):
    code, out, err = await daemon.helix("cache", "stats", "--json")
    assert 0 == code, err
    return json.loads(out)["scopes"]


async def test_a_scope_is_served_what_its_own_checks_allow(daemon, upstream):
    upstream.always(advice)
    await daemon.until_ready("ok")
    verdicts = []
    for thing, room in ((thing, room) for thing in THINGS for room in ROOMS):
        await daemon.post_chat(f"how do I choose a {thing} for the {room}")
        other = await daemon.post_chat(f"how should I go about choosing a {thing} for my {room}?")
        verdicts.append(other.verdict)

    assert "miss" == verdicts[0]
    assert "semantic" in verdicts[50:]
    (scope,) = await scopes(daemon)
    assert ("serving", 0) == (scope["mode"], scope["wrong"])
    assert 50 <= scope["checks"] < len(verdicts)
