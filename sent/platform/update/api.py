"""Updates for whoever asks: console, admin's tool, services. Synchronous; call it from a thread.

Every failure is a SentError `update.*` that names the place and the cure, and leaves
the versions as they were.
"""

from __future__ import annotations

import datetime
import json
import os
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sent.platform.buildinfo import PACKAGES, build_info
from sent.platform.errors import Conflict, Denied, Invalid, NotFound, SentError, Unavailable
from sent.platform.update import policy as policies
from sent.platform.update import staging, switching, trial
from sent.platform.update.durable import write
from sent.platform.update.layout import VERSION, Layout, installation, order
from sent.platform.update.manifest import PACK, Manifest, parse, together
from sent.platform.update.policy import Policy
from sent.platform.update.sources import Source, source
from sent.platform.update.store import Cancelled, Store
from sent.platform.update.trust import Trust, first, shipped_root

PLATFORM = "linux-x86_64"
MAX_PACKS = 20
SPARE = 16 * 1024 * 1024
"""Bytes that must stay free on the disk."""

Guard = Callable[[Manifest], None]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an update is; bytes of downloads."""

    done_bytes: int
    total_bytes: int
    step: str


@dataclass(frozen=True, slots=True)
class Offer:
    """A version that may be installed: signed manifests, and where to get the rest."""

    version: str
    notes: str
    released: str
    size_download: int
    packs: tuple[str, ...]
    manifests: tuple[Manifest, ...]
    raw: dict[str, bytes]
    sources: tuple[Source, ...]


@dataclass(frozen=True, slots=True)
class Status:
    """What is installed."""

    version: str | None
    previous: str | None
    installed: tuple[str, ...]
    packs: tuple[str, ...]
    pending: bool
    failed: dict[str, str]
    since: str | None = None
    """When the current version became current, ISO 8601."""
    root: str = ""
    writable: bool = False
    """Whether this user may change the installation."""
    free_bytes: int = 0
    """On its disk."""
    size: int = 0
    """Bytes of the current version; what it shares with the previous one counts here too."""
    notes: str = ""
    """What came with the current version, as Markdown."""


def here() -> Layout:
    """Return this program's installation; raises Invalid that says who updates it instead."""
    found = installation()
    if found is not None:
        return found
    if getattr(sys, "frozen", False):
        whose = (
            "this SENT was installed by the system's package manager: update it there"
            if build_info().updates == PACKAGES
            else "this SENT was unpacked by hand: unpack the next one in its place, or let `sent update"
            " install` make it an installation that updates itself"
        )
        raise Invalid("update.not_here", whose)
    raise Invalid(
        "update.not_here", "this SENT runs from a checkout or a wheel: update it with git or pip, as it came"
    )


def sources(policy: Policy, extra: Sequence[str] = ()) -> list[Source]:
    """Return where to ask: `extra` alone when given, else the policy's mirrors; raises when none is there."""
    found: list[Source] = []
    missing: list[SentError] = []
    for one in extra or policy.mirrors:
        try:
            found.append(source(one))
        except Unavailable as error:
            missing.append(error)
    if missing and not found:
        raise missing[0]
    return found


def check(
    layout: Layout,
    policy: Policy,
    fetcher: Sequence[Source],
    *,
    asked: bool = False,
    add: str | None = None,
    root: bytes | None = None,
) -> Offer | None:
    """Return the version to go to, None when there is none.

    When a person `asked`, releases by and by and versions that failed here before are offered too. `add`
    names a pack for the version that runs.
    """
    with switching.held(layout.metadata.with_suffix(".lock")):
        return _check(layout, policy, fetcher, asked=asked, add=add, root=root or shipped_root())


def _check(
    layout: Layout, policy: Policy, fetcher: Sequence[Source], *, asked: bool, add: str | None, root: bytes
) -> Offer | None:
    running = layout.running()
    trust = first(layout.metadata, fetcher, root)
    installed = staging.manifests(layout.folder(running)) if running else {}
    packs = tuple(sorted({staging.BASE, *installed}, key=lambda pack: (pack != staging.BASE, pack)))
    released = ""
    if add is not None:
        if running is None or PACK.fullmatch(add) is None:
            raise Invalid("update.pack", f"{add!r} is no pack, or no version is installed to add it to")
        return _offer(layout, trust, running, (add,), fetcher, released)
    version = policy.pin
    if not version:
        version, released = _channel(layout, trust, policy.channel, asked=asked)
    if not version or version == running or (running is not None and order(version) < order(running)):
        return None
    if version in trial.failed(layout) and not asked:
        return None
    return _offer(layout, trust, version, packs, fetcher, released)


