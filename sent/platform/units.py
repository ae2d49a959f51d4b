"""The systemd unit of a service: least privilege, readiness, watchdog, restart.

A unit names the program that is installed now; `sent service install` writes it, `--dry-run` prints it. Where
SENT updates itself that is the starter, which stays the main process while a version is on trial (ADR 0024):
then the program speaks as its child, and the installation may be written.
"""

from __future__ import annotations

from collections.abc import Sequence

CAPABILITIES: dict[str, str] = {}
"""Capabilities a service keeps, by id; all others keep none."""

_UNIT = """\
[Unit]
Description=SENT {title}
After=network-online.target{after}
Wants=network-online.target
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
WatchdogSec=30
Restart=on-failure
RestartSec=2
TimeoutStopSec=30
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
WantedBy=multi-user.target
"""


def unit(service: str, title: str, program: Sequence[str], installation: str | None = None) -> str:
    """Return the unit file of `service`, started by `program`; `installation`: the folder it updates."""
    return _UNIT.format(
        speakers="main" if installation is None else "all",
        writable="" if installation is None else f"ReadWritePaths={_quoted(installation)}\n",
        title=title,
        service=service,
        program=" ".join(_quoted(word) for word in program),
        after="" if service in {"db", "supervisor"} else " sent-db.service",
        capabilities=CAPABILITIES.get(service, ""),
    )


def unit_name(service: str) -> str:
    """Return the unit's file name."""
    return f"sent-{service}.service"


def _quoted(word: str) -> str:
    """Quote for systemd: blanks need quotes, percent signs are doubled, dollars too."""
    safe = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{safe}"' if any(sign in safe for sign in " \t\"'") else safe
