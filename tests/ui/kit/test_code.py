"""The text of many lines: colours, marks in the margin, a long text, themes."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QHelpEvent, QTextLayout
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QToolTip
from pytestqt.qtbot import QtBot

from sent.ui.kit.code import CodeEdit, Mark
from sent.ui.theme import theme


def shown(qtbot: QtBot, text: str) -> CodeEdit:
    code = CodeEdit("text")
    qtbot.addWidget(code)
    code.resize(500, 300)
    code.setPlainText(text)
    code.show()
    QApplication.processEvents()
    return code


def colours(code: CodeEdit, line: int) -> dict[str, str]:
    """Return the coloured pieces of a line (from 0) with their colours' names."""
    block = code.document().findBlockByNumber(line)
    names = {theme.colour(name).name(): name for name in ("accent", "medium", "ok", "high", "low", "text3")}
    found: list[QTextLayout.FormatRange] = block.layout().formats()
    return {
        block.text()[f.start : f.start + f.length]: names[f.format.foreground().color().name()] for f in found
    }


def test_keys_modifiers_texts_and_comments_have_their_colours(qtbot: QtBot) -> None:
    code = shown(
        qtbot,
        "title: this and that, 5 of them  # why\n"
        "    Image|endswith|all: '\\cmd.exe'\n"
        "    condition: 1 of sel* and not filter\n"
        "    - 4688\n"
        "    - A|re: [a, \"b\", 7]\n"
        "level: true",
    )  # fmt: skip
    assert colours(code, 0) == {"title": "accent", ":": "text3", "# why": "text3"}
    assert colours(code, 1)["|endswith|all"] == "medium" and colours(code, 1)["'\\cmd.exe'"] == "ok"
    assert {"1", "of", "and", "not"} <= set(colours(code, 2)) and colours(code, 2)["and"] == "low"
    assert colours(code, 3)["4688"] == "high"
    assert colours(code, 4)['"b"'] == "ok" and colours(code, 4)["7"] == "high"
    assert colours(code, 5)["true"] == "low"


def test_another_theme_colours_the_text_anew_and_is_no_change_of_it(qtbot: QtBot) -> None:
    theme.apply("dark")
    code = shown(qtbot, "title: x")
    before = code.toPlainText(), code.document().isModified()
    theme.apply("light")
    assert colours(code, 0)["title"] == "accent"
    assert (code.toPlainText(), code.document().isModified()) == before
    theme.apply("dark")


def test_marks_are_told_in_the_margin_by_tooltip_and_below_the_text(qtbot: QtBot) -> None:
    code = shown(qtbot, "one\n  two\nthree")
    clean = code.grab().toImage()
    code.show_marks([Mark(2, "advice", "a hint"), Mark(2, "error", "a mistake"), Mark(99, "error", "gone")])
    assert [mark.text for mark in code.marks_on(2)] == ["a mistake", "a hint"]
    QApplication.processEvents()
    assert code.grab().toImage() != clean
    under = [selection for selection in code.extraSelections() if selection.cursor.hasSelection()]
    assert [selection.cursor.selectedText() for selection in under] == ["two"]
    top = code.blockBoundingGeometry(code.document().findBlockByNumber(1)).translated(code.contentOffset())
    place = QPoint(8, round(top.center().y()))
    QApplication.sendEvent(
        code._margin, QHelpEvent(QEvent.Type.ToolTip, place, code._margin.mapToGlobal(place))
    )
    assert QToolTip.text() == "a mistake\na hint"
    QToolTip.hideText()


def test_the_margin_grows_with_the_number_of_lines(qtbot: QtBot) -> None:
    code = shown(qtbot, "x")
    narrow = code.margin_width()
    code.setPlainText("\n".join(["x"] * 12_345))
    assert code.margin_width() > narrow
    code.go_to_line(12_000)
    assert code.textCursor().blockNumber() == 11_999
    code.go_to_line(99_999)
    assert code.textCursor().blockNumber() == 12_344


def test_offers_are_taken_with_the_mouse_and_leave_the_text_its_focus(qtbot: QtBot) -> None:
    code = shown(qtbot, "")
    code.offers = lambda text, line, column: (text, [w for w in ("alpha", "alps") if w.startswith(text)])
    code.setFocus()
    QTest.keyClicks(code, "al")
    assert code.offered() == ["alpha", "alps"]
    QTest.keyClick(code, Qt.Key.Key_Down)
    box = code._list.visualRect(code._list.currentIndex())
    QTest.mouseClick(code._list.viewport(), Qt.MouseButton.LeftButton, pos=box.center())
    assert code.toPlainText() == "alps" and code.offered() == []
    QTest.keyClick(code, Qt.Key.Key_Return)
    assert code.toPlainText() == "alps\n", "a whole word is no offer, Enter begins a line"


def test_a_text_to_read_lets_tab_pass_and_takes_no_keys(qtbot: QtBot) -> None:
    code = CodeEdit("text", read_only=True)
    qtbot.addWidget(code)
    code.setPlainText("title: x")
    QTest.keyClicks(code, "abc")
    assert code.toPlainText() == "title: x" and code.tabChangesFocus()
