"""What an administrator wants of updates: `update/policy.toml`.

channel = "stable"          which releases
pin = ""                    a version to stay at (or to go to)
window = "22:00-05:00"      local hours in which an update may be applied by itself; "" is always
automatic = true            look and install by itself; false: only when somebody asks
mirrors = ["https://..."]   asked in this order; also folders and bundles
"""

from __future__ import annotations

import datetime
import hashlib
import json
import re
import secrets
import tomllib
from dataclasses import asdict, dataclass
from pathlib import Path

from sent.platform.errors import Invalid
from sent.platform.update.durable import write
from sent.platform.update.layout import VERSION, Layout

MAX_BYTES = 20_000
MAX_MIRRORS = 20
CHANNEL = re.compile(r"[a-z][a-z0-9-]{0,29}")
_WINDOW = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")
_MACHINE = Path("/etc/machine-id")


@dataclass(frozen=True, slots=True)
class Policy:
    """See the module."""

    channel: str = "stable"
    pin: str = ""
    window: str = ""
    automatic: bool = True
    mirrors: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if CHANNEL.fullmatch(self.channel) is None:
            raise _wrong("channel", self.channel, "a word such as stable")
        if self.pin and VERSION.fullmatch(self.pin) is None:
            raise _wrong("pin", self.pin, "a version, or nothing")
        begin, _, end = self.window.partition("-")
        if self.window and (_WINDOW.fullmatch(self.window) is None or begin == end):
            raise _wrong("window", self.window, "hours such as 22:00-05:00, or nothing")
        if len(self.mirrors) > MAX_MIRRORS or not all(0 < len(one) <= 500 for one in self.mirrors):
            raise _wrong("mirrors", f"{len(self.mirrors)} places", f"at most {MAX_MIRRORS} short ones")

    def open_at(self, now: datetime.time) -> bool:
        """Say whether an update may be applied by itself at this local time."""
        found = _WINDOW.fullmatch(self.window)
        if found is None:
            return True
        one, two, three, four = (int(part) for part in found.groups())
        begin, end = datetime.time(one, two), datetime.time(three, four)
        now = now.replace(tzinfo=None)
        return begin <= now < end if begin <= end else now >= begin or now < end


def load(layout: Layout) -> Policy:
    """Return the installation's policy; raises Invalid that names what is wrong in the file."""
    try:
        data = layout.policy.read_bytes()[: MAX_BYTES + 1]
    except FileNotFoundError:
        return Policy()
    except OSError as error:
        raise Invalid("update.policy", f"{layout.policy} cannot be read ({error.strerror})") from error
    try:
        if len(data) > MAX_BYTES:
            raise ValueError(f"it has more than {MAX_BYTES:,} bytes")
        read = tomllib.loads(data.decode())
        known = {name: read.pop(name) for name in asdict(Policy()) if name in read}
        if read:
            raise ValueError(f"{next(iter(read))} is not known")
        for name, value in known.items():
            if type(value) is not (list if name == "mirrors" else bool if name == "automatic" else str):
                raise ValueError(f"{name} has a value of another kind")
        mirrors = known.pop("mirrors", [])
        if not all(isinstance(one, str) for one in mirrors):
            raise ValueError("mirrors are texts")
        return Policy(**known, mirrors=tuple(mirrors))
    except ValueError as error:
        raise Invalid("update.policy", f"{layout.policy} is not understood: {error}; correct it") from error


def save(layout: Layout, policy: Policy) -> None:
    """Write the policy, whole or not at all."""
    lines = [f"{name} = {json.dumps(value)}\n" for name, value in asdict(policy).items()]
    write(layout.policy, "".join(lines).encode())


def place(layout: Layout, version: str, machine: Path = _MACHINE) -> int:
    """Return 0..99: where this machine stands in a release by and by; another place for each version."""
    try:
        name = machine.read_bytes()[:100].strip()
    except OSError:
        name = b""
    if not name:
        own = layout.update / "machine"
        if not own.exists():
            write(own, secrets.token_hex(16).encode())
        name = own.read_bytes()
    # The machine's id itself must not leave it (machine-id(5)): only this number is ever compared.
    return int.from_bytes(hashlib.sha256(b"sent update\0" + name + version.encode()).digest()[:8]) % 100


def _wrong(name: str, value: str, wanted: str) -> Invalid:
    return Invalid("update.policy", f"{name} {value[:80]!r} is not {wanted}; see docs/howto/updates.md")
