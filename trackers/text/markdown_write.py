"""The document tree as GitHub Markdown. PURE. Inline content: markdown_write_inline.py; the way back: markdown_read.py."""

from __future__ import annotations

import re
from collections.abc import Iterator

from trackers.text import markdown_write_inline as text
from trackers.text import tree
from trackers.text.markdown_read import PANELS
from trackers.text.tree import Doc, Node

_ALERTS = {kind: name for name, kind in PANELS.items()}


def to_markdown(document: Doc) -> str:
    """Text that `from_markdown` reads as the same tree. Mentions are live; nothing in plain text is."""
    return "\n\n".join(_blocks(tree.normalise(document)["content"]))


def _blocks(nodes: list[Node], nested: bool = False) -> list[str]:
    out: list[str] = []
    sign = {False: "-", True: "."}  # by ordered or not: the sign of the list just before, so that two lists stay two
    before = ""
    for node in nodes:
        kind = "orderedList" if node["type"] == "orderedList" else "list" if node["type"] in tree.LISTS else ""
        ordered = kind == "orderedList"
        other = {"-": "*", "*": "-", ".": ")", ")": "."}[sign[ordered]]
        sign[ordered] = other if kind and kind == before else "." if ordered else "-"
        out.append(_list(node, sign[ordered]) if kind else _block(node, nested))
        before = kind
    return out


def _block(node: Node, nested: bool) -> str:
    kind = node["type"]
    if kind == "paragraph":
        return text.paragraph(node["content"])
    if kind == "heading":
        return text.heading(tree.attr(node, "level"), node["content"])
    if kind == "codeBlock":
        return _code_block(node)
    if kind == "rule":
        return "___" if nested else "---"
    if kind == "table":
        return "\n".join(_table(node))
    inside = "\n\n".join(_blocks(node["content"], nested=True))
    if kind == "panel":
        gap = "" if node["content"][0]["type"] == "paragraph" else "\n"
        inside = f"[!{_ALERTS[tree.attr(node, 'panelType')]}]\n{gap}{inside}"
    return "\n".join(f"> {line}" if line else ">" for line in inside.split("\n"))


def _code_block(node: Node) -> str:
    value = node["content"][0]["text"]
    longest = max((len(run) for run in re.findall(r"`{3,}", value)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{tree.attr(node, 'language')}\n{value}\n{fence}"


# ---------------------------------------------------------------------- lists
def _list(node: Node, sign: str) -> str:
    number = int(tree.attr(node, "order", 1))
    tight = all(_is_tight(item) for item in node["content"])
    return ("\n" if tight else "\n\n").join(
        _item(item, sign, number + place, tight) for place, item in enumerate(node["content"])
    )


def _is_tight(item: Node) -> bool:
    """A paragraph, and at most one list below it that may follow without a blank line."""
    first, *rest = item["content"]
    if first["type"] != "paragraph" or len(rest) > 1:
        return False
    return all(node["type"] in tree.LISTS and tree.attr(node, "order", 1) == 1 and _nested_tight(node) for node in rest)


def _nested_tight(node: Node) -> bool:
    return all(_is_tight(item) for item in node["content"])


def _item(item: Node, sign: str, number: int, tight: bool) -> str:
    lead = f"{min(number, 999_999_999)}{sign} " if sign in ".)" else f"{sign} "
    inside = ("\n" if tight else "\n\n").join(_blocks(item["content"], nested=True))
    first, *rest = inside.split("\n")
    box = ""
    if item["type"] == "taskItem":
        box = "[x] " if tree.attr(item, "state") == "DONE" else "[ ] "
    return "\n".join([f"{lead}{box}{first}", *(" " * len(lead) + line if line else "" for line in rest)])


# ---------------------------------------------------------------------- tables
def _table(node: Node) -> Iterator[str]:
    """GitHub wants a heading row: a table without one gets an empty one, which reading drops again."""
    first, *rest = node["content"]
    has_heading = all(cell["type"] == "tableHeader" for cell in first["content"])
    width = max(len(row["content"]) for row in node["content"])
    yield _row(first, width) if has_heading else "|" + "  |" * width
    yield "|" + " --- |" * width
    for row in rest if has_heading else [first, *rest]:
        yield _row(row, width)


def _row(row: Node, width: int) -> str:
    cells = [_cell(cell) for cell in row["content"]]
    return "| " + " | ".join(cells + [""] * (width - len(cells))) + " |"


def _cell(cell: Node) -> str:
    return text.cell(tree.flat(cell["content"]))
