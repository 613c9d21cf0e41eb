"""The canonical form of a document tree: equality of trees is equality of content. PURE.

Every reader ends here and every writer starts here; `tree.py` tells the shape, this file how it is made unique.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from urllib.parse import quote

Node = dict[str, Any]
Mark = tuple[str, str, str]  # type, and up to two values: link (href, title), subsup (sub or sup, "")

MARKS = ("code", "em", "link", "strike", "strong", "subsup", "underline")
PANELS = ("info", "note", "success", "warning", "error")
LISTS = ("bulletList", "orderedList", "taskList")
MAX_DEPTH = 40  # containers inside containers; what is deeper is unwrapped
MAX_CELLS = 20_000  # a ragged table is padded to a rectangle up to this size

_DROPPED = re.compile("[\x00-\x08\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_NEWLINE = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_BOX = re.compile(r"([☐☑☒])\s+")
_EDGES = re.compile(r"(\s*)(.*?)(\s*)\Z", re.DOTALL)
URL = re.compile(r"(?<![A-Za-z0-9])https?://(?=\w)[\w\-./?#@!$&()+,;=%:~]+", re.IGNORECASE)
_HREF = re.compile(r"(?:https?://|mailto:)[^/]", re.IGNORECASE)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:")
_HREF_SAFE = "-._~:/?#@!$&'()*+,;=%"
_LANGUAGE = re.compile(r"[\w+#.\-]{1,40}")


def clean(text: str) -> str:
    """Line ends as LF; control characters and lone surrogates, which trackers refuse, are gone."""
    return _DROPPED.sub("", _NEWLINE.sub("\n", text))


def one_line(text: str) -> str:
    return " ".join(clean(text).split())


def safe_href(href: str) -> str:
    """The link in its canonical spelling, or "" when it is not http, https or mailto."""
    href = clean(href).strip().replace("\n", "")
    if not _HREF.match(href):
        return ""
    return "".join(c if _stays(c) else quote(c, safe="") for c in href)


def safe_src(src: str) -> str:
    """An image's address (http, https) or the name of an attachment; "" for any other scheme."""
    src = one_line(src)
    if _SCHEME.match(src):
        return safe_href(src) if src[:4].lower() == "http" else ""
    return src


def _stays(char: str) -> bool:
    return (char.isalnum() or char in _HREF_SAFE) if char.isascii() else not char.isspace()