def apply(
    layout: Layout,
    offer: Offer,
    progress: Callable[[Progress], None] = lambda _: None,
    cancelled: Callable[[], bool] = lambda: False,
    *,
    guard: Guard = lambda _: None,
) -> str:
    """Install the offer and make it current; returns the version. Safe to kill at any point."""
    with switching.alone(layout), _spoken(layout):
        running = layout.running()
        if running is not None and order(offer.version) < order(running):
            raise Conflict(
                "update.older",
                f"{offer.version} is older than {running}, which runs; see `sent update rollback`",
            )
        guard(offer.manifests[0])
        adds = running == offer.version
        folder = layout.versions / f"{switching.STAGING}{offer.version}"
        try:
            if adds or not _there(layout, offer):
                _stage(layout, offer, folder, progress, cancelled)
            if adds:
                staging.join(layout.folder(offer.version), folder, offer.manifests, offer.raw)
            else:
                if folder.is_dir():
                    switching.says_its_version(folder, offer.version)
                    switching.publish(layout, folder, offer.version)
                progress(Progress(offer.size_download, offer.size_download, "switch"))
                proved = _proved(layout)
                switching.switch(layout, offer.version, trial_for=proved)
                switching.prune(layout, proved)
        except (Cancelled, KeyboardInterrupt):
            shutil.rmtree(layout.downloads, ignore_errors=True)
            raise
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(layout.downloads, ignore_errors=True)
    return offer.version


def rollback(layout: Layout) -> str:
    """Make the previous version current; returns it. The one that is left is not offered again by itself."""
    with switching.alone(layout), _spoken(layout):
        running, previous = layout.running(), _previous(layout)
        if running is None or previous is None:
            raise NotFound("update.no_previous", "there is no previous version to go back to")
        bad = staging.whole(layout.folder(previous))
        if bad is not None:
            raise Invalid(
                "update.damaged",
                f"version {previous} is damaged ({bad}); install one with `sent update apply`",
            )
        switching.switch(layout, previous, trial_for=None)
        layout.pending.unlink(missing_ok=True)
        lines = [f"{version} {why}\n" for version, why in trial.failed(layout).items() if version != running]
        write(layout.failed, "".join([*lines, f"{running} was taken back by hand\n"]).encode())
        return previous


def status(layout: Layout) -> Status:
    """Say what is installed; changes nothing."""
    running = layout.running()
    packs = staging.manifests(layout.folder(running)) if running else {}
    return Status(
        version=running,
        previous=_previous(layout),
        installed=tuple(sorted(layout.installed(), key=order)),
        packs=tuple(packs),
        pending=trial.trial(layout) is not None,
        failed=trial.failed(layout),
        since=_since(layout),
        root=str(layout.root),
        writable=os.access(layout.update, os.W_OK) and os.access(layout.versions, os.W_OK),
        free_bytes=shutil.disk_usage(layout.root).free,
        size=sum(one.size for one in packs.values()),
        notes=packs[staging.BASE].notes if staging.BASE in packs else "",
    )


def addable(
    layout: Layout, policy: Policy, fetcher: Sequence[Source], *, root: bytes | None = None
) -> dict[str, int]:
    """Return the packs that can be added to the version that runs, with the bytes of each one's download."""
    running = layout.running()
    if running is None:
        return {}
    with switching.held(layout.metadata.with_suffix(".lock")):
        trust = first(layout.metadata, fetcher, root or shipped_root())
        there = staging.manifests(layout.folder(running))
        names = trust.names(f"manifests/{PLATFORM}/{running}")
        wanted = [pack for pack in (name.removesuffix(".json") for name in names) if pack not in there]
        return {
            pack: _offer(layout, trust, running, (pack,), fetcher, "").size_download
            for pack in wanted[:MAX_PACKS]
            if PACK.fullmatch(pack) and pack != staging.BASE
        }


