"""Which addresses a user may have connected to."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

import pytest

from sent.platform.errors import Invalid, SentError, Unavailable
from sent.platform.notify import guard
from sent.platform.notify.webhook import WebhookConfig

PRIVATE = [
    "127.0.0.1", "127.8.8.8", "10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1", "0.0.0.0", "0.1.2.3",
    "::1", "::", "fc00::1", "fd12::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1",
    "64:ff9b::a00:1", "2002:7f00:1::1", "2002:a00:1::", "::7f00:1", "240.0.0.1", "255.255.255.255",
    "192.0.2.1", "198.18.0.1", "224.0.0.1", "ff02::1",
]  # fmt: skip
LOCAL_LINK = [
    "169.254.169.254", "169.254.0.1", "fe80::1", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe",
    "2002:a9fe:a9fe::", "fd00:ec2::254", "100.100.100.200",
]  # fmt: skip
PUBLIC = ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]


@pytest.mark.parametrize("address", PRIVATE + LOCAL_LINK)
def test_private_addresses_are_refused_however_they_are_written(address: str) -> None:
    assert not guard.may_reach(ipaddress.ip_address(address), allow_private=False)


@pytest.mark.parametrize("address", [*LOCAL_LINK, "0.0.0.0", "::", "224.0.0.1"])
def test_nobody_can_allow_link_local_ones(address: str) -> None:
    assert not guard.may_reach(ipaddress.ip_address(address), allow_private=True)


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_reached(address: str) -> None:
    assert guard.may_reach(ipaddress.ip_address(address), allow_private=False)


@pytest.mark.parametrize("address", ["127.0.0.1", "10.1.2.3", "::1", "fd12::1", "192.168.0.9"])
def test_an_administrator_can_allow_private_ones(address: str) -> None:
    assert guard.may_reach(ipaddress.ip_address(address), allow_private=True)


@pytest.mark.parametrize("host", ["2130706433", "0x7f000001", "017700000001", "127.1", "localhost"])
def test_this_machine_is_refused_in_other_spellings(host: str) -> None:
    with pytest.raises(SentError) as caught:
        guard.target(host, 443, allow_private=False)
    assert isinstance(caught.value, Invalid | Unavailable)


def test_one_private_answer_refuses_the_name_and_the_first_one_is_pinned() -> None:
    def mixed(_host: str, _port: int) -> Sequence[str]:
        return ["8.8.8.8", "10.0.0.5"]

    with pytest.raises(Invalid):
        guard.target("rebind.test", 443, allow_private=False, resolver=mixed)
    asked: list[str] = []

    def counted(host: str, _port: int) -> Sequence[str]:
        asked.append(host)
        return ["8.8.8.8"]

    found = guard.target("public.test", 443, allow_private=False, resolver=counted)
    assert (found.address, found.host, asked) == ("8.8.8.8", "public.test", ["public.test"])


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/", "ftp://example.com/", "file:///etc/passwd", "https://user:pw@example.com/",
        "https://exa mple.com/", "https://example.com\\@evil.test/", "https:///x", "https://example.com:99999/",
        "https://example.com/\r\nX: y", "https://ex\u0430mple.com/", "gopher://x", "", "https://example.com:0/",
    ],
)  # fmt: skip
def test_addresses_of_webhooks_are_plain_https(url: str) -> None:
    with pytest.raises(Invalid):
        WebhookConfig.parse({"url": url})
