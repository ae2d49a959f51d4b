"""XML from strangers as a small tree: no DTD, no entities but the five, bounded depth and number.

Expat itself, not ElementTree: a document type is refused when it begins, so nothing can be declared, loaded
from elsewhere or expanded.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.parsers import expat

from sent.engines.capital.bank.readers.statement import unreadable

MAX_DEPTH = 40
MAX_ELEMENTS = 2_000_000


@dataclass(slots=True)
class Node:
    """An element by its local name; `text` is what stands directly in it; `line` where it begins."""

    name: str
    line: int = 0
    attributes: dict[str, str] = field(default_factory=dict)
    children: list[Node] = field(default_factory=list)
    text: str = ""

    def all(self, path: str) -> Iterator[Node]:
        """Yield the elements below at `a/b/c`."""
        first, _, rest = path.partition("/")
        for child in self.children:
            if child.name == first:
                if rest:
                    yield from child.all(rest)
                else:
                    yield child

    def first(self, *paths: str) -> Node | None:
        """Return the first element at one of the paths, in their order."""
        for path in paths:
            for found in self.all(path):
                return found
        return None

    def value(self, *paths: str) -> str:
        """Return the text at the first path that has some, else nothing."""
        for path in paths:
            for found in self.all(path):
                if found.text.strip():
                    return found.text.strip()
        return ""


def tree(data: bytes) -> Node:
    """Return the root element; raises Invalid with the line of what is wrong."""
    parser = expat.ParserCreate()
    root = Node("")
    stack = [root]
    texts: list[list[str]] = [[]]
    count = 0

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal count
        count += 1
        if len(stack) > MAX_DEPTH or count > MAX_ELEMENTS:
            raise unreadable(f"line {parser.CurrentLineNumber}", "nested too deep or too many elements")
        node = Node(name.rpartition(":")[2], parser.CurrentLineNumber, attributes)
        stack[-1].children.append(node)
        stack.append(node)
        texts.append([])

    def end(_name: str) -> None:
        stack.pop().text = "".join(texts.pop())

    def told(text: str) -> None:
        texts[-1].append(text)

    def doctype(*_declared: object) -> None:
        raise unreadable(
            f"line {parser.CurrentLineNumber}", "a document type is not taken: a bank statement has none"
        )

    parser.buffer_text = True
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = told
    parser.StartDoctypeDeclHandler = doctype
    parser.EntityDeclHandler = doctype
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise unreadable(
            f"line {error.lineno}", f"broken XML ({expat.ErrorString(error.code)}): download it again"
        ) from error
    except (LookupError, ValueError) as error:
        raise unreadable("line 1", "its encoding is unknown: save it as UTF-8") from error
    return root.children[0]
