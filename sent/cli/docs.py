"""`sent docs`: the index of engines, made from their manifests (docs/engines.md is its output)."""

from __future__ import annotations

from collections.abc import Iterator

import typer

from sent.platform import registry
from sent.platform.manifest import Manifest

app = typer.Typer(help="Print the engines' index in Markdown.")


@app.callback(invoke_without_command=True)
def docs() -> None:
    """Print the index of all engines."""
    print("# Engines\n\nMade by `sent docs` from the manifests.\n")
    for manifest in registry.manifests():
        print("\n".join(describe(manifest)))


def describe(manifest: Manifest) -> Iterator[str]:
    """Yield the lines about one engine."""
    yield f"## {manifest.title} (`{manifest.id}`)\n"
    yield f"{manifest.summary}\n"
    rows = (
        ("Pages", [page.title for page in manifest.pages]),
        ("Services", [f"`--service={service.id}`: {service.title}" for service in manifest.services]),
        ("Permissions", [f"`{permission.id}`: {permission.title}" for permission in manifest.permissions]),
        (
            "Settings",
            [f"`{item.key}` ({item.default}): {item.title}" for item in manifest.settings],
        ),
        ("Events", [f"`{event.topic}` ({', '.join(event.fields)})" for event in manifest.events]),
    )
    for title, items in rows:
        if items:
            yield f"- {title}: " + "; ".join(items)
    if manifest.cli:
        yield f"- Commands: `sent {manifest.id} --help`"
    yield ""
