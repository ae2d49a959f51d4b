"""When a machine looks for updates by itself, and when it installs what it found.

It looks every six hours (after a failure every hour), a little later on some machines than on others so that
not all of them ask at once. It installs in the hours the policy gives, and never while a version is still on
trial. Consoles and services share one note (`known`): whoever comes first does it for all.
"""

from __future__ import annotations

import datetime
import os
from typing import Literal

from sent.platform.update import known, trial
from sent.platform.update.layout import Layout, order
from sent.platform.update.policy import Policy, place

EVERY_S = 6 * 3600.0
AGAIN_S = 3600.0
SPREAD_S = 1800.0
"""The latest machine looks this much after the first."""

Step = Literal["check", "apply"]


def step(layout: Layout, policy: Policy, now: datetime.datetime) -> Step | None:
    """Return what is to be done by itself at `now` (aware, in the zone of the policy's hours)."""
    if not policy.automatic or not policy.mirrors or not os.access(layout.update, os.W_OK):
        return None
    if trial.trial(layout) is not None:
        return None
    found = known.read(layout)
    if found is None:
        return "check"
    age = now.timestamp() - found.at
    wait = AGAIN_S if found.failed else EVERY_S
    # A note from the future was written before the clock was set right.
    late = not 0 <= age < wait + delay(layout)
    if not found.failed and installable(layout, found) and due(layout, policy, now):
        return "apply"
    return "check" if late else None


def due(layout: Layout, policy: Policy, now: datetime.datetime) -> bool:
    """Say whether an update may be looked for and applied by itself now."""
    return policy.automatic and policy.open_at(now.time()) and trial.trial(layout) is None


def installable(layout: Layout, found: known.Known) -> bool:
    """Say whether the machine may take what was offered by itself."""
    running = layout.running()
    newer = bool(found.version) and (running is None or order(found.version) > order(running))
    return newer and not found.asked and not found.bundle and found.version not in trial.failed(layout)


def delay(layout: Layout) -> float:
    """Return this machine's share of `SPREAD_S`, always the same."""
    try:
        return SPREAD_S * place(layout, "looking") / 100
    except OSError:
        return 0.0
