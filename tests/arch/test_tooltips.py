"""What a tooltip shows is never taken for HTML: texts come from whoever sends logs."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from sent.ui.kit.text import tip

UI = Path(__file__).resolve().parents[2] / "sent" / "ui"
OURS = {"tr", "trn", "absolute", "tip", "tooltip", "reason_name"}
"""What makes texts of the program's own words, or such as are safe."""


def calls() -> Iterator[tuple[str, ast.expr]]:
    for path in sorted(UI.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                place = {"setToolTip": -1, "showText": 1}.get(node.func.attr)
                if place is not None and node.args:
                    yield f"{path.relative_to(UI)}:{node.lineno}", node.args[place]


def ours(text: ast.expr) -> bool:
    match text:
        case ast.Constant():
            return True
        case ast.IfExp():
            return ours(text.body) and ours(text.orelse)
        case ast.BinOp():
            return ours(text.left) and ours(text.right)
        case ast.Call(func=ast.Name(id="tr" | "trn"), keywords=values):
            return all(ours(value.value) or plain(value.value) for value in values)
        case ast.Call(func=ast.Name(id=name)):
            return name in OURS
    return plain(text)


def plain(text: ast.expr) -> bool:
    """A name that the program gives: of an action, a key, a page; or a figure."""
    if isinstance(text, ast.Call) and isinstance(text.func, ast.Name):
        return text.func.id in {"count", "len"}
    return ast.unparse(text) in {
        "name",
        "key",
        "action",
        "order",
        "n",
        "preset.about",
        "self.text()",
        "f'{text} ({key})'",
        "f'{made.text()} ({key})'",
        "f\"{tr('Save')} (Ctrl+S)\"",
        "title",
        "f'{title}  (G, {page.jump.upper()})'",
        "found.share",
        "f'{absolute(first)}\\n{absolute(self.around.last_seen)}'",
    }


def test_every_tooltip_is_of_our_own_words_or_made_safe() -> None:
    found = list(calls())
    assert len(found) > 40
    assert [f"{place} {ast.unparse(text)}" for place, text in found if not ours(text)] == []


@pytest.mark.parametrize("text", ['<img src="file://evil/x.png">', "a &lt;b", "<b>x", "\n<i>"])
def test_markup_is_shown_as_it_is_written(text: str) -> None:
    made = tip(text)
    assert made.startswith("<p style='white-space:pre-wrap'>")
    assert "<" not in made[len("<p style='white-space:pre-wrap'>") : -len("</p>")]
    assert "&lt;b" not in text or "&amp;lt;b" in made
    assert tip("plain\ntext") == "plain\ntext"