def bare_urls(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of every address that trackers turn into a link by themselves."""
    for match in URL.finditer(text):
        url = trimmed_url(match[0])
        if url:
            yield match.start(), match.start() + len(url)


def trimmed_url(url: str) -> str:
    """Without the punctuation that ends the sentence and not the address; "" when nothing is left."""
    spare = url.count(")") - url.count("(")
    end = len(url)
    while end and (url[end - 1] in "?!.,:;_~&" or (url[end - 1] == ")" and spare > 0)):
        spare -= url[end - 1] == ")"
        end -= 1
    found = url[:end]
    return found if re.match(r"(?i)https?://\w", found) and safe_href(found) == found else ""


# ---------------------------------------------------------------------- marks
def mark_of(mark: Node) -> Mark | None:
    """A mark as a comparable value; None when it is unknown or unsafe."""
    kind, attrs = mark.get("type"), mark.get("attrs") or {}
    if kind == "link":
        href = safe_href(str(attrs.get("href") or ""))
        return ("link", href, one_line(str(attrs.get("title") or ""))) if href else None
    if kind == "subsup":
        return ("subsup", "sup" if attrs.get("type") == "sup" else "sub", "")
    return (kind, "", "") if kind in MARKS else None


def mark_node(mark: Mark) -> Node:
    kind, first, second = mark
    if kind == "link":
        return {"type": "link", "attrs": {"href": first, "title": second} if second else {"href": first}}
    if kind == "subsup":
        return {"type": "subsup", "attrs": {"type": first}}
    return {"type": kind}


def marks_of(node: Node) -> frozenset[Mark]:
    """The marks of a text node, one of a kind; code goes with nothing but a link."""
    by_kind: dict[str, Mark] = {}
    for raw in node.get("marks") or ():
        mark = mark_of(raw)
        if mark:
            by_kind.setdefault(mark[0], mark)
    if "code" in by_kind:
        by_kind = {k: m for k, m in by_kind.items() if k in ("code", "link")}
    return frozenset(by_kind.values())


def has(marks: Iterable[Mark], kind: str) -> bool:
    return any(mark[0] == kind for mark in marks)


# ---------------------------------------------------------------------- inline content
Piece = tuple[str, frozenset[Mark]] | Node  # text with its marks, or a node that carries none


def inline(nodes: Iterable[Node]) -> list[Node]:
    """Canonical inline content: texts merged, addresses linked, no mark begins or ends with white space."""
    lines: list[list[Piece]] = [[]]
    for piece in _pieces(nodes):
        if isinstance(piece, dict) and piece["type"] == "hardBreak":
            lines.append([])
        else:
            lines[-1].append(piece)
    done = [_line(line) for line in lines]
    while done and not done[0]:
        done.pop(0)
    while done and not done[-1]:
        done.pop()
    out: list[Node] = []
    for number, line in enumerate(done):
        if number:
            out.append({"type": "hardBreak"})
        out.extend(line)
    return out


def _pieces(nodes: Iterable[Node]) -> Iterator[Piece]:
    for node in nodes:
        kind, attrs = node.get("type"), node.get("attrs") or {}
        if kind == "text":
            yield from _text_pieces(clean(str(node.get("text") or "")), marks_of(node))
        elif kind == "hardBreak":
            yield {"type": "hardBreak"}
        elif kind == "mention":
            account = one_line(str(attrs.get("id") or ""))
            if account:
                shown = one_line(str(attrs.get("text") or "")) or f"@{account}"
                yield {"type": "mention", "attrs": {"id": account, "text": shown}}
        elif kind == "image":
            yield from _image(str(attrs.get("src") or ""), one_line(str(attrs.get("alt") or "")))
        elif kind == "raw":
            source = clean(str(attrs.get("source") or "")).strip()
            if source:
                yield {"type": "raw", "attrs": {"system": str(attrs.get("system") or ""), "source": source}}
        elif "content" in node:
            yield from _pieces(node["content"])
        elif attrs.get("text"):
            yield from _text_pieces(clean(str(attrs["text"])), frozenset())


def _text_pieces(text: str, marks: frozenset[Mark]) -> Iterator[Piece]:
    if has(marks, "code"):
        yield text.replace("\n", " "), marks
        return
    for number, line in enumerate(text.split("\n")):
        if number:
            yield {"type": "hardBreak"}
        yield line, marks


def _image(src: str, alt: str) -> Iterator[Piece]:
    src = safe_src(src)
    if src:
        yield {"type": "image", "attrs": {"src": src, "alt": alt}}
    elif alt:
        yield alt, frozenset()


def _line(pieces: list[Piece]) -> list[Node]:
    merged = _merged(_linked(_merged(pieces)))
    return [_node(piece) for piece in _stripped(_merged(_hoisted(merged)))]


def _node(piece: Piece) -> Node:
    if isinstance(piece, dict):
        return piece
    text, marks = piece
    if not marks:
        return {"type": "text", "text": text}
    return {"type": "text", "text": text, "marks": [mark_node(m) for m in sorted(marks)]}


def _merged(pieces: Iterable[Piece]) -> list[Piece]:
    out: list[Piece] = []
    texts: list[str] = []
    marks: frozenset[Mark] = frozenset()
    for piece in pieces:
        if isinstance(piece, dict):
            out += [("".join(texts), marks)] if texts else []
            out.append(piece)
            texts = []
            continue
        if not piece[0]:
            continue
        if texts and piece[1] != marks:
            out.append(("".join(texts), marks))
            texts = []
        texts.append(piece[0])
        marks = piece[1]
    return [*out, ("".join(texts), marks)] if texts else out


def _linked(pieces: Iterable[Piece]) -> Iterator[Piece]:
    for piece in pieces:
        if isinstance(piece, dict) or has(piece[1], "code") or has(piece[1], "link") or "://" not in piece[0]:
            yield piece
            continue
        text, marks = piece
        last = 0
        for start, end in bare_urls(text):
            yield text[last:start], marks
            yield text[start:end], marks | {("link", text[start:end], "")}
            last = end
        yield text[last:], marks


def _hoisted(pieces: list[Piece]) -> Iterator[Piece]:
    """White space keeps a mark only where both its neighbours have it."""
    parts: list[Piece] = []
    for piece in pieces:
        if isinstance(piece, dict) or not piece[1]:
            parts.append(piece)
            continue
        for text in _EDGES.findall(piece[0])[0]:
            if text:
                parts.append((text, piece[1]))
    left: frozenset[Mark] = frozenset()
    rights = _rights(parts)
    for number, part in enumerate(parts):
        if isinstance(part, dict):
            left = frozenset()
            yield part
        elif part[0].isspace():
            kept = part[1] & left & rights[number]
            yield part[0], frozenset(m for m in kept if m[0] != "code")
        else:
            left = part[1]
            yield part


def _rights(parts: list[Piece]) -> list[frozenset[Mark]]:
    """For every part, the marks of the next text after it that is not white space."""
    rights: list[frozenset[Mark]] = []
    right: frozenset[Mark] = frozenset()
    for part in reversed(parts):
        rights.append(right)
        if isinstance(part, dict):
            right = frozenset()
        elif not part[0].isspace():
            right = part[1]
    return rights[::-1]


def _stripped(pieces: list[Piece]) -> list[Piece]:
    """A line without white space at its ends; only plain text can have any there."""
    for edge, strip in ((0, str.lstrip), (-1, str.rstrip)):
        piece = pieces[edge] if pieces else {}
        if isinstance(piece, dict):
            continue
        if strip(piece[0]):
            pieces[edge] = (strip(piece[0]), piece[1])
        else:
            pieces.pop(edge)
    return pieces


# ---------------------------------------------------------------------- blocks
def normalise(doc: Node) -> Node:
    """The canonical tree; the same tree again when it is canonical already."""
    return {"type": "doc", "content": blocks(doc.get("content") or (), 0)}


def blocks(nodes: Iterable[Node], depth: int) -> list[Node]:
    out: list[Node] = []
    loose: list[Node] = []  # inline nodes that stand between blocks
    for node in nodes:
        make = _BLOCKS.get(str(node.get("type")))
        if make is None and not _holds_blocks(node):
            loose.append(node)
            continue
        out += _paragraphs(loose)
        loose = []
        if make is None or depth >= MAX_DEPTH:
            out += blocks(node.get("content") or (), depth) if make in _CONTAINERS or make is None else make(node, depth)
        else:
            out += make(node, depth)
    return out + _paragraphs(loose)


def _holds_blocks(node: Node) -> bool:
    """A block of a kind that we do not know, of which we take what is inside."""
    content = node.get("content") or ()
    return any(str(child.get("type")) in _BLOCKS or _holds_blocks(child) for child in content)


def _paragraphs(nodes: list[Node]) -> list[Node]:
    content = inline(nodes) if nodes else []
    return [{"type": "paragraph", "content": content}] if content else []


def _paragraph(node: Node, depth: int) -> list[Node]:
    return _paragraphs(list(node.get("content") or ()))


def _heading(node: Node, depth: int) -> list[Node]:
    content = inline(node.get("content") or ())
    level = _number(node, "level", 1, 1, 6)
    return [{"type": "heading", "attrs": {"level": level}, "content": content}] if content else []


def _number(node: Node, name: str, default: int, low: int, high: int) -> int:
    value = (node.get("attrs") or {}).get(name, default)
    return min(max(value, low), high) if isinstance(value, int) else default


def _code_block(node: Node, depth: int) -> list[Node]:
    text = clean("".join(str(n.get("text") or "") for n in node.get("content") or ())).strip("\n")
    if not text.strip():
        return []
    block: Node = {"type": "codeBlock", "content": [{"type": "text", "text": text}]}
    language = str((node.get("attrs") or {}).get("language") or "")
    if _LANGUAGE.fullmatch(language):
        block["attrs"] = {"language": language}
    return [block]


def _rule(node: Node, depth: int) -> list[Node]:
    return [{"type": "rule"}]


def _blockquote(node: Node, depth: int) -> list[Node]:
    content = blocks(node.get("content") or (), depth + 1)
    return [{"type": "blockquote", "content": content}] if content else []


def _panel(node: Node, depth: int) -> list[Node]:
    content = blocks(node.get("content") or (), depth + 1)
    kind = (node.get("attrs") or {}).get("panelType")
    kind = kind if kind in PANELS else "info"
    return [{"type": "panel", "attrs": {"panelType": kind}, "content": content}] if content else []


def _item_alone(node: Node, depth: int) -> list[Node]:
    return _list({"type": "bulletList", "content": [node]}, depth)


def _list(node: Node, depth: int) -> list[Node]:
    ordered = node["type"] == "orderedList"
    items = [item for raw in node.get("content") or () for item in _item(raw, depth, ordered)]
    out: list[Node] = []
    for item in items:
        kind = "taskList" if item["type"] == "taskItem" else node["type"] if ordered else "bulletList"
        if out and out[-1]["type"] == kind:
            out[-1]["content"].append(item)
        else:
            out.append({"type": kind, "content": [item]})
    order = _number(node, "order", 1, 0, 999_999_999)
    if out and ordered and order != 1 and out[0]["type"] == "orderedList":
        out[0]["attrs"] = {"order": order}
    return out


def _item(node: Node, depth: int, ordered: bool) -> list[Node]:
    kind = node.get("type")
    content = blocks(node.get("content") or () if kind in ("listItem", "taskItem") else [node], depth + 1)
    if not content:
        return []
    if kind == "taskItem" and content[0]["type"] == "paragraph":
        state = (node.get("attrs") or {}).get("state")
        return [_task("DONE" if state == "DONE" else "TODO", content)]
    boxed = None if ordered else _boxed(content)
    return [boxed or {"type": "listItem", "content": content}]


def _task(state: str, content: list[Node]) -> Node:
    return {"type": "taskItem", "attrs": {"state": state}, "content": content}


def _boxed(content: list[Node]) -> Node | None:
    """An item whose text begins with a box character is a task."""
    if content[0]["type"] != "paragraph":
        return None
    first, *rest = content[0]["content"]
    found = _BOX.match(first.get("text", "")) if not first.get("marks") else None
    if not found:
        return None
    text = inline([{"type": "text", "text": first["text"][found.end() :]}, *rest])
    if not text:
        return None
    return _task("TODO" if found[1] == "☐" else "DONE", [{"type": "paragraph", "content": text}, *content[1:]])


def _table(node: Node, depth: int) -> list[Node]:
    rows = [_row(row, depth) for row in node.get("content") or () if row.get("type") == "tableRow"]
    rows = [row for row in rows if any(cell["content"] for cell in row)]
    width = max((len(row) for row in rows), default=0)
    if width * len(rows) <= MAX_CELLS:
        for row in rows:
            row += [{"type": row[-1]["type"], "content": []} for _ in range(width - len(row))]
    return [{"type": "table", "content": [{"type": "tableRow", "content": row} for row in rows]}] if rows else []


def _row(row: Node, depth: int) -> list[Node]:
    cells = [cell for cell in row.get("content") or () if cell.get("type") in ("tableHeader", "tableCell")]
    return [{"type": cell["type"], "content": blocks(cell.get("content") or (), depth + 1)} for cell in cells]


_BLOCKS: dict[str, Callable[[Node, int], list[Node]]] = {
    "paragraph": _paragraph,
    "heading": _heading,
    "codeBlock": _code_block,
    "rule": _rule,
    "blockquote": _blockquote,
    "panel": _panel,
    "bulletList": _list,
    "orderedList": _list,
    "taskList": _list,
    "listItem": _item_alone,
    "taskItem": _item_alone,
    "table": _table,
}
_CONTAINERS: tuple[Any, ...] = (_blockquote, _panel, _list, _item_alone, _table)
