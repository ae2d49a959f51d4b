"""`sent licenses`: what the program is made of and under which licences."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from sent.platform.errors import NotFound
from sent.platform.licences import components

app = typer.Typer(help="Licences of what SENT is made of.")


@app.callback(invoke_without_command=True)
def licenses(
    text: Annotated[str, typer.Option(metavar="NAME", help="Print the licence texts of one part.")] = "",
) -> None:
    """Print every part with its licence, one JSON object a line."""
    if not text:
        for part in components():
            row = {"name": part.name, "version": part.version, "license": part.licence}
            print(json.dumps(row | {"address": part.address}, ensure_ascii=False))
        return
    found = [part for part in components() if part.name.lower() == text.lower()]
    if not found:
        raise NotFound("licences.unknown", f"no part is called {text!r}; `sent licenses` lists them")
    print("\n\n".join(found[0].texts) or f"{found[0].name}: {found[0].licence} ({found[0].address})")
