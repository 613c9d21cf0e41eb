"""Inline content as Jira wiki markup. PURE.

As for Markdown, the plainest writing that reads back the same is taken. Braces and brackets are never left bare: Jira
would look for a macro or a link. The last way writes every sign as an entity and is right by construction.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from trackers.text import tree
from trackers.text.canonical import Mark, safe_href
from trackers.text.spans import Spans, ends, is_bare
from trackers.text.tree import Node
from trackers.text.wiki_read import WHOLE, from_wiki
from trackers.text.wiki_read_inline import FILE, ICONS, USER, is_image

_SAFE = re.compile(r"[^\\*_\-+^~\[{(!&?|#\s\d][^\\*_\-+^~\[{(!&?|\n]*")
_LINE_WORD = re.compile(r"(?:h[1-6]|bq)\.\s")
_ICON = r"\((?=(?:" + "|".join(map(re.escape, ICONS)) + r")\))"
_NEVER_RAW = re.compile(rf"[\[{{]|{_ICON}|\?\?(?=\S)")
_SIGNS = re.compile(
    rf"\\(?=[!-/:-@\[-`{{-~]|\Z)|[\[{{]|{_ICON}|\?(?=\?\S)|!(?=\S|\Z)|&(?=#?\w+;|#?\w*\Z)|(?<!\w)([*_\-+^~])(?=\S|\Z)(?!\1)"
)
_LINE_START = re.compile(r"(?:[*#]+|-)(?=\s)|\||-{4,}\s*\Z")
_PUNCTUATION = re.compile(r"[!-/:-@\[-`{-~]")
_ENTITY_START = re.compile(r"&(?=#?\w+;)")
_SIGN = {"strong": "*", "em": "_", "strike": "-", "underline": "+", "sup": "^", "sub": "~"}


@dataclass(frozen=True)
class Style:
    escape: Callable[[str, bool], str]
    braced: bool


def entity(text: str) -> str:
    return _PUNCTUATION.sub(lambda m: f"&#{ord(m[0])};", text)


def _raw(text: str, at_start: bool) -> str:
    return text


def _some(text: str, at_start: bool) -> str:
    found = _SIGNS.sub(lambda m: f"&#{ord(m[0])};" if m[0] in "\\&" else f"\\{m[0]}", text)
    if not at_start:
        return found
    if _LINE_WORD.match(text):
        return found.replace(".", "\\.", 1)
    return f"\\{found}" if _LINE_START.match(text) and found[0] != "\\" else found


def _every(text: str, at_start: bool) -> str:
    return entity(text)


RAW, RAW_BRACED, SOME, SOME_BRACED = Style(_raw, False), Style(_raw, True), Style(_some, False), Style(_some, True)
STRICT = Style(_every, True)


def paragraph(nodes: list[Node]) -> str:
    """Lines of a paragraph, or of the text of a list item."""
    if all(_is_plain(node) for node in nodes):
        return "".join(node["text"] for node in nodes)
    return _best(nodes, "\n", lambda line: (line, tree.paragraph(*prepared(nodes))))


def heading(level: int, nodes: list[Node]) -> str:
    return _best(nodes, "\\\\ ", lambda line: (f"h{level}. {line}", tree.heading(level, *prepared(nodes))))


def cell(nodes: list[Node]) -> str:
    """The text of a table cell, without its bars."""
    if not nodes:
        return " "
    written = _best(nodes, "\\\\ ", lambda line: (f"|{_in_table(line)}|", _one_cell(nodes)))
    return written[1:-1]


def _in_table(line: str) -> str:
    """Bars are signs of a cell, but for those of links and images, and those that are escaped already."""
    return re.sub(rf"{WHOLE}|\|", lambda m: "\\|" if m[0] == "|" else m[0], line)


def _one_cell(nodes: list[Node]) -> Node:
    return tree.table(tree.row(tree.cell(*prepared(nodes))))


def _is_plain(node: Node) -> bool:
    if node["type"] != "text" or "marks" in node or not _SAFE.fullmatch(node["text"]):
        return False
    return not _LINE_WORD.match(node["text"])


def _best(nodes: list[Node], line_break: str, in_context: Callable[[str], tuple[str, Node]]) -> str:
    found = prepared(nodes)
    never_raw = any(
        _NEVER_RAW.search(n["text"]) or (line_break != "\n" and "!" in n["text"]) for n in found if n["type"] == "text"
    )
    marked = any("marks" in node for node in found)
    for style in (SOME, SOME_BRACED) if never_raw else (RAW, RAW_BRACED, SOME, SOME_BRACED):
        if style.braced and not marked:
            continue
        written, wanted = in_context(write(found, style, line_break))
        if from_wiki(written) == tree.doc(wanted):
            return written
    return in_context(write(found, STRICT, line_break))[0]


# ---------------------------------------------------------------------- before writing
def prepared(nodes: list[Node]) -> list[Node]:
    """What the markup can say of it: other trackers' specials as text, and a space before an image that ends a word."""
    told = [part for node in nodes for part in _told(node)]
    out: list[Node] = []
    for node in tree.inline(told):
        if node["type"] == "image" and out and "marks" not in out[-1] and out[-1].get("text", " ")[-1].isalnum():
            out.append(tree.text(" "))
        out.append(node)
    return tree.inline(out)


