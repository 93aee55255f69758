"""Who stands behind a credential, and what of it may be stored."""

import pytest

from daemon.errors import BadRequest, Unauthorized
from daemon.security.attribution import body_tags, header_tags, header_user
from daemon.security.callers import Callers
from daemon.security.keys import new_key_id, wanted_key


@pytest.fixture
def callers(keys):
    def make(**kwargs):
        settings = {"installation_key": b"k" * 32, "master_key": "hx-master", "require_key": False}
        return Callers(keys=keys, **{**settings, **kwargs})

    return make


def test_without_a_credential_the_caller_is_local(callers):
    assert "local" == callers().identify({}).key


def test_an_anonymous_credential_passes_on_and_its_id_does_not_show_it(callers):
    caller = callers().identify({"Authorization": "Bearer sk-secret"})

    assert "sk-secret" == caller.credential
    assert caller.key.startswith("anon-")
    assert "secret" not in caller.key + repr(caller)


def test_both_protocols_credential_headers_name_the_same_caller(callers):
    known = callers()

    assert known.identify({"Authorization": "Bearer sk-1"}).key == known.identify({"x-api-key": "sk-1"}).key


def test_ids_differ_between_installations(callers):
    headers = {"x-api-key": "sk-1"}

    assert callers().identify(headers).key != callers(installation_key=b"o" * 32).identify(headers).key


def test_the_master_key_never_goes_upstream(callers):
    assert callers().identify({"Authorization": "Bearer hx-master"}).credential is None


def test_a_helix_key_that_is_not_known_is_refused(callers):
    with pytest.raises(Unauthorized):
        callers().identify({"Authorization": "Bearer hx-made-up"})


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer sk-1"}, {"Authorization": "Basic x"}])
def test_where_a_key_is_required_no_other_will_do(callers, headers):
    with pytest.raises(Unauthorized):
        callers(require_key=True).identify(headers)


def test_a_bound_user_wins_over_the_named_one(callers):
    caller = callers().identify({}).for_user("ann")

    assert "ann" == caller.for_user("bo").user


def test_tags_are_words():
    assert ("a", "team/x") == header_tags("a, team/x, not a tag, <b>, a")
    assert ("x",) == body_tags({"metadata": {"tags": ["x", "<EMAIL_ADDRESS_1>", 3, "ann@example.com"]}})
    assert () == body_tags({"metadata": "none"})


async def test_what_a_key_is_bound_to_wins_over_what_its_request_says(keys, callers):
    key, secret = await keys.create(wanted_key({"user": "ann", "team": "research"}), new_key_id())
    caller = callers().identify({"Authorization": f"Bearer {secret}"})

    assert (key.id, "ann", "research", None) == (caller.key, caller.user, caller.team, caller.credential)
    assert "ann" == callers().on_behalf(caller, "bo").user


async def test_nobody_else_speaks_for_a_user_who_has_a_key(keys, callers):
    """Their budget is theirs to spend."""
    await keys.create(wanted_key({"user": "ann"}), new_key_id())
    caller = callers().identify({})

    assert (None, "bo") == (callers().on_behalf(caller, "ann").user, callers().on_behalf(caller, "bo").user)


async def test_a_helix_key_will_do_where_a_key_is_required(keys, callers):
    key, secret = await keys.create(wanted_key({}), new_key_id())

    assert key.id == callers(require_key=True).identify({"x-api-key": secret}).key


@pytest.mark.parametrize("value", ["\udcff", "a\x00b", "two\nlines", "x" * 257])
def test_a_user_that_no_ledger_can_hold_is_a_bad_request(value):
    with pytest.raises(BadRequest) as refused:
        header_user(value)

    assert "x-helix-user" == refused.value.param


def test_any_printable_id_names_a_user():
    assert ["José", "a@b", None, None] == [header_user(value) for value in ("José", "a@b", "", None)]
