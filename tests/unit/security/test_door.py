"""No web page gets in."""

import pytest

from daemon.errors import BadRequest, Forbidden
from daemon.security.door import Door, is_loopback
from daemon.settings import ServerSettings

OWN = {"Host": "127.0.0.1:4354"}


@pytest.fixture
def door():
    return Door(ServerSettings())


@pytest.mark.parametrize("host", ["127.0.0.1:4354", "localhost", "LOCALHOST:1", "[::1]:4354", "127.0.0.2"])
def test_the_names_of_this_machine_are_let_in(door, host):
    door.check({"Host": host})


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "10.0.0.1", "", "[::2]", "localhost.evil"])
def test_a_foreign_host_is_refused(door, host):
    """DNS rebinding: the page's own name stands in Host."""
    with pytest.raises(Forbidden):
        door.check({"Host": host})


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}]
)
def test_a_page_of_another_site_is_refused(door, headers):
    with pytest.raises(Forbidden):
        door.check(OWN | headers)


def test_a_configured_origin_and_host_are_let_in():
    door = Door(ServerSettings(allowed_origins=("https://app.example",), allowed_hosts=("helix.lan",)))

    door.check({"Host": "helix.lan:4354", "Origin": "https://app.example", "Sec-Fetch-Site": "cross-site"})


@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data"])
def test_what_a_form_can_send_is_refused(door, content_type):
    with pytest.raises(BadRequest):
        door.check_json(content_type)


def test_beyond_loopback_any_address_will_do_but_no_foreign_name():
    door = Door(ServerSettings(host="0.0.0.0", require_key=True))

    door.check({"Host": "10.1.2.3:4354"})
    with pytest.raises(Forbidden):
        door.check({"Host": "evil.example"})


@pytest.mark.parametrize(
    ("host", "expected"),
    [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("host.lan", False)],
)
def test_loopback_is_told_from_the_rest(host, expected):
    assert expected == is_loopback(host)
