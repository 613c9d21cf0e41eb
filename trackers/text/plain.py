"""Plain text as a leg: paragraphs, line breaks and bare addresses; everything else is only shown. PURE."""

from __future__ import annotations

import re

from trackers.text import tree

_BLANK_LINES = re.compile(r"\n[^\S\n]*\n\s*")


def from_plain(text: str) -> tree.Doc:
    """Blank lines part paragraphs; other line ends are line breaks."""
    return tree.normalise(tree.doc(*(tree.paragraph(part) for part in _BLANK_LINES.split(tree.clean(text)))))


def to_plain(document: tree.Doc) -> str:
    return tree.plain(document)
