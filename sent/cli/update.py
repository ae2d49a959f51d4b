"""`sent update`: versions of this installation. JSON lines on stdout, progress on stderr."""

from __future__ import annotations

import datetime
import json
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sent.platform.errors import Invalid
from sent.platform.update.layout import Layout

if TYPE_CHECKING:
    from sent.platform.update import api, known

app = typer.Typer(no_args_is_help=True, help="Look for updates, install them, go back.")

Mirror = Annotated[list[str] | None, typer.Option(help="Ask here instead of the policy's mirrors.")]
Bundle = Annotated[str, typer.Option(help="Take everything from this file: no network is needed.")]


@app.command()
def check(mirror: Mirror = None, bundle: Bundle = "") -> None:
    """Say in one JSON line what would be installed; `version` is null when nothing newer is offered."""
    from sent.platform.update import api, orders, policy

    layout = api.here()
    places = api.sources(policy.load(layout), [bundle] if bundle else mirror or ())
    offer = orders.look(layout, places, asked=True, bundle=bundle)
    running = layout.running()
    if offer is None:
        print(json.dumps({"version": None, "running": running}))
        return
    # ASCII only: a terminal obeys some characters that JSON would leave as they are (U+009B).
    print(json.dumps(_line(offer) | {"running": running, "notes": offer.notes}))


@app.command("apply")
def apply_update(mirror: Mirror = None, bundle: Bundle = "") -> None:
    """Install the newest version and make it current; Ctrl-C leaves everything as it was."""
    from sent.platform.update import api

    layout = api.here()
    offer = _offer(layout, mirror, bundle, None)
    if offer is None:
        print(json.dumps({"version": layout.running(), "changed": False}))
        return
    _apply(layout, offer)


@app.command()
def add(
    pack: Annotated[str, typer.Argument(help="Pack, such as media.")],
    mirror: Mirror = None,
    bundle: Bundle = "",
) -> None:
    """Add a component pack to the version that runs."""
    from sent.platform.update import api

    layout = api.here()
    offer = _offer(layout, mirror, bundle, pack)
    if offer is None:
        raise Invalid("update.pack", f"there is no pack {pack}")
    _apply(layout, offer)


@app.command()
def rollback() -> None:
    """Go back to the previous version; the one that is left is not installed again by itself."""
    from sent.platform.update import api

    print(json.dumps({"version": api.rollback(api.here()), "changed": True}))


@app.command()
def status() -> None:
    """Print versions, packs, policy, the last look and what failed here, in one JSON line."""
    from sent.platform.update import api, known, policy

    layout = api.here()
    found = known.read(layout)
    state = asdict(api.status(layout))
    del state["notes"]
    line = state | {
        "policy": asdict(policy.load(layout)),
        "looked": None if found is None else _looked(found),
    }
    print(json.dumps(line, ensure_ascii=False))


@app.command()
def install(
    folder: Annotated[Path, typer.Argument(help="Where to: a new or empty folder, such as /opt/sent.")],
    channel: Annotated[str, typer.Option(help="Channel to follow.")] = "stable",
    mirror: Annotated[list[str] | None, typer.Option(help="Mirror to ask, may be repeated.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
) -> None:
    """Install the unpacked program so that it updates itself; FOLDER/sent starts it from then on."""
    from sent.platform.update import installing
    from sent.platform.update.policy import Policy

    made = installing.plan(folder, Policy(channel=channel, mirrors=tuple(mirror or ())))
    if not dry_run:
        installing.install(made, _Said())
    print(json.dumps(made.line() | {"changed": not dry_run}, ensure_ascii=False))


@app.command(hidden=True)
def told(order: str, argument: str = typer.Argument(""), bundle: Bundle = "") -> None:
    """Carry out an order of a console or a service; see `sent.platform.update.orders`."""
    from sent.platform.errors import SentError
    from sent.platform.update import orders

    def say(line: dict[str, object]) -> None:
        print(json.dumps(line, ensure_ascii=False), flush=True)

    with _interruptible() as cancelled:
        try:
            now = datetime.datetime.now().astimezone()
            say({"done": orders.run(order, argument, bundle, say, cancelled.is_set, now=now)})
        except SentError as error:
            say({"error": {"code": error.code, "message": error.message}})
            raise typer.Exit(error.exit_code) from error


def _looked(found: known.Known) -> dict[str, object]:
    moment = datetime.datetime.fromtimestamp(found.at, datetime.UTC).isoformat(timespec="seconds")
    line: dict[str, object] = {"at": moment, "offered": found.version or None, "addable": found.addable}
    return line | ({"error": found.code, "message": found.message} if found.failed else {})


def _offer(layout: Layout, mirror: list[str] | None, bundle: str, pack: str | None) -> api.Offer | None:
    from sent.platform.update import api, policy

    rule = policy.load(layout)
    places = [bundle] if bundle else mirror or ()
    return api.check(layout, rule, api.sources(rule, places), asked=True, add=pack)


def _apply(layout: Layout, offer: api.Offer) -> None:
    from sent.platform.update import api
    from sent.platform.update.compatibility import guard

    with _interruptible() as cancelled:
        version = api.apply(layout, offer, _Said(), cancelled.is_set, guard=guard)
    print(json.dumps(_line(offer) | {"version": version, "changed": True}))


def _line(offer: api.Offer) -> dict[str, object]:
    return {
        "version": offer.version,
        "released": offer.released,
        "size_download": offer.size_download,
        "packs": list(offer.packs),
    }


class _Said:
    """Progress on stderr, a line for each tenth."""

    def __init__(self) -> None:
        self._last = ""

    def __call__(self, progress: api.Progress) -> None:
        tenth = 10 * progress.done_bytes // max(progress.total_bytes, 1)
        text = f"{progress.step} {10 * tenth} % of {progress.total_bytes / 1e6:,.1f} MB"
        if text != self._last:
            self._last = text
            print(f"update: {text}", file=sys.stderr, flush=True)


@contextmanager
def _interruptible() -> Iterator[threading.Event]:
    """Let Ctrl-C and SIGTERM ask for an orderly end."""
    asked = threading.Event()
    former = {one: signal.signal(one, lambda *_: asked.set()) for one in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield asked
    finally:
        for one, handler in former.items():
            signal.signal(one, handler)
