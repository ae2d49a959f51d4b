"""`sent shot <page>`: a picture of a page with the demo organisation, without a screen."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Annotated

import typer

from sent.platform import registry
from sent.platform.db.embedded import endpoint
from sent.platform.errors import Invalid, Unavailable
from sent.platform.manifest import resolve

app = typer.Typer(help="Take a picture of a page of the console.")

TAKE = "sent.ui.shot:take"
"""A string, because the tool and the console do not import each other."""

EVERY = "all"
"""Takes every page of the engines, from one console."""

THEMES = ("dark", "light", "contrast-dark", "contrast-light", "system")


@app.callback(invoke_without_command=True)
def shot(
    page: Annotated[
        str, typer.Argument(help="The page's id (overview, radar, audit, settings, about), or `all`.")
    ],
    out: Annotated[Path, typer.Option(help="The PNG file to write; for `all` the folder.")],
    theme: Annotated[
        str, typer.Option(help="dark, light, contrast-dark, contrast-light or system.")
    ] = "dark",
    size: Annotated[str, typer.Option(help="Width x height in logical pixels.")] = "1360x860",
    scale: Annotated[float, typer.Option(min=0.5, max=4, help="Device pixels per logical pixel.")] = 1.0,
    record: Annotated[str, typer.Option(help="A record to open on the page.")] = "",
    keys: Annotated[str, typer.Option(help="Keys to type on the page, one by one.")] = "",
) -> None:
    """Write a picture of PAGE, or of all of them; needs a running `sent demo`."""
    width, _, height = size.partition("x")
    if not (width.isdigit() and height.isdigit()):
        raise Invalid("shot.size", f"--size is WIDTHxHEIGHT such as 1360x860, not {size!r}")
    if theme not in THEMES:
        raise Invalid("shot.theme", f"--theme is {', '.join(THEMES)}, not {theme!r}")
    os.environ["SENT_PROFILE"] = "demo"
    if not asyncio.run(endpoint.owner_answers()):
        raise Unavailable("shot.no_demo", "no demo runs here; start one with `sent demo` (or `--headless`)")
    if page == EVERY:
        out.mkdir(parents=True, exist_ok=True)
    resolve(TAKE)(
        [(found.id, out / f"{found.id}.png") for _, found in registry.pages()]
        if page == EVERY
        else [(page, out)],
        theme_name=theme,
        size=(int(width), int(height)),
        scale=scale,
        record=record,
        keys=keys,
    )
