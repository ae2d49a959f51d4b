"""What a program and all it starts write where, as strace(1) saw it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

CALLS = (
    "openat,open,creat,mkdir,mkdirat,rename,renameat,renameat2,link,linkat,symlink,symlinkat,mknod,mknodat,"
    "bind,truncate"
)
COMMAND = ("strace", "-f", "--seccomp-bpf", "-qq", "-y", "-e", "signal=none", "-e", f"trace={CALLS}", "-o")
"""To be followed by the log's name and the program."""

_LINE = re.compile(r"(\d+) +(.*)")
_FOLDER = re.compile(r"AT_FDCWD<([^>]*)>")
_PATH = re.compile(r'(?:(AT_FDCWD|\d+)<([^>]*)>, )?"((?:[^"\\]|\\.)*)"')
_WRITES = re.compile(r"O_CREAT|O_WRONLY|O_RDWR|O_TRUNC")
_BOTH = ("rename", "link", "symlink")
"""Calls whose last path is the one that is made."""


def written(log: Path) -> set[str]:
    """Return the absolute paths that were made, renamed to or opened for writing.

    A relative path counts from every folder its process was ever seen in; raises ValueError where none was.
    """
    calls = list(_calls(log))
    folders: dict[str, set[str]] = {}
    for process, call in calls:
        folders.setdefault(process, set()).update(_FOLDER.findall(call))
    found: set[str] = set()
    for process, call in calls:
        for folder, path in _made(call):
            if path.startswith("/"):
                found.add(os.path.normpath(path))
                continue
            places = {folder} if folder else folders[process]
            if not places:
                raise ValueError(f"process {process} was seen in no folder: {call}")
            found.update(os.path.normpath(f"{place}/{path}") for place in places)
    return found


def _calls(log: Path) -> Iterator[tuple[str, str]]:
    """Yield (process, call) of those that succeeded, with the halves of interrupted ones put together."""
    begun: dict[str, str] = {}
    with log.open(errors="replace") as lines:
        for line in lines:
            match = _LINE.match(line)
            if match is None:
                continue
            process, call = match.groups()
            if call.endswith("<unfinished ...>"):
                begun[process] = call.removesuffix("<unfinished ...>")
                continue
            if call.startswith("<..."):
                call = begun.pop(process, "") + call.partition("resumed>")[2]
            if " = -1 " not in call:
                yield process, call


def _made(call: str) -> Iterator[tuple[str, str]]:
    """Yield (folder or "", path) of what a call made or may write to."""
    name = call.partition("(")[0]
    if name.startswith("open") and not _WRITES.search(call):
        return
    if name == "bind" and "AF_UNIX" not in call:
        return
    paths = [(folder, path) for _, folder, path in _PATH.findall(call)]
    if name == "bind" and 'sun_path=@"' in call:
        return
    yield from paths[-1:] if name.startswith(_BOTH) else paths[:1]
