"""Inline Jira wiki markup to nodes. PURE, linear in the length of the text: one pass of tokens, one stack of openers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html.entities import html5

from trackers.text import tree
from trackers.text.canonical import URL, safe_href, safe_src, trimmed_url
from trackers.text.tree import Node

MARKS = {
    "*": tree.mark("strong"),
    "_": tree.mark("em"),
    "-": tree.mark("strike"),
    "+": tree.mark("underline"),
    "^": tree.subsup("sup"),
    "~": tree.subsup("sub"),
}
ICONS = {
    "/": "✅",
    "x": "❌",
    "!": "⚠️",
    "i": "ℹ️",
    "?": "❓",
    "y": "👍",
    "n": "👎",
    "*": "⭐",
    "+": "➕",
    "-": "➖",
    "on": "💡",
    "off": "🌑",
}
_SMART = ("smart-link", "smart-card", "smart-embed")

# Possessive where something repeats: a token that does not end is given up at once, never tried again in another way.
_TOKEN = re.compile(
    r"""
      (?P<escape> \\[!-/:-@\[\]-`{-~] )
    | (?P<break> \\\\ )
    | (?P<entity> &(?:\#\d{1,7}|\#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31}); )
    | (?P<newline> \n )
    | \{\{ (?P<mono> (?: \\[^\n] | [^\\\n{}] | \}(?!\}) | \{(?!\{) )++ ) \}\}
    | \{ (?P<braced> [*_\-+^~] ) \}
    | (?P<dropped> \{(?:color|anchor)(?::[^{}\n]*+)?\} )
    | \[ (?P<link> (?: \\[^\n] | [^\[\]\n\\] )++ ) \]
    | ! (?P<image> (?: \\[^\n] | [^!\n\\] )++ ) !
    | (?P<url> (?<![A-Za-z0-9])https?://(?=\w) )
    | \( (?P<icon> (?-i:on|off|[/x!i?yn*+-]) ) \)
    | (?P<sign> [*_\-+^~] )
    """,
    re.VERBOSE | re.IGNORECASE,
)
_PLAIN = re.compile(r"\\\\|\\([!-/:-@\[\]-`{-~])|&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_IMAGE = re.compile(r"(?:https?://\S+|[^\s/\\:*?\"<>|][^\n/\\:*?\"<>|]*\.[A-Za-z][A-Za-z0-9]{1,4})", re.IGNORECASE)
FILE = re.compile(r"\^[^\s|\[\]\\{}][^|\[\]\\{}\n]*")
USER = re.compile(r"~[^\s|\[\]\\]+(?: [^\s|\[\]\\]+)*")


@dataclass
class _Sign:
    """A mark's sign. `role`: "" while it is only text, then "open" or "close"."""

    char: str
    source: str
    role: str = ""


def inline(source: str) -> list[Node]:
    """Nodes of any text, canonical; never raises."""
    return tree.inline(_marked(_Tokens(source, links=True).run()))


def literal(source: str) -> str:
    """Text without its escapes, where nothing else is markup."""
    return _PLAIN.sub(lambda m: m[1] or (m[0] if m[0] == "\\\\" else decoded(m[0])), source)


def decoded(entity: str) -> str:
    """The character of `&name;` or `&#number;`; the source where there is none."""
    body = entity[1:-1]
    if body[0] != "#":
        return html5.get(f"{body};", entity)
    number = int(body[2:], 16) if body[1] in "xX" else int(body[1:])
    return chr(number) if 0 < number < 0x110000 else entity


class _Tokens:
    def __init__(self, source: str, *, links: bool) -> None:
        self.source, self.links = source, links
        self.out: list[Node | _Sign] = []
        self.openers: list[_Sign] = []
        self.waiting: dict[str, int] = {}  # openers on the stack, by source

    def run(self) -> list[Node | _Sign]:
        at = 0
        while found := _TOKEN.search(self.source, at):
            self.text(self.source[at : found.start()])
            at = self.take(found)
        self.text(self.source[at:])
        return self.out

    def text(self, value: str) -> None:
        if value:
            self.out.append(tree.text(value))

    def take(self, found: re.Match[str]) -> int:
        """Takes one token; where the next one may begin."""
        kind, value = str(found.lastgroup), str(found[found.lastgroup or 0])
        if kind == "escape":
            self.text(value[1])
        elif kind == "entity":
            self.text(decoded(value))
        elif kind in ("break", "newline"):
            self.out.append(tree.hard_break())
            self.openers, self.waiting = [], {}
        elif kind == "mono":
            self.out.append(tree.text(literal(value), tree.mark("code")))
        elif kind == "braced":
            self.sign(_Sign(value, found[0]), can_open=True, can_close=True)
        elif kind == "sign":
            self.flanked(found, value)
        elif kind == "icon":
            self.text(found[0] if self.after_word() else ICONS[value])
        elif kind in ("link", "image", "url"):
            return self.special(kind, value, found)
        return found.end()

    def special(self, kind: str, value: str, found: re.Match[str]) -> int:
        nodes: list[Node] = []
        end = found.end()
        if kind == "url":
            nodes, end = self.url(found.start())
        elif kind == "link":
            nodes = _link(value) if self.links else []
        elif not self.after_word():
            nodes = _image(value)
        if not nodes:
            self.text(found[0][0])
            return found.start() + 1
        self.out += nodes
        return end

    def url(self, start: int) -> tuple[list[Node], int]:
        found = URL.match(self.source, start)
        url = trimmed_url(found[0]) if found else ""
        return ([tree.text(url, tree.link(url))] if url and self.links else [tree.text(url)] if url else []), start + len(url)

    def after_word(self) -> bool:
        """Whether plain text that ends in a letter or digit stands right before."""
        before = self.out[-1] if self.out else {}
        return not isinstance(before, _Sign) and "marks" not in before and bool(before.get("text", " ")[-1].isalnum())

    def flanked(self, found: re.Match[str], char: str) -> None:
        after = self.source[found.end() : found.end() + 1]
        before = self.source[found.start() - 1 : found.start()] if found.start() else ""
        can_open = not before.isalnum() and bool(after) and not after.isspace() and after != char
        can_close = bool(before) and not before.isspace() and not after.isalnum()
        self.sign(_Sign(char, char), can_open, can_close)

    def sign(self, sign: _Sign, can_open: bool, can_close: bool) -> None:
        self.out.append(sign)
        if can_close and self.waiting.get(sign.source):
            while True:
                opener = self.openers.pop()
                self.waiting[opener.source] -= 1
                if opener.source == sign.source:
                    break
            opener.role, sign.role = "open", "close"
        elif can_open:
            self.openers.append(sign)
            self.waiting[sign.source] = self.waiting.get(sign.source, 0) + 1


def _marked(parts: list[Node | _Sign]) -> list[Node]:
    """Text nodes with the marks that are open around them; signs without a partner are text."""
    active: dict[str, int] = {}
    out: list[Node] = []
    for part in parts:
        if isinstance(part, _Sign):
            if not part.role:
                out.append(tree.text(part.source, *(MARKS[c] for c, n in active.items() if n)))
            else:
                active[part.char] = active.get(part.char, 0) + (1 if part.role == "open" else -1)
        elif part["type"] == "text":
            marks = [*(part.get("marks") or ()), *(MARKS[c] for c, n in active.items() if n)]
            out.append(tree.text(part["text"], *marks))
        else:
            out.append(part)
    return out


# ---------------------------------------------------------------------- links and images
def cut(source: str, sign: str = "|") -> list[str]:
    """The source cut at every sign that is not escaped."""
    parts, last = [], 0
    for found in re.finditer(rf"\\.|{re.escape(sign)}", source, re.DOTALL):
        if found[0] == sign:
            parts.append(source[last : found.start()])
            last = found.end()
    return [*parts, source[last:]]


def _link(source: str) -> list[Node]:
    """[text|address|title], [address], [~user], [^file]; nothing when it is none of these."""
    first, *rest = cut(source)
    if not rest:
        return _short_link(first.strip())
    shown = _marked(_Tokens(first, links=False).run())
    address, title = literal(rest[0]).strip(), literal(rest[1]).strip() if len(rest) > 1 else ""
    if not safe_href(address):
        return shown if re.match(r"[A-Za-z][A-Za-z0-9+.\-]*:", address) else []
    found = tree.link(address, "" if title in _SMART else title)
    return [{**node, "marks": [*(node.get("marks") or ()), found]} if node["type"] == "text" else node for node in shown]


def _short_link(source: str) -> list[Node]:
    if USER.fullmatch(source):
        return [tree.mention(source[1:])]
    if FILE.fullmatch(source):
        return [tree.raw("wiki", f"[{source}]")]
    address = literal(source)
    if not safe_href(address):
        return []
    shown = address[len("mailto:") :] if address[:7].lower() == "mailto:" else address
    return [tree.text(shown, tree.link(address))]


def _image(source: str) -> list[Node]:
    """!name.png|alt=text!: the parameters are parted by commas, only the alternative text is kept."""
    name, *rest = cut(source)
    if not is_image(name) or len(rest) > 1:
        return []
    pairs = (part.partition("=") for part in cut(rest[0] if rest else "", ","))
    alt = next((value for key, _, value in pairs if key.strip().lower() == "alt"), "")
    return [tree.image(name, literal(alt.strip()))]


def is_image(name: str) -> bool:
    """Whether `!name!` is an image in this markup: an address, or a file name with an ending."""
    return bool(_IMAGE.fullmatch(name)) and bool(safe_src(name)) and not re.search(r"[!|\\\n]", name)
