"""Inline content as GitHub Markdown, with no more escapes than it needs. PURE.

Three ways of writing, the plainest first; what is written is read back, and the first that says the same is taken.
The last one escapes every sign and sets marks apart with empty comments: it is right by construction.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

from trackers.text import tree
from trackers.text.canonical import Mark, marks_of
from trackers.text.markdown_read import from_markdown
from trackers.text.neutral import ISSUE_ADDRESS, LOGIN, neutralised
from trackers.text.spans import Spans, ends, is_bare
from trackers.text.tree import Node

_SAFE = re.compile(r"[^\\`*_\[\]<>&~|=#:@!+\-\d\s][^\\`*_\[\]<>&~|\n]*")
_NEVER_RAW = re.compile(r"<[A-Za-z/!?]|\[\^|^\[[ xX!]|^[=|:\- \t]+$", re.MULTILINE)
_PUNCTUATION = re.compile(r"[!-/:-@\[-`{-~]")
_SIGNS = re.compile(
    r"[\\`*\[]|\](?=[(\[:])|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|~|<(?=[A-Za-z/!?]|\Z)|&(?=#?\w+;|#?\w*\Z)|!(?=\[|\Z)"
)
_LINE_START = re.compile(r"(?:#{1,6}(?=\s|\Z)|[>+=|:]|-(?=[\s\-:|]|\Z))")
_NUMBERED = re.compile(r"(\d{1,9})([.)])(?=\s|\Z)")
_ENTITY_START = re.compile(r"&(?=#?\w+;)")
_APART = "<!-- -->"
_APART_AT_END = re.compile(r"<!-- -->(?=\n|\Z)")
_TAGS = {"underline": "ins", "sub": "sub", "sup": "sup"}


@dataclass(frozen=True)
class Style:
    escape: Callable[[str, bool], str]
    em: str
    apart: str = ""  # what stands outside of emphasis, where it touches a word
    inside: str = ""  # and within it


def _raw(text: str, at_start: bool) -> str:
    return text


def _some(text: str, at_start: bool) -> str:
    found = _SIGNS.sub(lambda m: f"\\{m[0]}", text)
    if not at_start:
        return found
    if _LINE_START.match(text):
        return f"\\{found}"
    return _NUMBERED.sub(r"\1\\\2", found, count=1) if _NUMBERED.match(found) else found


def _every(text: str, at_start: bool) -> str:
    return _PUNCTUATION.sub(lambda m: f"\\{m[0]}", text)


RAW, RAW_STAR, RAW_APART = Style(_raw, "_"), Style(_raw, "*"), Style(_raw, "_", _APART)
SOME, SOME_STAR, SOME_APART = Style(_some, "_"), Style(_some, "*"), Style(_some, "_", _APART)
STRICT = Style(_every, "_", _APART, _APART)
_STYLES = (RAW, RAW_STAR, RAW_APART, SOME, SOME_STAR, SOME_APART)


def paragraph(nodes: list[Node]) -> str:
    if _plain(nodes):
        return "\n".join(neutralised(node["text"]) for node in nodes if node["type"] == "text")
    return _best(nodes, "\n", lambda line: (line, tree.paragraph(*prepared(nodes))))


def heading(level: int, nodes: list[Node]) -> str:
    signs = "#" * level
    return _best(nodes, "<br>", lambda line: (f"{signs} {line}", tree.heading(level, *prepared(nodes))))


def cell(nodes: list[Node]) -> str:
    """The text of a table cell, without its bars."""
    if not nodes:
        return ""
    written = _best(nodes, "<br>", lambda line: (f"| {_in_table(line)} |\n| --- |", _one_cell(nodes)))
    return written.removeprefix("| ").removesuffix(" |\n| --- |")


def _in_table(line: str) -> str:
    return line.replace("|", "\\|")


def _one_cell(nodes: list[Node]) -> Node:
    return tree.table(tree.row(tree.header(*prepared(nodes))))


def _plain(nodes: list[Node]) -> bool:
    """Nothing in it can be read as markup: the common case, spared the reading back."""
    breaks = [node["type"] == "hardBreak" for node in nodes]
    if any(one and two for one, two in pairwise(breaks)):
        return False
    return all(
        b or (n["type"] == "text" and "marks" not in n and _SAFE.fullmatch(n["text"])) for n, b in zip(nodes, breaks, strict=True)
    )


def _best(nodes: list[Node], line_break: str, in_context: Callable[[str], tuple[str, Node]]) -> str:
    found = prepared(nodes)
    text_only = "".join(n["text"] if n["type"] == "text" else "\n" for n in found)
    kinds = {m["type"] for node in found for m in node.get("marks") or ()}
    for style in (SOME, SOME_STAR, SOME_APART) if _NEVER_RAW.search(text_only) else _STYLES:
        if (style.em == "*" and "em" not in kinds) or (style.apart and not kinds & {"em", "strong", "strike", "link"}):
            continue
        written, wanted = in_context(write(found, style, line_break))
        if from_markdown(written) == tree.doc(wanted):
            return written
    return in_context(write(found, STRICT, line_break))[0]


# ---------------------------------------------------------------------- before writing
def prepared(nodes: list[Node]) -> list[Node]:
    """What Markdown can say of it: mentions of GitHub's logins, with room around them; the rest as text."""
    told = [_told(node) for node in nodes]
    out: list[Node] = []
    for node in tree.inline(told):
        if out and _touch(out[-1], node):
            out.append(tree.text(" "))
        out.append(node)
    return tree.inline(out)


