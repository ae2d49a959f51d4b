"""What consoles and services have done in a process of its own, which tells in JSON lines how it goes.

An update hashes, unpacks and patches for seconds and needs up to 250 MB: neither belongs into a window's
process nor into a service's. The process may be killed at any point. See `told` for what it writes.
"""

from __future__ import annotations

import datetime
import os
import time
from collections.abc import Callable, Sequence
from typing import Any

from sent.platform.errors import Invalid, SentError
from sent.platform.update import api, known, schedule
from sent.platform.update import policy as policies
from sent.platform.update.compatibility import guard
from sent.platform.update.known import Known
from sent.platform.update.layout import Layout
from sent.platform.update.sources import Source
from sent.platform.update.told import ORDERS

APART_S = 0.1
GENTLE = 10
"""Steps of niceness for what nobody asked for."""

Say = Callable[[dict[str, Any]], None]
Cancelled = Callable[[], bool]


def run(
    order: str, argument: str, bundle: str, say: Say, cancelled: Cancelled, *, now: datetime.datetime
) -> dict[str, Any]:
    """Carry out one order and return what came of it; raises SentError."""
    layout = api.here()
    if order == "rollback":
        return {"version": api.rollback(layout)}
    if order == "auto":
        return _auto(layout, say, cancelled, now)
    if order == "test":
        return _test(layout, argument)
    if order not in ORDERS:
        raise Invalid("update.order", f"{order!r} is none of {', '.join(ORDERS)}")
    try:
        places = api.sources(policies.load(layout), [bundle] if bundle else [])
        if order == "add":
            offer = api.check(layout, policies.load(layout), places, asked=True, add=argument)
        else:
            offer = look(layout, places, asked=True, bundle=bundle)
        if order == "check":
            return {"version": offer.version if offer else None}
        return {"version": install(layout, offer, say, cancelled), "pack": argument}
    except SentError as error:
        if error.code != "update.cancelled" and order != "add":
            known.keep_error(layout, error, time.time())
        raise


def look(layout: Layout, places: Sequence[Source], *, asked: bool, bundle: str = "") -> api.Offer | None:
    """Look for an update and note what was found."""
    policy = policies.load(layout)
    offer = api.check(layout, policy, places, asked=asked)
    addable = api.addable(layout, policy, places)
    found = Known(time.time(), asked=asked, addable=addable, bundle=bundle)
    if offer is not None:
        found = Known(
            found.at,
            offer.version,
            offer.notes,
            offer.released,
            offer.size_download,
            offer.packs,
            asked,
            bundle,
            addable,
        )
    known.keep(layout, found)
    return offer


def install(layout: Layout, offer: api.Offer | None, say: Say, cancelled: Cancelled) -> str | None:
    """Install an offer; returns the version, None without one."""
    if offer is None:
        return None
    return api.apply(layout, offer, _Paced(say), cancelled, guard=guard)


def _auto(layout: Layout, say: Say, cancelled: Cancelled, now: datetime.datetime) -> dict[str, Any]:
    """Do what is due by itself: look, and install within the policy's hours."""
    os.nice(GENTLE)
    version = None
    try:
        policy = policies.load(layout)
        step = schedule.step(layout, policy, now)
        if step is None:
            return {"step": None}
        offer = look(layout, api.sources(policy), asked=False)
        if offer is not None and schedule.due(layout, policy, now):
            step, version = "apply", install(layout, offer, say, cancelled)
    except SentError as error:
        if error.code not in ("update.cancelled", "update.busy"):
            known.keep_error(layout, error, time.time())
        raise
    return {"step": step, "version": version}


def _test(layout: Layout, mirror: str) -> dict[str, Any]:
    """Ask one mirror and say what it offers and how quick it was; notes nothing."""
    begun = time.monotonic()
    offer = api.check(layout, policies.load(layout), api.sources(policies.load(layout), [mirror]), asked=True)
    return {"version": offer.version if offer else None, "seconds": round(time.monotonic() - begun, 2)}


class _Paced:
    """Passes progress on at a bearable pace; the last word of a step always."""

    def __init__(self, say: Say) -> None:
        self._say, self._last, self._step = say, 0.0, ""

    def __call__(self, progress: api.Progress) -> None:
        moment = time.monotonic()
        over = progress.done_bytes >= progress.total_bytes
        if moment - self._last >= APART_S or progress.step != self._step or over:
            self._last, self._step = moment, progress.step
            told = {"step": progress.step, "done": progress.done_bytes, "total": progress.total_bytes}
            self._say({"progress": told})
