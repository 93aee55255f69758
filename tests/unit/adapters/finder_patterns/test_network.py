"""Addresses of machines."""

import pytest


@pytest.mark.parametrize(
    ("text", "value", "kind"),
    [
        ("地址93.184.216.34谢谢", "93.184.216.34", "IP_ADDRESS"),
        ("request from 203.0.113.7:8080", "203.0.113.7", "IP_ADDRESS"),
        ("host=93.184.216.34", "93.184.216.34", "IP_ADDRESS"),
        ("ssh root@93.184.216.34", "93.184.216.34", "IP_ADDRESS"),
        ("https://ipinfo.io/93.184.216.34", "93.184.216.34", "IP_ADDRESS"),
        ("DNS 8.8.8.8", "8.8.8.8", "IP_ADDRESS"),
        ("http://93.184.216.34/x", "93.184.216.34", "IP_ADDRESS"),
        ("at 2606:4700:4700::1111.", "2606:4700:4700::1111", "IP_ADDRESS"),
        ("00:1A:2B:3C:4D:5E", "00:1A:2B:3C:4D:5E", "MAC_ADDRESS"),
        ("upstream 8.8.8.8:53", "8.8.8.8", "IP_ADDRESS"),
        ("[2001:4860:4860::8888]:443", "2001:4860:4860::8888", "IP_ADDRESS"),
        ("host/93.184.216.34", "93.184.216.34", "IP_ADDRESS"),
        ("0011.2233.4455", "0011.2233.4455", "MAC_ADDRESS"),
        ("seen at 3c5a.b4d0.9e11.", "3c5a.b4d0.9e11", "MAC_ADDRESS"),
        ("mac 3456.7890.1234", "3456.7890.1234", "MAC_ADDRESS"),
    ],
)
def test_finds(found, text, value, kind):
    assert [(value, kind)] == found(text)
