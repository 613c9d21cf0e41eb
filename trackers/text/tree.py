"""The document tree in which rich text travels: plain JSON with ADF's node names. PURE.

Blocks: paragraph, heading, bulletList, orderedList, taskList, codeBlock, blockquote, rule, table, panel. Inline: text with
marks, hardBreak, mention, image, raw. Emoji are plain text. `canonical.py` says when two trees are the same content.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from exalate.errors import BadInput
from trackers.text.canonical import LISTS, MARKS, Mark, Node, clean, inline, mark_node, normalise, safe_href

__all__ = ["LISTS", "MARKS", "Doc", "Node", "clean", "inline", "normalise", "safe_href"]

Doc = dict[str, Any]

MAX_DEPTH = 100  # JSON objects inside objects, in a tree from outside
MAX_NODES = 100_000
MAX_BYTES = 4 * 1024 * 1024

_INLINE = ("text", "hardBreak", "mention", "image", "raw")


# ---------------------------------------------------------------------- making
def doc(*content: Node) -> Doc:
    return {"type": "doc", "content": list(content)}


def text(value: str, *marks: Node) -> Node:
    return {"type": "text", "text": value, "marks": list(marks)} if marks else {"type": "text", "text": value}


def mark(kind: str) -> Node:
    return {"type": kind}


def link(href: str, title: str = "") -> Node:
    """The mark of a link."""
    found: Mark = ("link", href, title)
    return mark_node(found)


def subsup(kind: str) -> Node:
    return {"type": "subsup", "attrs": {"type": kind}}


def _all(content: Iterable[Node | str]) -> list[Node]:
    return [text(part) if isinstance(part, str) else part for part in content]


def paragraph(*content: Node | str) -> Node:
    return {"type": "paragraph", "content": _all(content)}


def heading(level: int, *content: Node | str) -> Node:
    return {"type": "heading", "attrs": {"level": level}, "content": _all(content)}


def item(*content: Node) -> Node:
    return {"type": "listItem", "content": list(content)}


def bullets(*items: Node) -> Node:
    return {"type": "bulletList", "content": list(items)}


def numbers(*items: Node, order: int = 1) -> Node:
    made: Node = {"type": "orderedList", "content": list(items)}
    return made if order == 1 else {**made, "attrs": {"order": order}}


def task(done: bool, *content: Node) -> Node:
    return {"type": "taskItem", "attrs": {"state": "DONE" if done else "TODO"}, "content": list(content)}


def tasks(*items: Node) -> Node:
    return {"type": "taskList", "content": list(items)}


def code_block(value: str, language: str = "") -> Node:
    made: Node = {"type": "codeBlock", "content": [text(value)]}
    return {**made, "attrs": {"language": language}} if language else made


def quote(*content: Node) -> Node:
    return {"type": "blockquote", "content": list(content)}


def panel(kind: str, *content: Node) -> Node:
    return {"type": "panel", "attrs": {"panelType": kind}, "content": list(content)}


def rule() -> Node:
    return {"type": "rule"}


def table(*rows: Node) -> Node:
    return {"type": "table", "content": list(rows)}


def row(*cells: Node) -> Node:
    return {"type": "tableRow", "content": list(cells)}


def header(*content: Node | str) -> Node:
    return {"type": "tableHeader", "content": [paragraph(*content)] if content else []}


def cell(*content: Node | str) -> Node:
    return {"type": "tableCell", "content": [paragraph(*content)] if content else []}


def hard_break() -> Node:
    return {"type": "hardBreak"}


def mention(account: str, shown: str = "") -> Node:
    return {"type": "mention", "attrs": {"id": account, "text": shown or f"@{account}"}}


def image(src: str, alt: str = "") -> Node:
    return {"type": "image", "attrs": {"src": src, "alt": alt}}


def raw(system: str, source: str) -> Node:
    """What only one tracker's text can say; every other one shows the source as plain text."""
    return {"type": "raw", "attrs": {"system": system, "source": source}}


# ---------------------------------------------------------------------- reading
def attr(node: Node, name: str, default: Any = "") -> Any:
    return (node.get("attrs") or {}).get(name, default)


def content(node: Node) -> list[Node]:
    found: list[Node] = node.get("content") or []
    return found


def walk(node: Node) -> Iterator[Node]:
    """The node and everything below it, in reading order."""
    waiting = [node]
    while waiting:
        found = waiting.pop()
        yield found
        waiting.extend(reversed(content(found)))


def mentions(document: Doc) -> list[str]:
    """The accounts that are mentioned, each once, in reading order."""
    return list(dict.fromkeys(str(attr(node, "id")) for node in walk(document) if node["type"] == "mention"))


def map_mentions(document: Doc, fn: Callable[[str], str | None]) -> Doc:
    """Every mention of an account becomes one of `fn(account)`; where that is None, the plain text "@name"."""
    return normalise(_mapped(document, fn))


