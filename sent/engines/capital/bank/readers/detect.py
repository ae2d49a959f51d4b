"""Which format a file has, by its content: names and endings of downloads lie."""

from __future__ import annotations

from typing import Literal

from sent.engines.capital.bank.readers import camt, mt940, ofx, table
from sent.engines.capital.bank.readers.statement import Statement, bounded, unreadable

Format = Literal["camt053", "ofx", "mt940", "csv"]
FORMATS: tuple[Format, ...] = ("camt053", "ofx", "mt940", "csv")
_HEAD = 4000


def detected(data: bytes) -> Format:
    """Return the format of a statement file."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        head = data[:_HEAD].decode("utf-16", "replace")
    else:
        head = data[:_HEAD].decode("utf-8", "replace")
    if "BkToCstmr" in head:
        return "camt053"
    if "OFXHEADER" in head.upper() or "<OFX>" in head.upper():
        return "ofx"
    if head.lstrip("\ufeff \r\n\t").startswith("<"):
        return "camt053"
    if ":20:" in head and (":25:" in head or ":60F:" in head or ":60M:" in head):
        return "mt940"
    return "csv"


def read(
    data: bytes, *, format: Format | None = None, mapping: table.CsvMapping | None = None, commodity: str = ""
) -> tuple[Format, list[Statement]]:
    """Return the format and the statements of a file; raises Invalid.

    A CSV without a `mapping` is read as its head suggests; `commodity` stands in where it tells none.
    """
    kind = format or detected(bounded(data))
    if kind == "camt053":
        return kind, camt.read(data)
    if kind == "ofx":
        return kind, ofx.read(data)
    if kind == "mt940":
        return kind, mt940.read(data)
    if kind == "csv":
        return kind, table.read(data, mapping or table.propose(data, commodity=commodity))
    raise unreadable("format", f"it is one of {', '.join(FORMATS)}")
