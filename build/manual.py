"""Writes the manual page `sent.1` from the program's own commands: `python build/manual.py [file]`."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

import commands
import provenance

HEAD = """\
.SH NAME
sent \\- operations console, workers and administration tool of a security company
.SH SYNOPSIS
.B sent
.RI [ LINK ]
.br
.B sent \\-\\-mode=worker \\-\\-service=\\fISERVICE\\fP
.RI [ OPTION ...]
.br
.B sent
.I GROUP VERB
.RI [ OPTION "...] [" ARGUMENT ...]
.SH DESCRIPTION
Without arguments, or with a link such as
.IR sent://org/alerts ,
.B sent
opens the console.
With
.B \\-\\-mode=worker
it runs one service without a screen.
With a group and a verb it is the administrator's tool; its results are JSON objects, one a line, on standard
output, and its messages go to standard error.
"""

TAIL = """\
.SH EXIT STATUS
0 done, 1 what was asked for failed, 2 the command line is wrong, 64 to 78 as in
.BR sysexits (3),
75 try again later.
.SH ENVIRONMENT
.TP
.B SENT_DATABASE_URL
an external PostgreSQL server, postgresql://user@host/name; without it SENT runs a server of its own
.TP
.BR SENT_STATE_DIR ", " SENT_CONFIG_DIR ", " SENT_RUNTIME_DIR
other folders than those below
.SH FILES
.TP
.I ~/.local/state/sent
state of an ordinary user: database, keys, queues
.TP
.IR /var/lib/sent ", " /etc/sent ", " /run/sent
state, settings and sockets of the services and of root; the user
.B sent
owns them where SENT came as a package:
.B sudo \\-u sent sent db status
.SH SEE ALSO
.BR systemctl (1),
.BR systemd.unit (5)
"""


def page() -> str:
    """Return the page in man(7)'s macros; the same source gives the same text."""
    from sent import __version__

    day = datetime.fromtimestamp(provenance.epoch(), UTC).strftime("%Y-%m-%d")
    lines = [f'.TH SENT 1 "{day}" "SENT {__version__}" "SENT"', HEAD.rstrip()]
    worker = commands.worker()
    lines += [".SH WORKERS", _options(worker), "Services:", f"{', '.join(worker.options[0].choices)}."]
    lines += [".SH COMMANDS"]
    for group in commands.tool().commands:
        lines += [f".SS sent {_escaped(group.path)}{_usage(group)}", _escaped(group.help)]
        for verb in group.all():
            if verb is not group and not verb.commands:
                lines += [".TP", f"\\fBsent {_escaped(verb.path)}\\fP{_usage(verb)}", _escaped(verb.help)]
                if verb.options or verb.arguments:
                    lines += [".RS", _options(verb), ".RE"]
        if not group.commands and (group.options or group.arguments):
            lines.append(_options(group))
    return "\n".join(line for line in [*lines, TAIL.rstrip()] if line) + "\n"


def _usage(verb: commands.Command) -> str:
    """Return the arguments as they stand behind the command."""
    said = ""
    for one in verb.arguments:
        word = f"\\fI{_escaped(one.name)}\\fP{'...' if one.many else ''}"
        said += f" {word}" if one.required else f" [{word}]"
    return said


def _options(verb: commands.Command) -> str:
    lines = []
    for argument in verb.arguments:
        if argument.help:
            lines += [".TP", f".I {_escaped(argument.name)}", _told(argument.help, argument.choices)]
    for option in verb.options:
        names = ", ".join(f"\\fB{_escaped(name)}\\fP" for name in option.names)
        value = f" \\fI{_escaped(option.value)}\\fP" if option.value else ""
        chosen = option.choices if verb.path != commands.WORKER else ()
        told = _told(option.help, chosen, "required" if option.required else "")
        lines += [".TP", f"{names}{value}", told or "\\&"]
    return "\n".join([*lines, ".PP"] if lines and verb.path == commands.WORKER else lines)


def _told(text: str, choices: tuple[str, ...], more: str = "") -> str:
    extra = [", ".join(choices)] if choices else []
    extra += [more] if more else []
    return _escaped(f"{text} ({'; '.join(extra)})".strip() if extra else text)


def _escaped(text: str) -> str:
    plain = text.replace("\\", "\\e").replace("-", "\\-").replace('"', "\\(dq").replace("`", "\\(ga")
    return f"\\&{plain}" if plain.startswith((".", "'")) else plain


if __name__ == "__main__":
    if sys.argv[1:]:
        Path(sys.argv[1]).write_text(page(), "utf-8")
    else:
        sys.stdout.write(page())