def _mapped(node: Node, fn: Callable[[str], str | None]) -> Node:
    if node["type"] == "mention":
        account = str(attr(node, "id"))
        found = fn(account)
        if found is None:
            return text(_at(str(attr(node, "text")) or account))
        return node if found == account else mention(found)
    if "content" not in node:
        return node
    return {**node, "content": [_mapped(child, fn) for child in node["content"]]}


def _at(name: str) -> str:
    return name if name.startswith("@") else f"@{name}"


def size(document: Doc) -> int:
    """Bytes of the tree as compact JSON: what it takes to keep and to send."""
    return len(json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass"))


# ---------------------------------------------------------------------- from outside
def validate(document: Any) -> Doc:
    """The tree itself when it has the shape of one and is within the limits; BadInput otherwise."""
    if not isinstance(document, dict) or document.get("type") != "doc":
        raise BadInput('A text must be an object of type "doc".', field="text")
    waiting: list[tuple[Any, int]] = [(document, 1)]
    seen = 0
    while waiting:
        node, depth = waiting.pop()
        seen += 1
        if depth > MAX_DEPTH or seen > MAX_NODES:
            raise BadInput("The text is too deeply nested or has too many parts.", field="text")
        _check_node(node)
        waiting.extend((child, depth + 1) for child in node.get("content") or ())
    if size(document) > MAX_BYTES:
        raise BadInput(f"The text is larger than {MAX_BYTES // 1024 // 1024} MiB.", field="text")
    return document


def _check_node(node: Any) -> None:
    if not isinstance(node, dict) or not isinstance(node.get("type"), str):
        raise BadInput("Every part of a text must be an object with a type.", field="text")
    for name, kind in (("content", list), ("marks", list), ("attrs", dict), ("text", str)):
        if node.get(name) is not None and not isinstance(node[name], kind):
            raise BadInput(f'"{name}" of a {node["type"][:40]} has the wrong shape.', field="text")
    for found in node.get("marks") or ():
        if not isinstance(found, dict) or not isinstance(found.get("attrs") or {}, dict):
            raise BadInput("Every mark of a text must be an object.", field="text")
    if any(isinstance(value, (dict, list)) and len(str(value)) > 10_000 for value in (node.get("attrs") or {}).values()):
        raise BadInput("An attribute in the text is too large.", field="text")


# ---------------------------------------------------------------------- plain text
def plain(document: Doc) -> str:
    """The text as people read it without any markup."""
    return "\n\n".join(_plain_blocks(content(normalise(document))))


def plain_inline(nodes: Iterable[Node]) -> str:
    return "".join(map(_plain_piece, nodes))


def _plain_piece(node: Node) -> str:
    kind = node["type"]
    if kind == "text":
        href = next((m["attrs"]["href"] for m in node.get("marks") or () if m["type"] == "link"), "")
        words = str(node["text"])
        return words if not href or href in (words, f"mailto:{words}") else f"{words} ({href})"
    if kind == "hardBreak":
        return "\n"
    if kind == "mention":
        return _at(str(attr(node, "text")))
    if kind == "image":
        return str(attr(node, "alt") or attr(node, "src"))
    return str(attr(node, "source"))


def _plain_blocks(nodes: list[Node]) -> list[str]:
    return [_plain_block(node) for node in nodes]


def _plain_block(node: Node) -> str:
    kind = node["type"]
    if kind == "codeBlock":
        return str(node["content"][0]["text"])
    if kind == "rule":
        return "---"
    if kind in LISTS:
        return "\n".join(_plain_items(node))
    if kind == "blockquote":
        return "\n".join(f"> {line}".rstrip() for line in "\n\n".join(_plain_blocks(node["content"])).split("\n"))
    if kind == "panel":
        return "\n\n".join(_plain_blocks(node["content"]))
    if kind == "table":
        return "\n".join(" | ".join(map(_plain_cell, content(line))) for line in node["content"])
    return plain_inline(content(node))


def _plain_cell(node: Node) -> str:
    return " ".join("\n".join(_plain_blocks(content(node))).split("\n"))


def _plain_items(node: Node) -> Iterator[str]:
    number = int(attr(node, "order", 1))
    for place, child in enumerate(node["content"], number):
        sign = f"{place}." if node["type"] == "orderedList" else "-"
        if child["type"] == "taskItem":
            sign = "☑" if attr(child, "state") == "DONE" else "☐"
        first, *rest = "\n".join(_plain_blocks(child["content"])).split("\n")
        yield "\n".join([f"{sign} {first}", *(" " * (len(sign) + 1) + line if line else "" for line in rest)])


def flat(nodes: list[Node]) -> list[Node]:
    """Blocks as inline content, one line or more each: for places that hold no blocks."""
    out: list[Node] = []
    for node in nodes:
        if out:
            out.append(hard_break())
        out += _flat_block(node)
    return inline(out)


def _flat_block(node: Node) -> list[Node]:
    kind = node["type"]
    if kind in ("paragraph", "heading"):
        return list(node["content"])
    if kind == "codeBlock":
        lines = node["content"][0]["text"].split("\n")
        return [part for line in lines for part in (text(line, mark("code")), hard_break())]
    if kind in (*LISTS, "table"):
        return [text(_plain_block(node))]
    return flat(content(node))
