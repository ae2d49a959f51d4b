"""Ordinary traffic: what the machines of an office say all day. None of SENT's rules fires on it."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime
from random import Random

from sent.engines.demo.company import Site
from sent.engines.demo.messages import AUTH, CRON, Sent, linux, process, security, sysmon, windows

Maker = Callable[[Random, Site, datetime], Sent]

_PROGRAMS = (
    ("C:\\Program Files\\Microsoft Office\\root\\Office16\\OUTLOOK.EXE", "OUTLOOK.EXE"),
    ("C:\\Program Files\\Microsoft Office\\root\\Office16\\EXCEL.EXE", "EXCEL.EXE /dde"),
    ("C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe", "chrome.exe --type=renderer"),
    ("C:\\Windows\\System32\\svchost.exe", "svchost.exe -k netsvcs -p -s Schedule"),
    ("C:\\Windows\\System32\\taskhostw.exe", "taskhostw.exe"),
    ("C:\\Windows\\System32\\RuntimeBroker.exe", "RuntimeBroker.exe -Embedding"),
    ("C:\\Program Files\\7-Zip\\7zFM.exe", "7zFM.exe"),
)
_NAMES = (
    "outlook.office365.example",
    "update.vendor.example",
    "intranet.northwind.example",
    "time.example",
    "cdn.example",
)
_UNITS = ("logrotate.service", "apt-daily.service", "fstrim.service", "man-db.service")


def message(random: Random, site: Site, at: datetime) -> Sent:
    """Return one ordinary message of the site."""
    maker = random.choices(_MAKERS, _WEIGHTS)[0]
    return maker(random, site, at)


def busyness(at: datetime) -> float:
    """Return how busy an office is, 0.15 at night to 1 in working hours (UTC), less at weekends."""
    hour = at.hour + at.minute / 60
    day = 0.15 + 0.85 * math.exp(-(((hour - 13) / 4.5) ** 2))
    return day * (0.35 if at.weekday() >= 5 else 1.0)


def _logon(random: Random, site: Site, at: datetime) -> Sent:
    user = random.choice(site.users)
    return security(
        site,
        at,
        random.choice(site.servers + site.workstations),
        4624,
        "An account was successfully logged on.",
        TargetUserName=user,
        TargetDomainName=site.domain.split(".")[0].upper(),
        LogonType=random.choice((2, 3, 3, 3, 7, 11)),
        IpAddress=f"{site.network}.{random.randint(20, 240)}",
        WorkstationName=random.choice(site.workstations),
    )


def _logoff(random: Random, site: Site, at: datetime) -> Sent:
    return security(
        site,
        at,
        random.choice(site.servers + site.workstations),
        4634,
        "An account was logged off.",
        TargetUserName=random.choice(site.users),
        LogonType=3,
    )


def _ticket(random: Random, site: Site, at: datetime) -> Sent:
    return security(
        site,
        at,
        site.servers[0],
        4769,
        "A Kerberos service ticket was requested.",
        TargetUserName=f"{random.choice(site.users)}@{site.domain.upper()}",
        ServiceName=f"{random.choice(site.servers)}$",
        TicketEncryptionType="0x12",
        Status="0x0",
        IpAddress=f"::ffff:{site.network}.{random.randint(20, 240)}",
    )


def _failed(random: Random, site: Site, at: datetime) -> Sent:
    return security(
        site,
        at,
        site.servers[0],
        4625,
        "An account failed to log on.",
        severity=5,
        TargetUserName=random.choice(site.users),
        LogonType=3,
        Status="0xc000006d",
        IpAddress=f"{site.network}.{random.randint(20, 240)}",
    )


def _process(random: Random, site: Site, at: datetime) -> Sent:
    image, command = random.choice(_PROGRAMS)
    parent = (
        "C:\\Windows\\explorer.exe" if "Program Files" in image else "C:\\Windows\\System32\\services.exe"
    )
    return process(
        site, at, random.choice(site.workstations), random.choice(site.users), image, command, parent
    )


def _connection(random: Random, site: Site, at: datetime) -> Sent:
    image, _ = random.choice(_PROGRAMS[:3])
    return sysmon(
        site,
        at,
        random.choice(site.workstations),
        3,
        "Network connection detected.",
        Image=image,
        DestinationIp=f"192.0.2.{random.randint(1, 60)}",
        DestinationPort=443,
        Protocol="tcp",
        Initiated="true",
    )


def _name_query(random: Random, site: Site, at: datetime) -> Sent:
    name = random.choice(_NAMES)
    return sysmon(
        site,
        at,
        random.choice(site.workstations),
        22,
        f"Dns query: {name}",
        QueryName=name,
        QueryStatus="0",
        Image=_PROGRAMS[2][0],
    )


def _service_state(random: Random, site: Site, at: datetime) -> Sent:
    name = random.choice(("Windows Update", "Background Intelligent Transfer Service", "Print Spooler"))
    state = random.choice(("running", "stopped"))
    return windows(
        site,
        at,
        random.choice(site.workstations),
        "System",
        7036,
        "Service Control Manager",
        Message=f"The {name} service entered the {state} state.",
        param1=name,
        param2=state,
    )


def _ssh(random: Random, site: Site, at: datetime) -> Sent:
    user = random.choice(site.users)
    text = (
        f"Accepted publickey for {user} from {site.network}.{random.randint(20, 240)}"
        f" port {random.randint(32768, 60999)} ssh2: ED25519 SHA256:{random.getrandbits(128):x}"
    )
    return linux(site, at, random.choice(site.linux), "sshd", text, facility=AUTH)


def _session(random: Random, site: Site, at: datetime) -> Sent:
    user = random.choice(site.users)
    text = f"pam_unix(sshd:session): session {random.choice(('opened', 'closed'))} for user {user}"
    return linux(site, at, random.choice(site.linux), "sshd", text, facility=AUTH)


def _sudo(random: Random, site: Site, at: datetime) -> Sent:
    user = random.choice(site.users)
    command = random.choice(
        ("/usr/bin/systemctl status nginx", "/usr/bin/apt-get update", "/usr/bin/journalctl -u vpn -n 50")
    )
    text = f"{user} : TTY=pts/{random.randint(0, 4)} ; PWD=/home/{user} ; USER=root ; COMMAND={command}"
    return linux(site, at, random.choice(site.linux), "sudo", text, facility=AUTH, severity=5)


def _cron(random: Random, site: Site, at: datetime) -> Sent:
    text = random.choice(
        ("(root) CMD (/usr/lib/sysstat/sa1 1 1)", "(root) CMD (cd / && run-parts --report /etc/cron.hourly)")
    )
    return linux(site, at, random.choice(site.linux), "CRON", text, facility=CRON)


def _systemd(random: Random, site: Site, at: datetime) -> Sent:
    unit = random.choice(_UNITS)
    text = random.choice((f"Started {unit}.", f"{unit}: Deactivated successfully.", f"Finished {unit}."))
    return linux(site, at, random.choice(site.linux), "systemd", text)


def _firewall(random: Random, site: Site, at: datetime) -> Sent:
    text = (
        f"[UFW BLOCK] IN=eth0 OUT= SRC=198.51.100.{random.randint(1, 250)} DST={site.network}.1"
        f" LEN=40 PROTO=TCP SPT={random.randint(1024, 65000)}"
        f" DPT={random.choice((22, 23, 445, 3389, 8080))} SYN"
    )
    return linux(site, at, site.linux[0], "kernel", text, facility=0, severity=4)


_MAKERS: tuple[Maker, ...] = (
    _logon,
    _logoff,
    _ticket,
    _failed,
    _process,
    _connection,
    _name_query,
    _service_state,
    _ssh,
    _session,
    _sudo,
    _cron,
    _systemd,
    _firewall,
)
_WEIGHTS = (14, 12, 10, 2, 14, 14, 10, 3, 4, 5, 2, 4, 4, 5)
