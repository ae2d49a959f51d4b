"""Northwind Security and its clients: who works there and which machines stand where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

NAME = "Northwind Security"
SLUG = "northwind"
DOMAIN = "northwind.example"
OWNER_EMAIL = "dana.whitfield@northwind.example"
OWNER_NAME = "Dana Whitfield"


@dataclass(frozen=True, slots=True)
class Colleague:
    """Somebody who works in the console; `role` is a built-in role."""

    name: str
    email: str
    role: str


COLLEAGUES = (
    Colleague("Marcus Oyelaran", "marcus.oyelaran@northwind.example", "analyst"),
    Colleague("Ines Carvalho", "ines.carvalho@northwind.example", "analyst"),
    Colleague("Tomasz Wrona", "tomasz.wrona@northwind.example", "admin"),
    Colleague("Priya Raman", "priya.raman@northwind.example", "auditor"),
)


@dataclass(frozen=True, slots=True)
class Customer:
    """A client company."""

    code: str
    name: str


CUSTOMERS = (
    Customer("HARBOR", "Harbor Logistics"),
    Customer("BRIGHT", "Brightwater Clinic"),
    Customer("ALDER", "Alder & Finch Law"),
)


@dataclass(frozen=True, slots=True)
class Site:
    """A place whose machines send to one source of the radar."""

    key: str
    source: str
    kind: Literal["syslog_udp", "syslog_tcp"]
    port: int
    client: str | None
    domain: str
    workstations: tuple[str, ...]
    servers: tuple[str, ...]
    linux: tuple[str, ...]
    users: tuple[str, ...]
    network: str


SITES = (
    Site(
        "office",
        "Head office",
        "syslog_udp",
        15514,
        None,
        "northwind.example",
        ("NW-WS01", "NW-WS02", "NW-WS04", "NW-WS07", "NW-WS11", "NW-LT03"),
        ("NW-DC01", "NW-FS01", "NW-APP02"),
        ("gate01", "vpn01", "build02"),
        ("dwhitfield", "moyelaran", "icarvalho", "twrona", "praman", "jlind"),
        "10.20.1",
    ),
    Site(
        "harbor",
        "Harbor Logistics",
        "syslog_tcp",
        15515,
        "HARBOR",
        "harbor.example",
        ("HL-DISP01", "HL-DISP02", "HL-YARD03", "HL-ACC01", "HL-ACC02"),
        ("HL-DC01", "HL-SQL01"),
        ("hl-web01", "hl-edi01"),
        ("kbauer", "rsantos", "lnovak", "mpetrov", "acole"),
        "10.44.2",
    ),
    Site(
        "clinic",
        "Brightwater Clinic",
        "syslog_udp",
        15516,
        "BRIGHT",
        "brightwater.example",
        ("BW-RECEP1", "BW-RECEP2", "BW-LAB01", "BW-XRAY02"),
        ("BW-DC01", "BW-PACS01"),
        ("bw-web01",),
        ("hnguyen", "sfischer", "omarsh", "ekim"),
        "10.61.8",
    ),
)

OUTSIDE = ("203.0.113.41", "198.51.100.23", "203.0.113.177", "198.51.100.90", "192.0.2.66")
"""Addresses of strangers (RFC 5737: documentation only)."""
