"""Text that GitHub would bring to life is broken by a zero-width space, and made whole again on reading. PURE.

`@name` mails people, `#12`, `GH-12` and `owner/repo#12` link issues, "fixes <address>" closes one. `restored` undoes
`neutralised` exactly, also for text that held such spaces before: they are counted up by one, and down by one.
"""

from __future__ import annotations

import re

ZERO = "\u200b"
ISSUE_ADDRESS = re.compile(r"/(?:issues|pull|discussions)/\d+", re.IGNORECASE)
MENTION = re.compile(
    r"(?<![A-Za-z0-9_@/])@([A-Za-z0-9][A-Za-z0-9\-]{0,38}(?<!-)(?:_[A-Za-z0-9]{1,20})?)(?![A-Za-z0-9_\-/@]|\.[A-Za-z0-9_])"
)
LOGIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9\-]{0,38}(?<!-)(?:_[A-Za-z0-9]{1,20})?")

_AT = re.compile(rf"(?P<word>[A-Za-z0-9_])?@(?P<zeros>{ZERO}*)(?=[A-Za-z0-9])")
_NUMBER = re.compile(rf"(#|(?<![A-Za-z0-9_])gh-)({ZERO}*)(?=\d)", re.IGNORECASE)
_KEYWORD = re.compile(rf"(?<![A-Za-z0-9_])([cfr])({ZERO}*)(lose[sd]?|ix(?:e[sd])?|esolve[sd]?)(?![A-Za-z0-9_])", re.IGNORECASE)


def neutralised(text: str, *, keywords: bool = False) -> str:
    """`keywords`: closing keywords too, for text that stands beside the address of an issue."""
    text = _AT.sub(_break_at, text)
    text = _NUMBER.sub(lambda m: m[1] + m[2] + ZERO, text)
    return _KEYWORD.sub(lambda m: m[1] + m[2] + (ZERO if keywords or m[2] else "") + m[3], text)


def _break_at(match: re.Match[str]) -> str:
    word, zeros = match["word"] or "", match["zeros"]
    return f"{word}@{zeros}{'' if word and not zeros else ZERO}"


def restored(text: str) -> str:
    if ZERO not in text:
        return text
    text = _AT.sub(lambda m: f"{m['word'] or ''}@{m['zeros'][1:]}", text)
    text = _NUMBER.sub(lambda m: m[1] + m[2][1:], text)
    return _KEYWORD.sub(lambda m: m[1] + m[2][1:] + m[3], text)