def _channel(layout: Layout, trust: Trust, channel: str, *, asked: bool) -> tuple[str, str]:
    data = trust.target(f"channels/{PLATFORM}/{channel}.json")
    if data is None:
        raise NotFound(
            "update.channel", f"there is no channel {channel} for {PLATFORM}; see update/policy.toml"
        )
    try:
        read = json.loads(data)
        version, percentage, released = read["version"], int(read["percentage"]), str(read["released"])[:40]
        if VERSION.fullmatch(version) is None:
            raise ValueError(version)
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise Invalid(
            "update.channel", f"the channel {channel} is not understood; tell who releases"
        ) from error
    if not asked and policies.place(layout, version) >= percentage:
        return "", released
    return version, released


def _offer(
    layout: Layout,
    trust: Trust,
    version: str,
    packs: tuple[str, ...],
    fetcher: Sequence[Source],
    released: str,
) -> Offer:
    raw: dict[str, bytes] = {}
    made: list[Manifest] = []
    for pack in packs:
        data = trust.target(f"manifests/{PLATFORM}/{version}/{pack}.json")
        if data is None:
            raise NotFound(
                "update.pack", f"there is no pack {pack} of version {version}; nothing was changed"
            )
        one = parse(data)
        if (one.version, one.platform, one.pack) != (version, PLATFORM, pack):
            raise Invalid(
                "update.manifest", f"the manifest of {pack} {version} is another's; nothing was changed"
            )
        raw[pack] = data
        made.append(one)
    together(made)
    running = layout.running()
    way = staging.plan(made, layout.folder(running) if running else None)
    return Offer(version, made[0].notes, released, way.size_download, packs, tuple(made), raw, tuple(fetcher))


def _stage(
    layout: Layout,
    offer: Offer,
    folder: Path,
    progress: Callable[[Progress], None],
    cancelled: Callable[[], bool],
) -> None:
    running = layout.running()
    way = staging.plan(offer.manifests, layout.folder(running) if running else None)
    total, done = way.size_download, 0

    def advanced(size: int) -> None:
        nonlocal done
        done += size
        progress(Progress(done, total, "download"))

    layout.downloads.mkdir(mode=0o755, parents=True, exist_ok=True)
    files = [file for one in offer.manifests for file in one.files]
    wanted = {file.whole.sha256 for file in files} | {d.blob.sha256 for file in files for d in file.deltas}
    for path in layout.downloads.iterdir():
        if path.name.removesuffix(".part") not in wanted:
            path.unlink()  # of an update that came to nothing
    store = Store(layout.downloads, offer.sources, advanced, cancelled)
    held = sum(store.held(blob) for blob in way.blobs)
    need = total - held + way.size_written + SPARE
    free = shutil.disk_usage(layout.versions).free
    if free < need:
        raise Unavailable(
            "update.room",
            f"the update needs {need / 1e6:,.0f} MB below {layout.root}, {free / 1e6:,.0f} MB are free;"
            " make room there. Nothing was changed",
        )
    advanced(held)
    stage = staging.Stage(folder, store, cancelled)
    stage.make(offer.manifests, offer.raw, way)
    progress(Progress(total, total, "check"))


def _there(layout: Layout, offer: Offer) -> bool:
    """Say whether the version is there whole, from an update that was broken off or taken back."""
    folder = layout.folder(offer.version)
    if not folder.is_dir():
        return False
    same = all(
        (folder / staging.named(pack)).is_file() and (folder / staging.named(pack)).read_bytes() == data
        for pack, data in offer.raw.items()
    )
    return same and staging.whole(folder) is None


def _proved(layout: Layout) -> str | None:
    """Return the version to come back to: the running one, or that before while it is on trial itself."""
    running, found = layout.running(), trial.trial(layout)
    if found is not None and found.version == running and layout.folder(found.before).is_dir():
        return found.before
    return running


def _since(layout: Layout) -> str | None:
    try:
        moment = layout.current.lstat().st_mtime
    except OSError:
        return None
    return datetime.datetime.fromtimestamp(moment, datetime.UTC).isoformat(timespec="seconds")


def _previous(layout: Layout) -> str | None:
    running = layout.running()
    others = sorted((one for one in layout.installed() if one != running), key=order)
    older = [one for one in others if running is None or order(one) < order(running)]
    return older[-1] if older else (others[-1] if others else None)


class _spoken:
    """Turns what the file system says in the middle into an error with its cure."""

    def __init__(self, layout: Layout) -> None:
        self._root = layout.root

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, OSError):
            raise Denied(
                "update.disk",
                f"{error.filename or self._root} cannot be written ({error.strerror}); make room below"
                f" {self._root} and run the update as its owner. The version that ran goes on",
            ) from error
