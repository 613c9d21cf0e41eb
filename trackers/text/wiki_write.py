"""The document tree as Jira wiki markup. PURE. Inline content: wiki_write_inline.py; the way back: wiki_read.py.

What the markup cannot nest is unfolded in reading order; nothing but structure is lost (`legs.losses` says what).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from trackers.text import tree
from trackers.text import wiki_write_inline as text
from trackers.text.tree import Doc, Node
from trackers.text.wiki_read import MAX_LIST_DEPTH, PANEL_COLOURS, ZERO

NOTHING = "&nbsp;"  # the text of an item that has none of its own


def to_wiki(document: Doc) -> str:
    """Text that `from_wiki` reads as the same tree. Mentions are live; no other macro comes out of text."""
    return "\n\n".join(_blocks(tree.normalise(document)["content"], ()))


def _blocks(nodes: list[Node], around: tuple[str, ...]) -> Iterator[str]:
    for node in nodes:
        if node["type"] in around:  # a quote in a quote, a panel in a panel
            yield from _blocks(node["content"], around)
        else:
            yield _block(node, around)


def _block(node: Node, around: tuple[str, ...]) -> str:
    kind = node["type"]
    if kind == "paragraph":
        return text.paragraph(node["content"])
    if kind == "heading":
        return text.heading(tree.attr(node, "level"), node["content"])
    if kind == "codeBlock":
        return _code_block(node)
    if kind == "rule":
        return "----"
    if kind == "table":
        return "\n".join(map(_row, node["content"]))
    if kind in tree.LISTS:
        return "\n".join(_items(node, ""))
    inside = "\n\n".join(_blocks(node["content"], (*around, kind)))
    if kind == "blockquote":
        return f"{{quote}}\n{inside}\n{{quote}}"
    return f"{{panel:bgColor={PANEL_COLOURS[tree.attr(node, 'panelType')]}}}\n{inside}\n{{panel}}"


def _code_block(node: Node) -> str:
    """{noformat} where no language is known: Jira would colour a bare {code} as Java."""
    value, language = node["content"][0]["text"], tree.attr(node, "language")
    name = "code" if language else "noformat"
    ends = f"{{{name}}}" in value
    value = re.sub(rf"\{{({ZERO}*)(?=code|noformat)", lambda m: m[0] + (ZERO if ends or m[1] else ""), value, flags=re.IGNORECASE)
    return f"{{{name}{':' if language else ''}{language}}}\n{value}\n{{{name}}}"


def _row(row: Node) -> str:
    cells = [("||" if cell["type"] == "tableHeader" else "|", text.cell(tree.flat(cell["content"]))) for cell in row["content"]]
    return "".join(sign + inside for sign, inside in cells) + cells[-1][0]


# ---------------------------------------------------------------------- lists
def _items(node: Node, around: str) -> Iterator[str]:
    signs = around + ("#" if node["type"] == "orderedList" else "*")
    for item in node["content"]:
        parts = list(_parts(item["content"]))
        box = ""
        if item["type"] == "taskItem":
            box = "☑ " if tree.attr(item, "state") == "DONE" else "☐ "
        first = text.paragraph(parts.pop(0)["content"]) if parts[0]["type"] == "paragraph" else NOTHING
        yield f"{signs} {box}{first}"
        yield from _below(parts, signs)


def _below(parts: list[Node], signs: str) -> Iterator[str]:
    """What follows the first line of an item. After a deeper list, text goes on in that list's last item."""
    before = ""
    for part in parts:
        kind = part["type"]
        if kind in tree.LISTS:
            yield from _items(part, signs if len(signs) < MAX_LIST_DEPTH else signs[:-1])
        elif kind == "codeBlock":
            yield _code_block(part)
        else:
            yield ("" if before in ("", "codeBlock") else "\\\\ ") + text.paragraph(part["content"])
        before = "list" if kind in tree.LISTS else kind


def _parts(nodes: list[Node]) -> Iterator[Node]:
    """An item's blocks as text, code and lists, with no two texts in a row."""
    lines: list[Node] = []
    for node in _unfolded(nodes):
        if node["type"] == "paragraph":
            lines += [*([tree.hard_break(), tree.hard_break()] if lines else []), *node["content"]]
            continue
        if lines:
            yield tree.paragraph(*lines)
            lines = []
        yield node
    if lines:
        yield tree.paragraph(*lines)


def _unfolded(nodes: list[Node]) -> Iterator[Node]:
    for node in nodes:
        if node["type"] in ("blockquote", "panel"):
            yield from _unfolded(node["content"])
        elif node["type"] == "heading":
            yield tree.paragraph(*tree.inline(map(_strong, node["content"])))
        elif node["type"] == "table":
            yield from (tree.paragraph(*tree.flat([{"type": "table", "content": [row]}])) for row in node["content"])
        elif node["type"] == "rule":
            yield tree.paragraph("—")
        else:
            yield node


def _strong(node: Node) -> Node:
    return {**node, "marks": [*(node.get("marks") or ()), tree.mark("strong")]} if node["type"] == "text" else node
