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


# Special-purpose address registries of IANA (RFC 6890 and after), without what is globally reachable.
SPECIAL = [
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
    "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24",
    "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
    "::/127", "64:ff9b:1::/48", "100::/64", "2001:2::/48", "2001:10::/28", "2001:20::/28", "2001:db8::/32",
    "3fff::/20", "5f00::/16", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8",
]  # fmt: skip
BESIDE = [
    "1.0.0.0", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0",
    "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "192.0.1.0", "192.167.255.255",
    "192.169.0.0", "198.17.255.255", "198.20.0.0", "223.255.255.255", "2001:db7:ffff::1", "2001:db9::",
    "2003::1", "2a00::1", "3ffe:ffff::1",
]  # fmt: skip


def ways_to(address: ipaddress.IPv4Address) -> list[str]:
    """Return the IPv6 spellings that end at an IPv4 address: mapped, compatible, NAT64, 6to4, Teredo."""
    high, low = int(address) >> 16, int(address) & 0xFFFF
    return [
        f"::ffff:{address}",
        f"::{high:x}:{low:x}",
        f"64:ff9b::{high:x}:{low:x}",
        f"2002:{high:x}:{low:x}::1",
        f"2001:0:808:808:0:0:{high ^ 0xFFFF:x}:{low ^ 0xFFFF:x}",
    ]


@pytest.mark.parametrize("network", SPECIAL)
def test_no_special_range_is_reached_from_end_to_end_in_any_spelling(network: str) -> None:
    special = ipaddress.ip_network(network)
    middle = special[special.num_addresses // 2]
    for address in (special[0], special[1], middle, special[-1]):
        spellings = ways_to(address) if isinstance(address, ipaddress.IPv4Address) else []
        for spelling in (str(address), *spellings):
            assert not guard.may_reach(ipaddress.ip_address(spelling), allow_private=False), spelling


@pytest.mark.parametrize("address", BESIDE)
def test_what_lies_beside_a_special_range_is_reached(address: str) -> None:
    assert guard.may_reach(ipaddress.ip_address(address), allow_private=False)


@pytest.mark.parametrize("metadata", ["169.254.169.254", "100.100.100.200", "168.63.129.16", "192.0.0.192"])
def test_credentials_of_clouds_are_nobodys_to_allow_in_any_spelling(metadata: str) -> None:
    for spelling in (metadata, *ways_to(ipaddress.IPv4Address(metadata))):
        assert not guard.may_reach(ipaddress.ip_address(spelling), allow_private=True), spelling


def test_a_sites_own_translation_hides_no_private_address() -> None:
    """With a /48 the IPv4 address stands in the middle (RFC 6052 2.2); the end may say anything."""
    hidden = ipaddress.ip_address("64:ff9b:1:7f00:0:100:808:808")
    assert not guard.may_reach(hidden, allow_private=False)


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
