"""Writes shell completion from the program's own commands: `python build/completion.py bash|zsh`.

The tables stand in the script: completing a word starts no program.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator

import commands

FILE = "@file"
"""Stands in a table for: the names of files."""

WALK = """\
    local place=sent word skip= i
    for ((i = {first}; i < {here}; i++)); do
        word=${{{words}[i]}}
        if [[ $skip ]]; then
            skip=
        elif [[ $word == {worker} || $word == --mode && ${{{words}[i+1]}} == worker ]]; then
            place='sent {worker}'
        elif [[ $word == -* ]]; then
            [[ $word != *=* && ${{values[$place $word]+x}} ]] && skip=1
        elif [[ " ${{below[$place]}} " == *" $word "* ]]; then
            place="$place $word"
        fi
    done
"""

BASH = """\
# bash completion of sent(1), made from its commands
_sent()
{{
    local cur prev words cword split
    _init_completion -s || return
    local -A below=(
{below}
    )
    local -A options=(
{options}
    )
    local -A values=(
{values}
    )
{walk}
    local found
    if [[ ${{values[$place $prev]+x}} ]]; then
        found=${{values[$place $prev]}}
    elif [[ $cur == -* ]]; then
        COMPREPLY=($(compgen -W "${{options[$place]}}" -- "$cur"))
        return
    else
        found="${{below[$place]}} ${{values[$place]}}"
    fi
    if [[ $found == *{file}* ]]; then
        _filedir
    else
        COMPREPLY=($(compgen -W "$found" -- "$cur"))
    fi
}} &&
complete -F _sent sent
"""

ZSH = """\
#compdef sent
# zsh completion of sent(1), made from its commands
_sent() {{
    emulate -L zsh
    setopt ksharrays shwordsplit
    local -A below options values
    below=(
{below}
    )
    options=(
{options}
    )
    values=(
{values}
    )
    local here=$((CURRENT - 1))
{walk}
    local cur=${{words[here]}} prev=${{words[here-1]}} found
    if [[ $cur == --*=* && -n ${{values[$place ${{cur%%=*}}]+x}} ]]; then
        prev=${{cur%%=*}}
        compset -P '*='
    fi
    if [[ -n ${{values[$place $prev]+x}} ]]; then
        found=${{values[$place $prev]}}
    elif [[ $cur == -* ]]; then
        compadd -- ${{=options[$place]}}
        return
    else
        found="${{below[$place]}} ${{values[$place]}}"
    fi
    if [[ $found == *{file}* ]]; then
        _files
    else
        compadd -- ${{=found}}
    fi
}}
_sent "$@"
"""


def script(shell: str) -> str:
    """Return the completion for `bash` or `zsh`."""
    root, worker = commands.tool(), commands.worker()
    every = [*root.all(), worker]
    below = {_key(one): " ".join(_name(verb) for verb in one.commands) for one in every if one.commands}
    options = {_key(one): " ".join(sorted(_switches(one))) for one in every}
    options["sent"] = " ".join(sorted({*options["sent"].split(), commands.WORKER, *commands.console()}))
    values = {"sent --mode": "console worker"}
    for one in every:
        values |= dict(_values(one))
    write = _bash if shell == "bash" else _zsh
    walk = WALK.format(
        first=1,
        here="cword" if shell == "bash" else "here",
        words="words",
        worker=commands.WORKER,
    )
    text = BASH if shell == "bash" else ZSH
    return text.format(
        below=write(below),
        options=write(options),
        values=write(values),
        walk=walk.rstrip(),
        file=FILE,
    )


def _switches(one: commands.Command) -> Iterator[str]:
    yield "--help"
    for option in one.options:
        yield from option.names


def _values(one: commands.Command) -> Iterator[tuple[str, str]]:
    """Yield what may stand behind an option that takes a value, and at the command's own places."""
    for option in one.options:
        if option.value:
            words = FILE if option.file else " ".join(option.choices)
            yield from ((f"{_key(one)} {name}", words) for name in option.names)
    words = {word for argument in one.arguments for word in ([FILE] if argument.file else argument.choices)}
    if words:
        yield _key(one), " ".join(sorted(words))


def _key(one: commands.Command) -> str:
    return f"sent {one.path}".strip()


def _name(verb: commands.Command) -> str:
    return verb.path.rpartition(" ")[2]


def _bash(table: dict[str, str]) -> str:
    return "\n".join(f"        ['{key}']={shlex.quote(words)}" for key, words in sorted(table.items()))


def _zsh(table: dict[str, str]) -> str:
    return "\n".join(f"        '{key}' {shlex.quote(words)}" for key, words in sorted(table.items()))


if __name__ == "__main__":
    sys.stdout.write(script(sys.argv[1]))