def _told(node: Node) -> Node:
    if node["type"] == "raw":
        return tree.text(str(tree.attr(node, "source")))
    if node["type"] == "mention":
        login = str(tree.attr(node, "id"))
        return tree.mention(login) if LOGIN.fullmatch(login) else tree.text(str(tree.attr(node, "text")))
    return node


def _touch(left: Node, right: Node) -> bool:
    if left.get("marks") or right.get("marks"):
        return False
    if right["type"] == "mention":
        return left["type"] == "mention" or bool(re.search(r"[A-Za-z0-9_@/]\Z", left.get("text", "")))
    return left["type"] == "mention" and bool(re.match(r"[A-Za-z0-9_\-/@]|\.[A-Za-z0-9_]", right.get("text", "")))


# ---------------------------------------------------------------------- writing
def write(nodes: list[Node], style: Style, line_break: str = "\n") -> str:
    keywords = any(m[0] == "link" and ISSUE_ADDRESS.search(m[1]) for node in nodes for m in marks_of(node))
    writer = _Writer(style, keywords, line_break)
    for node, reach in zip(nodes, ends(nodes), strict=True):
        writer.take(node, reach)
    writer.close()
    return _APART_AT_END.sub("", "".join(writer.out)) if style.apart else "".join(writer.out)


class _Writer(Spans):
    def __init__(self, style: Style, keywords: bool, line_break: str) -> None:
        super().__init__()
        self.style, self.keywords, self.line_break = style, keywords, line_break

    def take(self, node: Node, reach: dict[Mark, int]) -> None:
        kind = node["type"]
        bare = is_bare(node)
        self.change({mark: end for mark, end in reach.items() if mark[0] != "code" and not (bare and mark[0] == "link")})
        if kind == "text":
            self.text(node, bare)
        elif kind == "hardBreak":
            self.line()
        elif kind == "mention":
            self.out.append(f"@{tree.attr(node, 'id')}")
        else:
            alt = self.style.escape(str(tree.attr(node, "alt")), False)
            self.out.append(f"![{_brackets(alt, self.style)}]({_target(str(tree.attr(node, 'src')))})")

    def text(self, node: Node, bare: bool) -> None:
        value = node["text"]
        if bare:
            self.out.append(f"<{value}>" if self.style.apart else value)
        elif any(m["type"] == "code" for m in node.get("marks") or ()):
            self.out.append(_code(value))
        else:
            escaped = self.style.escape(neutralised(value, keywords=self.keywords), self.at_start())
            self.out.append(_brackets(escaped, self.style) if self.in_link() else escaped)

    def line(self) -> None:
        if self.line_break != "\n":
            self.out.append(self.line_break)
        else:
            self.out.append("\\\n" if self.at_start() else "\n")

    def sign(self, mark: Mark, *, opening: bool) -> str:
        tag = _TAGS.get(mark[0]) or _TAGS.get(mark[1])
        if tag:
            return f"<{tag}>" if opening else f"</{tag}>"
        if mark[0] == "link":
            return self.link_start() if opening else _link_end(mark)
        sign = {"strong": "**", "strike": "~~"}.get(mark[0], self.style.em)
        if not opening:
            return self.style.inside + sign + self.style.apart
        apart = "" if not self.out or self.out[-1][-1].isspace() else self.style.apart
        return apart + sign + self.style.inside

    def link_start(self) -> str:
        """An exclamation mark before it would make an image of it."""
        if self.style.escape is _some and self.out and self.out[-1].endswith("!"):
            self.out[-1] = f"{self.out[-1][:-1]}\\!"
        return "["


def _brackets(escaped: str, style: Style) -> str:
    """Text between square brackets: brackets that are not escaped yet would end it."""
    return escaped if style.inside else re.sub(r"(?<!\\)\]", r"\\]", escaped)


def _link_end(mark: Mark) -> str:
    title = _PUNCTUATION.sub(lambda m: f"\\{m[0]}" if m[0] in '"\\&' else m[0], mark[2])
    return f'({_target(mark[1])} "{title}")'.join(("]", "")) if title else f"]({_target(mark[1])})"


def _target(address: str) -> str:
    if re.search(r"[\s<>\\]|^\Z", address):
        return "<" + _ENTITY_START.sub(r"\\&", re.sub(r"[<>\\]", lambda m: f"\\{m[0]}", address)) + ">"
    return _ENTITY_START.sub(r"\\&", re.sub(r"[()]", lambda m: f"\\{m[0]}", address))


def _code(value: str) -> str:
    longest = max((len(run) for run in re.findall("`+", value)), default=0)
    fence = "`" * (longest + 1)
    room = " " if value[0] == "`" or value[-1] == "`" else ""
    return f"{fence}{room}{value}{room}{fence}"
