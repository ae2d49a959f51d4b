"""`sent demo`: a company with a past and live traffic, in an installation of its own (profile `demo`).

Starts the database, prepares the demo organisation, starts the radar and a feeder that speaks to its real
syslog port, then opens the console. Headless it does the same for some seconds and leaves pictures of all
pages in `out/demo/`; the last line is one JSON object of counters, exit 0 when every worker was healthy.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from sent.platform.config import paths
from sent.platform.db.embedded import endpoint
from sent.platform.errors import Unavailable

app = typer.Typer(help="Show SENT with a demo organisation and live traffic.")

READY_TIMEOUT_S = 90.0
PICTURES = Path("out/demo")
SIZE = "1360x860"


@app.callback(invoke_without_command=True)
def demo(
    headless: Annotated[bool, typer.Option(help="No window; write pictures of the pages.")] = False,
    seconds: Annotated[int, typer.Option(min=1, help="How long a headless run lasts.")] = 30,
    feed: Annotated[bool, typer.Option("--feed", hidden=True)] = False,
) -> None:
    """Run the demo until the console is closed (or for some seconds when headless)."""
    if feed:
        from sent.engines.demo.feed import main as feeder

        raise typer.Exit(feeder([]))
    os.environ["SENT_PROFILE"] = "demo"
    if endpoint.external():
        raise Unavailable("demo.external", "the demo has a database of its own; unset SENT_DATABASE_URL")
    if not headless and not _has_screen():
        raise Unavailable(
            "demo.no_screen", "there is no screen here; run `sent demo --headless` (pictures in out/demo)"
        )
    # A service manager's or a shell's `kill` unwinds the stack below, so nothing stays behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    with ExitStack() as running:
        _say("starting the database")
        # The radar looks for sources every few seconds: it may start before there are any.
        services = ["--mode=worker", "--service=supervisor", "--services=db,radar,jobs,capital"]
        running.enter_context(_process("services", [*endpoint.program(), *services]))
        asyncio.run(_database_ready())
        _say("preparing the demo organisation")
        credentials = asyncio.run(_prepare())
        running.enter_context(_process("feeder", [*endpoint.program(), "demo", "--feed"]))
        if headless:
            raise typer.Exit(_headless(seconds))
        _say(f"log in as {credentials.email} with the password {credentials.password.reveal()}")
        _console()


def _headless(seconds: int) -> int:
    """Let it run, take the pictures, count; return the exit code."""
    began = time.monotonic()
    _say(f"running for {seconds} s")
    time.sleep(max(seconds - 5, seconds / 2))
    pictures = _pictures()
    time.sleep(max(0.0, seconds - (time.monotonic() - began)))
    counters = asyncio.run(_count())
    healthy = bool(counters["healthy"]) and all(picture["ok"] for picture in pictures)
    print(json.dumps(counters | {"pictures": pictures, "healthy": healthy}), flush=True)
    return 0 if healthy else 1


def _pictures() -> list[dict[str, Any]]:
    """Let one console take a picture of every page; return which there are."""
    from sent.platform import registry

    files = {page.id: PICTURES / f"{page.id}.png" for _, page in registry.pages()}
    for file in files.values():
        file.unlink(missing_ok=True)
    done = subprocess.run(
        [*endpoint.program(), "shot", "all", "--out", str(PICTURES), "--size", SIZE],
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60 + 60 * len(files),
    )
    if done.returncode != 0:
        _say(f"not every picture was taken: {done.stderr.strip()[-400:]}")
    return [{"page": page, "file": str(file), "ok": file.is_file()} for page, file in files.items()]


def _console() -> None:
    """Open the console and wait until it is closed."""
    subprocess.run([*endpoint.program(), "--demo"], check=False)


async def _database_ready() -> None:
    for _ in range(int(READY_TIMEOUT_S * 10)):
        if await endpoint.owner_answers():
            return
        await asyncio.sleep(0.1)
    raise Unavailable("demo.database", "the demo's database did not start; its lines above say why")


async def _prepare() -> Any:
    from sent.engines.demo import api

    async with _database("sent_app") as app_db, _database("sent_system") as system_db:
        await api.prepare(app_db, system_db)
    return api.credentials()


async def _count() -> dict[str, Any]:
    """Return what happened in the demo organisation and whether every worker is well."""
    from sent.engines.demo import api
    from sent.platform.db.uow import transaction

    async with _database("sent_app") as app_db, _database("sent_system") as system_db:
        counters: dict[str, Any] = await api.count(app_db)
        async with transaction(system_db) as tx:
            found = await tx.execute(
                "select service, state, reasons, heartbeat_at > clock_timestamp() - interval '10 s'"
                " from core.instance where heartbeat_at > clock_timestamp() - interval '1 minute'"
            )
            rows = await found.fetchall()
    workers = {name: state == "ready" and not reasons and fresh for name, state, reasons, fresh in rows}
    expected = {"db", "radar", "capital"}
    healthy = expected <= set(workers) and all(workers.values()) and counters["alerts"] > 0
    return {**counters, "workers": workers, "healthy": healthy}


def _database(role: str) -> Any:
    from sent.platform.config.secrets import role_password
    from sent.platform.db.engine import Database, fixed

    return Database(endpoint.find(), role, fixed(role_password(role)), trusted=True, name="sent demo")


@contextmanager
def _process(name: str, command: list[str]) -> Iterator[None]:
    """Run a child that ends with us; its log goes to the demo's state folder."""
    log = paths.state_dir() / f"{name}.log"
    log.unlink(missing_ok=True)
    log.touch(0o600)
    with log.open("wb") as output:
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stderr=output,
            stdout=output,
            env={**os.environ, "SENT_SUPERVISOR_PID": str(os.getpid())},
            start_new_session=True,
        )
    try:
        yield
    finally:
        if child.poll() is None:
            child.send_signal(signal.SIGTERM)
        try:
            child.wait(30)
        except subprocess.TimeoutExpired:
            child.kill()
        if child.returncode not in (0, -signal.SIGTERM):
            _say(f"{name} ended with code {child.returncode}; see {log}")


def _has_screen() -> bool:
    if not sys.platform.startswith("linux"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _say(text: str) -> None:
    print(f"demo: {text}", file=sys.stderr, flush=True)
