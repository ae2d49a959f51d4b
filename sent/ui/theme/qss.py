"""The one style sheet: a template over the tokens, a rule per line."""

# ruff: noqa: E501

from __future__ import annotations

from string import Template

from sent.ui.theme.tokens import Tokens

_TEMPLATE = Template("""
* { font-family: $family; font-size: ${size}px; color: $text; outline: 0; }
QMainWindow, QDialog, #canvas { background: $window; }
QToolTip { background: $raised; color: $text; border: 1px solid $line_strong; border-radius: 6px; padding: 5px 8px; }
QLabel { background: transparent; }
QLabel[tone="2"] { color: $text2; } QLabel[tone="3"] { color: $text3; }
QLabel[tone="ok"] { color: $ok; } QLabel[tone="warn"] { color: $warn; }
QLabel[tone="bad"] { color: $bad; } QLabel[tone="accent"] { color: $accent; }
QLabel[type="s"] { font-size: ${size_s}px; } QLabel[type="l"] { font-size: ${size_l}px; font-weight: 600; }
QLabel[type="xl"] { font-size: ${size_xl}px; font-weight: 600; }
QLabel[weight="medium"] { font-weight: 500; } QLabel[weight="bold"] { font-weight: 600; }
QLabel[type="mono"], QPlainTextEdit[type="mono"] { font-family: $mono; font-size: ${size_mono}px; }

#rail { background: $panel; border-right: 1px solid $line; }
#topbar { background: $panel; border-bottom: 1px solid $line; }
#statusbar { background: $panel; border-top: 1px solid $line; }
#statusbar QLabel, #statusbar QToolButton { font-size: ${size_s}px; color: $text2; }
QFrame[kind="card"] { background: $card; border: 1px solid $line; border-radius: 10px; }
QFrame[kind="card"][clickable="true"]:hover { border-color: $line_strong; }
QFrame[kind="card"][clickable="true"]:focus { border-color: $accent; }
QFrame[kind="floating"] { background: $card; border: 1px solid $line_strong; border-radius: 12px; }
QFrame[kind="line"] { background: $line; border: 0; max-height: 1px; min-height: 1px; }
QFrame[kind="banner"] { background: $medium_soft; border: 0; border-bottom: 1px solid $line; }
QFrame[kind="banner"] QLabel { color: $medium; }

QPushButton { background: $raised; border: ${edge}px solid $line_strong; border-radius: 6px; padding: 0 12px; min-height: 28px; font-weight: 500; }
QPushButton:hover { background: $hover; } QPushButton:pressed { background: $selected; }
QPushButton:focus { border-color: $accent; }
QPushButton:disabled { color: $text3; border-color: $line; background: $card; }
QPushButton[kind="primary"] { background: $primary; color: $on_primary; border-color: $primary; }
QPushButton[kind="primary"]:hover { background: $primary_hover; border-color: $primary_hover; }
QPushButton[kind="primary"]:focus, QPushButton[kind="pill"]:focus { border-color: $ring; }
QPushButton[kind="primary"]:disabled { background: $raised; color: $text3; border-color: $line; }
QPushButton[kind="quiet"] { background: transparent; border-color: transparent; color: $text2; }
QPushButton[kind="quiet"]:hover { background: $hover; color: $text; }
QPushButton[kind="quiet"]:focus { border-color: $accent; }
QPushButton[kind="link"] { background: transparent; border: ${edge}px solid transparent; border-radius: 4px; color: $accent; padding: 0 4px; min-height: 20px; text-align: left; }
QPushButton[kind="link"]:focus { border-color: $accent; } QPushButton[kind="link"]:hover { background: $hover; }
QPushButton[kind="danger"] { color: $bad; }
QPushButton[kind="search"] { background: $raised; border-color: $line; color: $text3; text-align: left; font-weight: 400; padding: 0 10px; }
QPushButton[kind="search"]:hover { border-color: $line_strong; color: $text2; } QPushButton[kind="search"]:focus { border-color: $accent; }
QPushButton[kind="pill"] { background: $primary; color: $on_primary; border: ${edge}px solid $primary; border-radius: 14px; min-height: 26px; }
QPushButton[kind="pill"]:hover { background: $primary_hover; }
QPushButton[kind="tab"] { background: transparent; border: 0; border-bottom: 2px solid transparent; border-radius: 0; padding: 0 2px; min-height: 34px; color: $text2; }
QPushButton[kind="tab"]:hover { color: $text; } QPushButton[kind="tab"]:checked { color: $text; border-bottom-color: $accent; }
QPushButton[kind="tab"]:focus { color: $accent; background: $hover; }
QPushButton[kind="segment"] { border-radius: 5px; border: ${edge}px solid transparent; background: transparent; color: $text2; min-height: 24px; padding: 0 12px; }
QPushButton[kind="segment"]:checked { background: $selected; color: $text; } QPushButton[kind="segment"]:focus { border-color: $accent; }
QPushButton[kind="segment"]:hover:!checked { background: $hover; }
QFrame[kind="segments"] { background: $raised; border: ${edge}px solid $line; border-radius: 7px; }
QToolButton { background: transparent; border: ${edge}px solid transparent; border-radius: 6px; padding: 3px; color: $text2; }
QToolButton:hover { background: $hover; color: $text; } QToolButton:focus { border-color: $accent; }
QToolButton:checked { background: $selected; } QToolButton::menu-indicator { image: none; }

QAbstractScrollArea { background: transparent; border: 0; } QAbstractScrollArea > QWidget > QWidget#surface { background: transparent; }
QLineEdit, QPlainTextEdit, QTextEdit, QSpinBox, QComboBox { background: $raised; border: ${edge}px solid $line_strong; border-radius: 6px; padding: 0 8px; min-height: 30px; selection-background-color: $primary; selection-color: $on_primary; }
QPlainTextEdit, QTextEdit { padding: 6px; }
QLineEdit:focus, QPlainTextEdit:focus, QTextEdit:focus, QSpinBox:focus, QComboBox:focus { border-color: $accent; }
QLineEdit[invalid="true"] { border-color: $bad; } QLineEdit:disabled { color: $text3; border-color: $line; }
QLineEdit[kind="bare"], QLineEdit[kind="bare"]:focus { background: transparent; border: 0; padding: 0; }
QFrame[kind="field"] { background: $raised; border: ${edge}px solid $line_strong; border-radius: 6px; }
QFrame[kind="field"][focused="true"] { border-color: $accent; }
QComboBox::drop-down { border: 0; width: 22px; } QComboBox::down-arrow { image: $chevron; width: 14px; height: 14px; }
QSpinBox::up-button, QSpinBox::down-button { width: 0; border: 0; }
QComboBox QAbstractItemView, QListView[kind="menu"] { background: $card; border: 1px solid $line_strong; border-radius: 6px; padding: 4px; selection-background-color: $selected; selection-color: $text; }
QListView[kind="menu"]::item { padding: 5px 8px; border-radius: 5px; } QListView[kind="menu"]::item:selected { background: $selected; }
QCheckBox { spacing: 8px; background: transparent; } QCheckBox::indicator, QListView::indicator { width: 15px; height: 15px; border: ${edge}px solid $line_strong; border-radius: 4px; background: $raised; }
QCheckBox::indicator:checked, QListView::indicator:checked { background: $primary; border-color: $primary; image: $check; } QCheckBox::indicator:focus { border-color: $accent; } QCheckBox::indicator:checked:focus { border-color: $ring; }
QMenu { background: $card; border: 1px solid $line_strong; border-radius: 8px; padding: 5px; }
QMenu::item { padding: 6px 28px 6px 10px; border-radius: 5px; } QMenu::item:selected { background: $selected; }
QMenu::item:disabled { color: $text3; } QMenu::separator { height: 1px; background: $line; margin: 5px 6px; } QMenu::icon { padding-left: 8px; }

QTableView, QListView, QTreeView { background: $card; border: 0; selection-background-color: $selected; selection-color: $text; alternate-background-color: $card; }
QListWidget, QTableWidget, QTreeWidget { border: ${edge}px solid transparent; border-radius: 6px; } QListWidget:focus, QTableWidget:focus, QTreeWidget:focus { border-color: $accent; }
QHeaderView { background: $card; border: 0; }
QHeaderView::section { background: $card; color: $text3; border: 0; border-bottom: 1px solid $line; padding: 0 10px; font-size: ${size_s}px; font-weight: 500; }
QTableWidget QHeaderView::section, QTreeWidget QHeaderView::section { padding: 0 4px; }
QScrollBar:vertical { background: transparent; width: 10px; margin: 0; } QScrollBar:horizontal { background: transparent; height: 10px; margin: 0; }
QScrollBar::handle { background: $line_strong; border-radius: 4px; margin: 1px; } QScrollBar::handle:hover { background: $text3; }
QScrollBar::handle:vertical { min-height: 36px; } QScrollBar::handle:horizontal { min-width: 36px; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; } QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }
QSplitter::handle { background: transparent; }
QProgressBar { background: $raised; border: 0; border-radius: 3px; max-height: 6px; min-height: 6px; } QProgressBar::chunk { background: $primary; border-radius: 3px; }
""")


_CALM = "* { widget-animation-duration: 0; }\n"


def style_sheet(
    tokens: Tokens, *, family: str, mono: str, scale: float, images: dict[str, str], calm: bool = False
) -> str:
    """Return the style sheet for `tokens`; `images` gives the file URLs of `check` and `chevron`.

    With `calm` nothing moves by itself. High contrast draws the edges of controls two pixels wide.
    """
    sizes = {
        "size": round(13 * scale),
        "size_s": round(11 * scale),
        "size_l": round(16 * scale),
        "size_xl": round(22 * scale),
        "size_mono": round(12 * scale),
        "edge": 2 if tokens.high_contrast else 1,
    }
    values = tokens.as_dict() | {"family": f'"{family}"', "mono": f'"{mono}"'} | images
    return (_CALM if calm else "") + _TEMPLATE.substitute(values, **sizes)


def rules() -> Template:
    """Return the template, for tests of what may stand on what."""
    return _TEMPLATE
