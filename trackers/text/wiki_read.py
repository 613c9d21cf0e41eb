"""Jira wiki markup to the document tree. PURE, linear in the length of the text, never raises. Inline: wiki_read_inline.py.

Macros cut the text into segments; segments are read line by line. A list item goes on, as in Jira, until a blank line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from trackers.text import tree
from trackers.text.tree import Doc, Node
from trackers.text.wiki_read_inline import inline

PANEL_COLOURS = {"info": "#deebff", "note": "#eae6ff", "success": "#e3fcef", "warning": "#fffae6", "error": "#ffebe6"}
ZERO = "\u200b"
MAX_LIST_DEPTH = 15

_PANELS = {colour: kind for kind, colour in PANEL_COLOURS.items()}
_MACRO = re.compile(r"\\[^\n]|(?<!\{)\{(code|noformat|quote|panel)(?::([^{}\n]*+))?\}(?!\})", re.IGNORECASE)
_HEADING = re.compile(r"\s*h([1-6])\.\s+(\S.*)", re.DOTALL)
_BLOCK_QUOTE = re.compile(r"\s*bq\.\s+(\S.*)", re.DOTALL)
_RULE = re.compile(r"\s*-{4,}\s*\Z")
_ITEM = re.compile(r"\s*([*#]+|-)\s+(\S.*)", re.DOTALL)
_ROW = re.compile(r"\s*\|")
_CODE_ESCAPE = re.compile(rf"\{{{ZERO}({ZERO}*(?:code|noformat))", re.IGNORECASE)
WHOLE = r"\\[^\n]|\[(?:\\[^\n]|[^\[\]\n\\])*+\]|!(?=\S)[^!|\n]++(?:\|[^!|\n]*+)?!"  # in these a bar parts no cells
_CELL = re.compile(WHOLE + r"|\{\{[^{}\n]*+\}\}|\|\|?")


def from_wiki(text: str) -> Doc:
    """The tree of any text."""
    reader = _Reader()
    for segment in _segments(tree.clean(text)):
        reader.take(segment)
    return tree.normalise(reader.done())


# ---------------------------------------------------------------------- segments
@dataclass(frozen=True)
class _Segment:
    """Text between macros; or a code block, whole; or the sign of a quote or a panel."""

    kind: str
    text: str = ""
    parameters: str | None = None


def _segments(text: str) -> Iterator[_Segment]:
    last = at = 0
    unclosed: set[str] = set()  # there is no further end of these: do not look again
    while found := _MACRO.search(text, at):
        at = found.end()
        if not found[1]:
            continue
        name = found[1].lower()
        if name in ("quote", "panel"):
            yield _Segment("text", text[last : found.start()])
            yield _Segment(name, parameters=found[2])
            last = at
        elif name not in unclosed:
            end = text.find(f"{{{name}}}", at)
            if end < 0:
                unclosed.add(name)
                continue
            yield _Segment("text", text[last : found.start()])
            yield _Segment("code", text[at:end], _language(found[2] or "") if name == "code" else "")
            last = at = end + len(name) + 2
    yield _Segment("text", text[last:])


def _language(parameters: str) -> str:
    """{code:java}, {code:java|title=x}, {code:title=x|language=java}."""
    for part in parameters.split("|"):
        name, equals, value = part.partition("=")
        if not equals:
            return name.strip()
        if name.strip().lower() == "language":
            return value.strip()
    return ""


def _parameters(source: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in source.split("|"))
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


# ---------------------------------------------------------------------- blocks
class _Reader:
    def __init__(self) -> None:
        self.containers: list[Node] = [tree.doc()]
        self.lines: list[str] = []  # of the paragraph that is being read
        self.row: list[str] = []  # lines of the table row that is being read
        self.table: Node | None = None
        self.lists: list[Node] = []  # the open list and those it is nested in
        self.signs = ""  # their signs

    def done(self) -> Doc:
        self.end_blocks()
        return self.containers[0]

    def add(self, node: Node) -> None:
        self.containers[-1]["content"].append(node)

    def inside(self, kind: str) -> bool:
        return any(node["type"] == kind for node in self.containers)

    # -------------------------------------------------------------- segments
    def take(self, segment: _Segment) -> None:
        if segment.kind == "text":
            first, *rest = segment.text.split("\n")
            if first.strip():
                self.line(first)
            for line in rest[:-1]:
                self.line(line)
            if rest and rest[-1].strip():
                self.line(rest[-1])
        elif segment.kind == "code":
            self.code(segment)
        else:
            self.end_blocks()
            self.toggle(segment)

    def code(self, segment: _Segment) -> None:
        if not segment.text.strip():
            return
        self.end_paragraph()
        self.end_table()
        block = tree.code_block(_CODE_ESCAPE.sub(r"{\1", segment.text), segment.parameters or "")
        if self.lists:
            self.lists[-1]["content"][-1]["content"].append(block)
        else:
            self.add(block)

    def toggle(self, segment: _Segment) -> None:
        """Neither macro nests in itself, so the second sign of a kind is its end."""
        kind = "blockquote" if segment.kind == "quote" else "panel"
        if self.inside(kind):
            while self.containers.pop()["type"] != kind:
                pass
            if segment.parameters is None:
                return
        node = tree.quote()
        if kind == "panel":
            parameters = _parameters(segment.parameters or "")
            node = tree.panel(_PANELS.get(parameters.get("bgcolor", "").lower(), "info"))
            title = [
                tree.text(part["text"], tree.mark("strong")) for part in inline(parameters.get("title", "")) if "text" in part
            ]
            node["content"].append(tree.paragraph(*title))
        self.add(node)
        self.containers.append(node)

    # -------------------------------------------------------------- lines
    def line(self, line: str) -> None:
        if not line.strip():
            self.end_blocks()
        elif _ROW.match(line):
            self.end_paragraph()
            self.end_lists()
            self.end_row()
            self.row = [line]
        elif self.row and not self.row[-1].rstrip().endswith("|"):
            self.row.append(line)
        else:
            self.end_table()
            self.plain_line(line)

    def plain_line(self, line: str) -> None:
        if found := _ITEM.match(line):
            self.item(found[1], found[2])
        elif found := _HEADING.match(line):
            self.end_blocks()
            self.add(tree.heading(int(found[1]), *inline(found[2])))
        elif found := _BLOCK_QUOTE.match(line):
            self.end_blocks()
            paragraph = tree.paragraph(*inline(found[1]))
            self.add(paragraph if self.inside("blockquote") else tree.quote(paragraph))
        elif _RULE.match(line):
            self.end_blocks()
            self.add(tree.rule())
        else:
            self.lines.append(line)

    def item(self, signs: str, text: str) -> None:
        self.end_paragraph()
        signs = signs[:MAX_LIST_DEPTH].replace("-", "*")
        same = 0
        while same < min(len(signs), len(self.signs)) and signs[same] == self.signs[same]:
            same += 1
        del self.lists[same:]
        for sign in signs[same:]:
            deeper = tree.numbers() if sign == "#" else tree.bullets()
            if self.lists:
                self.last_item()["content"].append(deeper)
            else:
                self.add(deeper)
            self.lists.append(deeper)
        self.signs = signs
        self.lists[-1]["content"].append(tree.item())
        self.lines = [text]

    def last_item(self) -> Node:
        """The item that a deeper list belongs to; an empty one where the text skipped a level."""
        items = self.lists[-1]["content"]
        if not items:
            items.append(tree.item())
        found: Node = items[-1]
        return found

    # -------------------------------------------------------------- ends
    def end_blocks(self) -> None:
        self.end_paragraph()
        self.end_table()
        self.end_lists()

    def end_lists(self) -> None:
        self.lists, self.signs = [], ""

    def end_paragraph(self) -> None:
        if not self.lines:
            return
        paragraph = tree.paragraph(*inline("\n".join(self.lines)))
        self.lines = []
        if self.lists:
            self.last_item()["content"].append(paragraph)
        else:
            self.add(paragraph)

    def end_row(self) -> None:
        if not self.row:
            return
        if self.table is None:
            self.table = tree.table()
            self.add(self.table)
        self.table["content"].append(tree.row(*_cells("\n".join(self.row).strip())))
        self.row = []

    def end_table(self) -> None:
        self.end_row()
        self.table = None


def _cells(source: str) -> Iterator[Node]:
    """The sign before a cell says what it is: `||` a heading, `|` a plain one."""
    signs = [found for found in _CELL.finditer(source) if found[0][0] == "|"]
    for place, sign in enumerate(signs):
        end = signs[place + 1].start() if place + 1 < len(signs) else len(source)
        text = source[sign.end() : end]
        if place + 1 < len(signs) or text.strip():
            yield (tree.header if sign[0] == "||" else tree.cell)(*inline(text))