def _told(node: Node) -> list[Node]:
    kind = node["type"]
    if kind == "mention" and not USER.fullmatch(f"~{tree.attr(node, 'id')}"):
        return [tree.text(str(tree.attr(node, "text")))]
    if kind == "mention":
        return [tree.mention(str(tree.attr(node, "id")))]
    if kind == "raw":
        source = str(tree.attr(node, "source"))
        ours = tree.attr(node, "system") == "wiki" and source[0] + source[-1] == "[]" and FILE.fullmatch(source[1:-1])
        return [node] if ours else [tree.text(source)]
    if kind == "image" and not is_image(str(tree.attr(node, "src"))):
        src, alt = str(tree.attr(node, "src")), str(tree.attr(node, "alt"))
        return [tree.text(alt or src, tree.link(src))] if safe_href(src) else [tree.text(alt or src)]
    return [node]


# ---------------------------------------------------------------------- writing
def write(nodes: list[Node], style: Style, line_break: str) -> str:
    writer = _Writer(style, line_break)
    for node, reach in zip(nodes, ends(nodes), strict=True):
        writer.take(node, reach)
    writer.close()
    return "".join(writer.out)


class _Writer(Spans):
    def __init__(self, style: Style, line_break: str) -> None:
        super().__init__()
        self.style, self.line_break = style, line_break

    def take(self, node: Node, reach: dict[Mark, int]) -> None:
        kind = node["type"]
        bare = is_bare(node)
        self.change({mark: end for mark, end in reach.items() if mark[0] != "code" and not (bare and mark[0] == "link")})
        if kind == "text":
            self.out.append(self.text(node, bare))
        elif kind == "hardBreak":
            self.out.append("\\\\ " if self.at_start() else self.line_break)
        elif kind == "mention":
            self.out.append(f"[~{tree.attr(node, 'id')}]")
        elif kind == "image":
            self.out.append(_image(str(tree.attr(node, "src")), str(tree.attr(node, "alt"))))
        else:
            self.out.append(str(tree.attr(node, "source")))

    def text(self, node: Node, bare: bool) -> str:
        value = node["text"]
        if bare:
            return f"[{_ENTITY_START.sub('&#38;', value)}]" if self.style.braced else str(value)
        code = any(m["type"] == "code" for m in node.get("marks") or ())
        if code:
            inside = entity(value) if self.style is STRICT else re.sub(r"(?<!\\)\}", r"\\}", _some(value, False))
            value = f"{{{{{inside}}}}}"
        else:
            value = self.style.escape(value, self.at_start())
        return re.sub(r"\\.|[|\]]", _escaped, value) if self.in_link() else value

    def sign(self, mark: Mark, *, opening: bool) -> str:
        if mark[0] == "link":
            return "[" if opening else _link_end(mark)
        sign = _SIGN.get(mark[0]) or _SIGN[mark[1]]
        return f"{{{sign}}}" if self.style.braced else sign


def _escaped(match: re.Match[str]) -> str:
    return match[0] if match[0][0] == "\\" else f"\\{match[0]}"


def _link_end(mark: Mark) -> str:
    href = _ENTITY_START.sub("&#38;", mark[1])
    return f"|{href}|{entity(mark[2])}]" if mark[2] else f"|{href}]"


def _image(src: str, alt: str) -> str:
    parameters = [] if src[:4].lower() == "http" else ["thumbnail"]
    if alt:
        parameters.append(f"alt={entity(alt)}")
    return f"!{src}|{','.join(parameters)}!" if parameters else f"!{src}!"
