"""The canonical issue and its parts, as every tracker is read into and written from. PURE.

Times are milliseconds since 1970 UTC (int). Rich text is a document tree (`trackers/text/tree.py`). Vendor JSON
never leaves a connector except in `raw`, which only the same connector looks at.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntFlag
from typing import Any

Doc = dict[str, Any]  # {"type": "doc", "content": [...]}: see trackers/text/tree.py


class Parts(IntFlag):
    """What of an issue is read, or is said to have changed."""

    NONE = 0
    FIELDS = 1
    COMMENTS = 2
    HISTORY = 4  # who changed which field from what to what
    MARKS = 8  # our own marks on comments, where reading them costs more (recovery)
    ALL = 3  # fields and comments: what a complete observation needs


@dataclass(frozen=True)
class User:
    """`id` is what the tracker never changes (Jira key, GitHub numeric id); `login` is what is sent in writes."""

    id: str
    login: str = ""
    name: str = ""
    email: str = ""


@dataclass(frozen=True)
class Comment:
    id: str
    body: Doc
    author: User | None = None
    created: int = 0
    updated: int = 0
    internal: bool = False
    mark: str = ""  # our own mark, when we wrote it and the mark was read


@dataclass(frozen=True)
class Change:
    """One entry of the tracker's own history. `field` is a canonical field name; labels: one entry an element,
    `field` "labels", `old`/`new` the element or ""."""

    field: str
    old: Any
    new: Any
    by: User | None
    at: int
    id: str = ""


@dataclass(frozen=True)
class Issue:
    """A snapshot. `comments` is None when they were not read; () when there are none."""

    id: str  # the tracker's immutable id
    key: str  # what people see and what addresses it: PAY-12, acme/demo#12
    url: str = ""
    project: str = ""
    summary: str = ""
    description: Doc = field(default_factory=lambda: {"type": "doc", "content": []})
    status: str = ""
    type: str = ""
    priority: str = ""
    assignee: User | None = None
    labels: frozenset[str] = frozenset()
    custom: Mapping[str, Any] = field(default_factory=dict)
    comments: tuple[Comment, ...] | None = ()
    history: tuple[Change, ...] | None = None  # oldest first; None when it was not read
    author: User | None = None
    created: int = 0
    updated: int = 0
    stamp: str = ""  # the tracker's own version or time of the snapshot, as it gave it
    mark: str = ""  # our own mark, when we created it and the mark was read
    parts: Parts = Parts.ALL
    raw: Any = field(default=None, compare=False, repr=False)

    def value(self, name: str) -> Any:
        """The field called `name`, canonical or custom; None when the tracker does not have it."""
        if name in CANONICAL:
            return getattr(self, name)
        return self.custom.get(name)


CANONICAL = ("summary", "description", "status", "type", "priority", "assignee", "labels")


@dataclass(frozen=True)
class SetChange:
    """What is added to and removed from a set-valued field; everything else in it is left alone."""

    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
