"""GitHub Markdown to the document tree, over the tokens of markdown-it-py. PURE. The way back: markdown_write.py.

As on GitHub's issue pages a line end inside a paragraph is a line break. HTML never passes: a few tags become marks,
comments go, every other tag stays as the text that was typed.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator

from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

from trackers.text import tree
from trackers.text.canonical import URL, trimmed_url
from trackers.text.neutral import MENTION, restored
from trackers.text.plain import from_plain
from trackers.text.tree import Doc, Node

PANELS = {"NOTE": "info", "TIP": "success", "IMPORTANT": "note", "WARNING": "warning", "CAUTION": "error"}
MAX_LEVELS = 35  # of lists and quotes; deeper text is taken as plain text, because the parser would drop it

_TASK = re.compile(r"\[([ xX])\]\s+(?=\S)")
_ALERT = re.compile(r"\[!(NOTE|TIP|IMPORTANT|WARNING|CAUTION)\][ \t]*(?:\n|\Z)", re.IGNORECASE)
_MARKERS = re.compile(r"(?:[ \t]*(?:>|(?:[-*+]|\d{1,9}[.)])(?=[ \t])))++")
_ORNAMENT = re.compile(r"[-*_ \t]+\Z")
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9\-]*)\b([^<>]*)>")
_HTML = re.compile(r"<!--|</?[A-Za-z][^<>]*>|\n|[^<\n]+|<")
_ATTRIBUTE = re.compile(r"""([A-Za-z\-]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""")

_MARK_TAGS: dict[str, Node] = {
    **dict.fromkeys(("b", "strong"), tree.mark("strong")),
    **dict.fromkeys(("i", "em"), tree.mark("em")),
    **dict.fromkeys(("s", "del", "strike"), tree.mark("strike")),
    **dict.fromkeys(("u", "ins"), tree.mark("underline")),
    **dict.fromkeys(("code", "kbd", "samp", "tt"), tree.mark("code")),
    "sub": tree.subsup("sub"),
    "sup": tree.subsup("sup"),
}
_LINE_TAGS = ("br", "details", "summary", "p", "div", "center")
_SILENT_TAGS = ("span", "a")
_TOKEN_MARKS = {"strong": "strong", "em": "em", "s": "strike"}


def from_markdown(text: str) -> Doc:
    """The tree of any text; never raises."""
    text = tree.clean(text)
    if _too_deep(text):
        return tree.normalise(_finished(from_plain(text)))
    return tree.normalise(_Reader().read(_PARSER.parse(text)))


def _too_deep(text: str) -> bool:
    for line in text.split("\n"):
        found = _MARKERS.match(line)
        if found and not _ORNAMENT.match(line):
            spaces = len(found[0].expandtabs(4)) - len(found[0].expandtabs(4).lstrip())
            if spaces // 2 + len(re.findall(r"[^\s\d]", found[0])) > MAX_LEVELS:
                return True
    return False


def _finished(document: Doc) -> Doc:
    return tree.doc(*({**block, "content": _with_mentions(block["content"])} for block in document["content"]))


# ---------------------------------------------------------------------- what markdown-it does not know
def _github_blocks(state: StateCore) -> None:
    """Task items and alerts: seen in the source, before a backslash is lost."""
    for place in range(2, len(state.tokens)):
        token = state.tokens[place]
        if token.type != "inline" or state.tokens[place - 1].type != "paragraph_open":
            continue
        before = state.tokens[place - 2]
        if before.type == "list_item_open" and (task := _TASK.match(token.content)):
            before.meta["state"] = "TODO" if task[1] == " " else "DONE"
            token.content = token.content[task.end() :]
        elif before.type == "blockquote_open" and (alert := _ALERT.match(token.content)):
            before.meta["panel"] = PANELS[alert[1].upper()]
            token.content = token.content[alert.end() :]


def _bare_url(state: StateInline, silent: bool) -> bool:
    """An address is taken whole, so that nothing in it is markup."""
    if silent or state.linkLevel > 0 or state.src[state.pos] != ":":
        return False
    scheme = re.search(r"https?\Z", state.pending, re.IGNORECASE)
    found = URL.match(state.src, state.pos - len(scheme[0]), state.posMax) if scheme else None
    url = trimmed_url(found[0]) if found else ""
    if not scheme or not url:
        return False
    state.pending = state.pending[: -len(scheme[0])]
    shown = _ENTITY.sub(lambda m: html.unescape(m[0]), url)
    state.push("link_open", "a", 1).attrs = {"href": shown}
    state.push("text", "", 0).content = shown
    state.push("link_close", "a", -1)
    state.pos += len(url) - len(scheme[0])
    return True


class _Parser(MarkdownIt):
    """Addresses are left as they are: the tree has its own rules for them."""

    def normalizeLink(self, url: str) -> str:
        return url

    def normalizeLinkText(self, link: str) -> str:
        return link

    def validateLink(self, url: str) -> bool:
        return True


def _parser() -> MarkdownIt:
    parser = _Parser("commonmark", {"html": True, "maxNesting": 6 * MAX_LEVELS, "strikethrough_single_tilde": True})
    parser.enable(["table", "strikethrough"])
    parser.core.ruler.after("block", "github_blocks", _github_blocks)
    parser.inline.ruler.after("text", "bare_url", _bare_url)
    return parser


_PARSER = _parser()


# ---------------------------------------------------------------------- blocks
class _Reader:
    def __init__(self) -> None:
        self.open: list[Node] = [tree.doc()]

    def read(self, tokens: list[Token]) -> Doc:
        for token in tokens:
            self.take(token)
        return self.open[0]

    def take(self, token: Token) -> None:
        kind = token.type
        if kind == "inline":
            self.add(*_inline(token.children or []))
        elif kind in ("fence", "code_block"):
            language = token.info.split()[0] if token.info.split() else ""
            self.add(tree.code_block(token.content, language))
        elif kind == "hr":
            self.add(tree.rule())
        elif kind == "html_block":
            self.add(tree.paragraph(*_inline(list(_html_tokens(token.content)))))
        elif token.nesting == 1 and kind not in ("thead_open", "tbody_open"):
            self.open.append(_container(token))
            self.open[-2]["content"].append(self.open[-1])
        elif token.nesting == -1 and kind not in ("thead_close", "tbody_close"):
            self.open.pop()

    def add(self, *nodes: Node) -> None:
        self.open[-1]["content"].extend(nodes)


def _container(token: Token) -> Node:
    kind = token.type.removesuffix("_open")
    if kind == "heading":
        return tree.heading(int(token.tag[1:]))
    if kind == "ordered_list":
        return tree.numbers(order=int(token.attrs.get("start", 1)))
    if kind == "list_item":
        return tree.task(token.meta["state"] == "DONE") if "state" in token.meta else tree.item()
    if kind == "blockquote":
        return tree.panel(token.meta["panel"]) if "panel" in token.meta else tree.quote()
    return _CONTAINERS.get(kind, tree.paragraph)()


_CONTAINERS: dict[str, Callable[[], Node]] = {
    "bullet_list": tree.bullets,
    "table": tree.table,
    "tr": tree.row,
    "th": tree.header,
    "td": tree.cell,
}


def _html_tokens(source: str) -> Iterator[Token]:
    """A block of HTML as inline tokens: its tags, its text, its lines; comments are gone."""
    at = 0
    while at < len(source):
        found = _HTML.match(source, at)
        assert found is not None
        at = found.end()
        if found[0] == "<!--":
            end = source.find("-->", at)
            if end >= 0:
                at = end + 3
                continue
            yield _token("text", source[found.start() :])
            return
        if found[0] == "\n":
            yield _token("softbreak", "")
        else:
            yield _token("html_inline" if found[0][0] == "<" and len(found[0]) > 1 else "text", found[0])


def _token(kind: str, content: str) -> Token:
    text = html.unescape(content) if kind == "text" else content
    return Token(kind, "", 0, content=text)


# ---------------------------------------------------------------------- inline content
def _inline(tokens: list[Token]) -> list[Node]:
    pairs = _pairs(tokens)
    marks: list[tuple[str, Node]] = []  # what is open, with the name it is closed by
    out: list[Node] = []
    for place, token in enumerate(tokens):
        kind = token.type
        if kind == "text":
            out.append(tree.text(token.content, *(m for _, m in marks)))
        elif kind == "code_inline":
            out.append(tree.text(token.content, tree.mark("code"), *(m for _, m in marks)))
        elif kind in ("softbreak", "hardbreak"):
            out.append(tree.hard_break())
        elif kind == "image":
            out.append(tree.image(str(token.attrs.get("src", "")), _alt(token.children or [])))
        elif kind == "html_inline":
            out += _tag(token.content, place, pairs, marks)
        elif kind == "link_open":
            found = tree.link(str(token.attrs.get("href", "")), str(token.attrs.get("title", "")))
            marks.append(("link", found))
        elif token.nesting == 1:
            name = kind.removesuffix("_open")
            marks.append((name, tree.mark(_TOKEN_MARKS[name])))
        elif token.nesting == -1:
            _close(marks, kind.removesuffix("_close"))
    return _with_mentions(tree.inline(out))


def _close(marks: list[tuple[str, Node]], name: str) -> None:
    for place in range(len(marks) - 1, -1, -1):
        if marks[place][0] == name:
            del marks[place]
            return


def _alt(children: list[Token]) -> str:
    return "".join(child.content or (_alt(child.children) if child.children else " ") for child in children if _shown(child))


def _shown(token: Token) -> bool:
    return token.type in ("text", "code_inline", "softbreak", "hardbreak", "image")


def _pairs(tokens: list[Token]) -> dict[int, str]:
    """Places of the mark tags that have a partner, each with its name."""
    waiting: dict[str, list[int]] = {}
    pairs: dict[int, str] = {}
    for place, token in enumerate(tokens):
        found = _TAG.fullmatch(token.content) if token.type == "html_inline" else None
        name = found[2].lower() if found else ""
        if not found or (name not in _MARK_TAGS and name != "a"):
            continue
        if not found[1]:
            waiting.setdefault(name, []).append(place)
        elif waiting.get(name):
            pairs[waiting[name].pop()] = pairs[place] = name
    return pairs


def _tag(source: str, place: int, pairs: dict[int, str], marks: list[tuple[str, Node]]) -> list[Node]:
    if source.startswith("<!--"):
        return []
    found = _TAG.fullmatch(source)
    name = found[2].lower() if found else ""
    if not found:
        return [tree.text(source, *(m for _, m in marks))]
    if place in pairs:
        if found[1]:
            _close(marks, f"<{name}>")
        else:
            marks.append((f"<{name}>", _MARK_TAGS.get(name) or tree.link(_attributes(found[3]).get("href", ""))))
        return []
    if name == "img" and not found[1]:
        attributes = _attributes(found[3])
        return [tree.image(attributes.get("src", ""), attributes.get("alt", ""))]
    if name in _LINE_TAGS:
        return [tree.hard_break()]
    return [] if name in _SILENT_TAGS else [tree.text(source, *(m for _, m in marks))]


def _attributes(source: str) -> dict[str, str]:
    found = _ATTRIBUTE.findall(source)
    return {name.lower(): html.unescape(double or single or bare) for name, double, single, bare in found}


def _with_mentions(nodes: list[Node]) -> list[Node]:
    """Canonical inline content with `@login` as mentions and neutralised text made whole."""
    out: list[Node] = []
    for node in nodes:
        kinds = {m["type"]: m for m in node.get("marks") or ()}
        if node["type"] != "text" or "code" in kinds:
            out.append(node)
        elif "link" in kinds:
            bare = kinds["link"]["attrs"]["href"] == node["text"]
            out.append(node if bare else {**node, "text": restored(node["text"])})
        else:
            out += _split_mentions(node)
    return out


def _split_mentions(node: Node) -> Iterator[Node]:
    last = 0
    for found in MENTION.finditer(node["text"]):
        yield {**node, "text": restored(node["text"][last : found.start()])}
        yield tree.mention(found[1])
        last = found.end()
    yield {**node, "text": restored(node["text"][last:])}
