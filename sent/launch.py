"""argv -> mode, with the standard library only.

    sent [sent://org/...]         the console (at that place)
    sent --mode=worker --service=X [--check]
    sent <group> <verb>           the admin's tool

Nothing else is imported before the mode is known: a worker never loads Qt, the console never loads the
workers' libraries, and the console's first paint pays for nothing it does not show.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the mode that `arguments` (default: `sys.argv[1:]`) ask for and return its exit code."""
    argv = list(sys.argv[1:] if arguments is None else arguments)
    mode, rest = _mode(argv)
    if mode == "console":
        from sent.ui.boot import main as console

        return console(rest)
    if mode == "worker":
        from sent.workers.host import main as worker

        return worker(rest)
    if mode is None:
        from sent.cli.main import main as tool

        return tool(rest)
    print(f"sent: unknown mode {mode!r}; choose console or worker", file=sys.stderr)
    return 2


def _mode(argv: list[str]) -> tuple[str | None, list[str]]:
    """Return the mode (None: admin's tool) and the arguments without `--mode`."""
    for index, word in enumerate(argv):
        if word.startswith("--mode="):
            return word.removeprefix("--mode="), argv[:index] + argv[index + 1 :]
        if word == "--mode" and index + 1 < len(argv):
            return argv[index + 1], argv[:index] + argv[index + 2 :]
        if not word.startswith("-"):
            # A link (`sent sent://org/...`) is opened by the console, which reads it exactly.
            return ("console" if word.startswith("sent:") else None), argv
    return ("console", argv) if not {"--help", "-h", "--version"} & set(argv) else (None, argv)
