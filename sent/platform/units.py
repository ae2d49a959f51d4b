"""The systemd unit of a service: least privilege, readiness, watchdog, restart.

A unit names the program that is installed now; `sent service install` writes it, `--dry-run` prints it. Where
SENT updates itself that is the starter, which stays the main process while a version is on trial (ADR 0024):
then the program speaks as its child, and the installation may be written. The system's package brings a
template instead (`sent@radar.service`), and a target that stands for all services of the machine.
"""

from __future__ import annotations

from collections.abc import Sequence

CAPABILITIES: dict[str, str] = {}
"""Capabilities a service keeps, by id; all others keep none."""

_UNIT = """\
[Unit]
Description=SENT {title}
Documentation=man:sent(1)
After=network-online.target{after}
Wants=network-online.target{part_of}
StartLimitIntervalSec=300
StartLimitBurst=10

[Service]
Type=notify
NotifyAccess={speakers}
ExecStart={program} --mode=worker --service={service}
User=sent
Group=sent
StateDirectory=sent
StateDirectoryMode=0700
RuntimeDirectory=sent
RuntimeDirectoryMode=0700
RuntimeDirectoryPreserve=yes
ConfigurationDirectory=sent
Environment=SENT_STATE_DIR=/var/lib/sent SENT_RUNTIME_DIR=/run/sent SENT_CONFIG_DIR=/etc/sent
EnvironmentFile=-/etc/sent/environment
TimeoutStartSec={patience}
TimeoutStopSec=30
WatchdogSec=30
Restart=on-failure
RestartSec=2
KillMode=mixed
UMask=0077
NoNewPrivileges=yes
CapabilityBoundingSet={capabilities}
AmbientCapabilities={capabilities}
ProtectSystem=strict
{writable}ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectClock=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectControlGroups=yes
ProtectProc=invisible
LockPersonality=yes
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
RemoveIPC=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM

[Install]
WantedBy={wanted_by}
"""

_TARGET = """\
[Unit]
Description=SENT: every service of this machine
Documentation=man:sent(1)
After=network-online.target
Wants=network-online.target

[Install]
WantedBy=multi-user.target
"""

TEMPLATE, TARGET = "sent@.service", "sent.target"


def unit(service: str, title: str, program: Sequence[str], installation: str | None = None) -> str:
    """Return the unit file of `service`, started by `program`; `installation`: the folder it updates."""
    after = "" if service in {"db", "supervisor"} else " sent-db.service"
    return _text(service, title, program, after=after, installation=installation)


def package_units(program: Sequence[str]) -> dict[str, str]:
    """Return the units of the system's package by file name.

    The database's instance has a file of its own: nothing may be ordered after itself.
    """
    common = {"part_of": f"\nPartOf={TARGET}", "wanted_by": TARGET}
    return {
        TEMPLATE: _text("%i", "%i", program, after=" sent@db.service", **common),
        "sent@db.service": _text("db", "database", program, after="", **common),
        TARGET: _TARGET,
    }


def unit_name(service: str) -> str:
    """Return the unit's file name."""
    return f"sent-{service}.service"


def _text(
    service: str,
    title: str,
    program: Sequence[str],
    *,
    after: str,
    part_of: str = "",
    wanted_by: str = "multi-user.target",
    installation: str | None = None,
) -> str:
    return _UNIT.format(
        speakers="main" if installation is None else "all",
        writable="" if installation is None else f"ReadWritePaths={_quoted(installation)}\n",
        title=title,
        service=service,
        program=" ".join(_quoted(word) for word in program),
        after=after,
        part_of=part_of,
        wanted_by=wanted_by,
        # The database may have to be made, recovered, or saved and migrated first.
        patience="infinity" if service == "db" else "5min",
        capabilities=CAPABILITIES.get(service, ""),
    )


def _quoted(word: str) -> str:
    """Quote for systemd: blanks need quotes, percent signs are doubled, dollars too."""
    safe = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{safe}"' if any(sign in safe for sign in " \t\"'") else safe
