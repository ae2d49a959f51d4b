"""Makes the console's fonts and icons: `python build/assets.py` -> sent/ui/assets/ (ignored by git).

Sources are three npm packages, pinned with hashes in build/assets/ and installed with their scripts switched
off. Inter and IBM Plex Mono are unpacked from woff2 to TTF, because only TTF loads on every system Qt runs
on; static weights, because Qt's style sheets cannot choose a weight of a variable font. Of the icons only
those are taken whose name stands as a string in the console or in an engine's manifest. Without npm nothing
is made, the program says so and uses the system's font and one built-in icon.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / "out" / "work" / "assets"
TARGET = ROOT / "sent" / "ui" / "assets"
MODULES = WORK / "node_modules"

FONTS = {
    "Inter-Regular.ttf": "inter-ui/web/Inter-Regular.woff2",
    "Inter-Medium.ttf": "inter-ui/web/Inter-Medium.woff2",
    "Inter-SemiBold.ttf": "inter-ui/web/Inter-SemiBold.woff2",
    "IBMPlexMono-Regular.ttf": "@fontsource/ibm-plex-mono/files/ibm-plex-mono-latin-400-normal.woff2",
    "IBMPlexMono-Medium.ttf": "@fontsource/ibm-plex-mono/files/ibm-plex-mono-latin-500-normal.woff2",
}
LICENCES = {
    "fonts/Inter-OFL.txt": "inter-ui/LICENSE.txt",
    "fonts/IBMPlexMono-OFL.txt": "@fontsource/ibm-plex-mono/LICENSE",
    "icons/LICENSE-lucide.txt": "lucide-static/LICENSE",
}


def main() -> int:
    """Make the assets; returns 0 also when npm is missing, since the program runs without them."""
    if shutil.which("npm") is None:
        print(
            "assets: npm is not installed, so fonts and icons were NOT made; the console uses the "
            "system's font and a plain icon. Cure: install npm (Debian: apt install npm), run `make setup`.",
            file=sys.stderr,
        )
        return 0
    if problem := install():
        print(f"assets: fonts and icons were NOT made: {problem}", file=sys.stderr)
        return 0
    fonts, icons = make_fonts(), make_icons()
    for target, source in LICENCES.items():
        shutil.copyfile(MODULES / source, TARGET / target)
    print(f"assets: {fonts} fonts and {icons} icons in {TARGET.relative_to(ROOT)}", file=sys.stderr)
    return 0


def install() -> str | None:
    """Install the pinned packages below out/; returns what went wrong, or None."""
    WORK.mkdir(parents=True, exist_ok=True)
    same = True
    for name in ("package.json", "package-lock.json"):
        wanted = (ROOT / "build" / "assets" / name).read_bytes()
        same = same and (WORK / name).is_file() and (WORK / name).read_bytes() == wanted
        (WORK / name).write_bytes(wanted)
    if same and all((MODULES / source).is_file() for source in [*FONTS.values(), *LICENCES.values()]):
        return None
    done = subprocess.run(
        ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
        cwd=WORK,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    return None if done.returncode == 0 else f"npm ci failed: {done.stderr.strip()[-400:]}"


def make_fonts() -> int:
    """Unpack the woff2 files to TTF; returns how many."""
    from fontTools.ttLib import TTFont

    (TARGET / "fonts").mkdir(parents=True, exist_ok=True)
    for target, source in FONTS.items():
        font = TTFont(MODULES / source)
        font.flavor = None
        font.save(TARGET / "fonts" / target)
    return len(FONTS)


def make_icons() -> int:
    """Copy the icons that are named somewhere, on one line each; returns how many."""
    folder = TARGET / "icons"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    source = MODULES / "lucide-static" / "icons"
    known = {path.stem for path in source.glob("*.svg")}
    names = sorted(known & named())
    for name in names:
        text = re.sub(r"<!--.*?-->|class=\"[^\"]*\"", "", (source / f"{name}.svg").read_text("utf-8"))
        (folder / f"{name}.svg").write_text(re.sub(r"\s+", " ", text).strip(), "utf-8")
    return len(names)


def named() -> set[str]:
    """Return every quoted word of the console's sources and the engines' manifests."""
    sources = [*ROOT.glob("sent/ui/**/*.py"), *ROOT.glob("sent/engines/*/manifest.py")]
    return {
        word for path in sources for word in re.findall(r'"([a-z][a-z0-9-]{0,40})"', path.read_text("utf-8"))
    }


if __name__ == "__main__":
    raise SystemExit(main())
