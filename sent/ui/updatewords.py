"""What the console says of updates: steps, errors and reasons in the user's words."""

from __future__ import annotations

import re
from typing import Any

from sent.platform.i18n import formats, tr

_REASONS = (
    re.compile(r"did not prove itself within (\d+) s"),
    re.compile(r"was started (\d+) times without proving itself"),
    re.compile(r"ended with code (\d+) at its first start"),
)


def size_words(size: float) -> str:
    """Return bytes as people read them: decimal, as downloads are."""
    for unit in ("B", "kB", "MB"):
        if abs(size) < 1000:
            return f"{formats().figure(size, 1 if unit == 'MB' else 0)} {unit}"
        size /= 1000
    return f"{formats().figure(size, 2)} GB"


def order_title(order: str, argument: str) -> str:
    """Return what the task centre calls an order."""
    titles = {
        "add": tr("Adding the pack {name}", name=argument),
        "rollback": tr("Going back to the previous version"),
        "check": tr("Looking for updates"),
    }
    return titles.get(order, tr("Installing an update"))


def step_words(step: str) -> str:
    """Return what a step of an update does."""
    steps = {
        "download": tr("Downloading"),
        "check": tr("Checking every file"),
        "switch": tr("Switching over"),
    }
    return steps.get(step, tr("Preparing"))


def progress_words(progress: dict[str, Any], rate: float) -> str:
    """Return how far an update is: the step, the bytes and the rate."""
    step = str(progress.get("step", ""))
    if step != "download":
        return step_words(step)
    done, total = int(progress["done"]), int(progress["total"])
    words = tr("{done} of {total}", done=size_words(done), total=size_words(total))
    speed = tr("{size}/s", size=size_words(rate)) if rate else ""
    return " · ".join(part for part in (step_words(step), words, speed) if part)


def reason_words(reason: str) -> str:
    """Return why a version was taken back; what the starter did not write stays as it is."""
    slow, often, ended = (pattern.fullmatch(reason.strip()) for pattern in _REASONS)
    if slow:
        return tr("It showed no window and no service within {n} s", n=slow[1])
    if often:
        return tr("It was started {n} times and ended each time before anything was shown", n=often[1])
    if ended:
        return tr("It ended with code {n} at its first start", n=ended[1])
    if reason.strip() == "was taken back by hand":
        return tr("Taken back by hand")
    return reason


def error_title(code: str) -> str:
    """Return what happened, in a few words."""
    titles = {
        "update.unreachable": tr("The mirror does not answer"),
        "update.mirror": tr("The mirror is not there"),
        "update.no_mirror": tr("No mirror is set"),
        "update.no_root": tr("This build does not update itself"),
        "update.expired": tr("What the mirror offers has expired"),
        "update.older": tr("The mirror offers something older than it did"),
        "update.mismatch": tr("What the mirror offers does not fit together"),
        "update.signature": tr("The offer is signed by somebody else"),
        "update.metadata": tr("What the mirror offers cannot be read"),
        "update.manifest": tr("The description of the new version was refused"),
        "update.tampered": tr("A file is not what was signed"),
        "update.bundle": tr("This file is no bundle of SENT"),
        "update.room": tr("There is too little room on the disk"),
        "update.disk": tr("The disk refused to be written"),
        "update.not_writable": tr("This user may not change the installation"),
        "update.busy": tr("Another update is going on here"),
        "update.schema": tr("The new version and the database do not go together"),
        "update.does_not_start": tr("The new version does not start on this machine"),
        "update.cancelled": tr("Cancelled; nothing was changed"),
        "update.channel": tr("The channel is not there"),
        "update.pack": tr("There is no such pack"),
        "update.damaged": tr("The previous version is damaged"),
        "update.policy": tr("The policy cannot be used"),
        "update.no_previous": tr("There is no previous version"),
        "update.ended": tr("The update ended in between"),
    }
    return titles.get(code, tr("The update did not work"))


def cure_words(code: str) -> str:
    """Return what can be done about it; empty where only the message itself says so."""
    cures = {
        "update.unreachable": tr("Nothing was changed. Try again later, or use a bundle."),
        "update.mirror": tr("Correct the mirrors in the policy: a web address, a folder or a bundle's file."),
        "update.no_mirror": tr("Name a mirror in the policy, or drop a bundle here."),
        "update.expired": tr(
            "It may be held back. Look at this machine's clock, then tell who runs the mirror."
        ),
        "update.older": tr("Somebody replays, or the mirror is being copied. Use another mirror."),
        "update.mismatch": tr("The mirror is being copied, or somebody mixes. Try again, or another mirror."),
        "update.signature": tr("Do not install it. Tell who makes the releases."),
        "update.metadata": tr("Use another mirror."),
        "update.manifest": tr("Nothing was changed. Tell who makes the releases."),
        "update.tampered": tr("Nothing was changed. Use another mirror."),
        "update.bundle": tr("Copy it again from where it came."),
        "update.room": tr("Make room on the disk of the installation and try again."),
        "update.disk": tr("Make room, or let the owner of the installation do it."),
        "update.not_writable": tr("Whoever installed SENT runs `sent update apply`, or lets services do it."),
        "update.busy": tr("Wait for it, or cancel it where it was begun."),
        "update.schema": tr("Nothing was changed. Install a version in between first."),
        "update.does_not_start": tr("Nothing was changed. Tell who makes the releases."),
    }
    return cures.get(code, "")


def error_words(code: str, message: str) -> str:
    """Return an error of an update as one text: what happened and what to do, else its own message."""
    cure = cure_words(code)
    known = error_title(code)
    return f"{known}. {cure}".strip() if cure else message[:1].upper() + message[1:]
