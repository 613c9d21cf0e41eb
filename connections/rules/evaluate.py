"""The rules of one end, applied: an Issue to hub values (outgoing), a hub value to what is wanted locally (incoming). PURE.

Rich text crosses as a document tree; a mention crosses only when the user map knows the person, otherwise as text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connections.rules.mapping import NOT_MAPPED, Row, to_hub, to_local
from trackers.issue import Change, Comment, Doc, Issue
from trackers.text.tree import map_mentions

TEXTS = ("description",)
SETS = ("labels",)
COMMENTS = "comments"


@dataclass(frozen=True)
class Unmapped:
    hub: str
    value: str


@dataclass(frozen=True)
class Outgoing:
    """Hub values of one read; None = that part was not read. `unmapped`: values that the table does not know."""

    values: Mapping[str, Any] | None
    sets: Mapping[str, frozenset[str]] | None
    comments: tuple[tuple[Comment, Doc], ...] | None
    unmapped: tuple[Unmapped, ...] = ()


@dataclass(frozen=True)
class Local:
    """What is wanted in the tracker for one hub value; `back`: what the outgoing rules would make of it."""

    field: str = ""
    value: Any = None
    back: Any = None
    problem: str = ""
    ignored: bool = False


class Rules:
    """The mapping table of one end, ready to be used."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self.rows = tuple(rows)
        self._by_hub = {row.hub: row for row in rows}
        self._users = self._by_hub.get("assignee")

    # ------------------------------------------------------------------ outgoing
    def outgoing(self, issue: Issue, *, fields: bool, comments: bool) -> Outgoing:
        values: dict[str, Any] = {}
        sets: dict[str, frozenset[str]] = {}
        unmapped: list[Unmapped] = []
        for row in self.rows if fields else ():
            if row.hub == COMMENTS or not row.sends:
                continue
            if row.hub in SETS:
                sets[row.hub] = frozenset(
                    x for x in (to_hub(row, one) for one in issue.value(row.local) or ()) if isinstance(x, str)
                )
                continue
            value = self._to_hub(row, issue.value(row.local))
            if value is NOT_MAPPED:
                unmapped.append(Unmapped(row.hub, str(comparable(issue.value(row.local)))))
            else:
                values[row.hub] = value
        return Outgoing(
            values if fields else None, sets if fields else None, self._comments(issue) if comments else None, tuple(unmapped)
        )

    def _to_hub(self, row: Row, value: Any) -> Any:
        if row.hub in TEXTS:
            return self.body_to_hub(value)
        return to_hub(row, comparable(value))

    def _comments(self, issue: Issue) -> tuple[tuple[Comment, Doc], ...]:
        row = self._by_hub.get(COMMENTS)
        if row is None or not row.sends:
            return ()
        return tuple((comment, self.body_to_hub(comment.body)) for comment in issue.comments or () if not comment.internal)

    def body_to_hub(self, body: Doc) -> Doc:
        return map_mentions(body, lambda account: self._user(account, to_hub))

    def _user(self, account: str, through: Any) -> str | None:
        mapped = through(self._users, account) if self._users else None
        return mapped if isinstance(mapped, str) else None

    def change(self, change: Change) -> tuple[str, str, Any] | None:
        """An entry of the tracker's history as (hub field, element or "", hub value); None when it is not sent."""
        row = next((row for row in self.rows if row.local == change.field and row.sends), None)
        if row is None or row.hub == COMMENTS:
            return None
        if row.hub in SETS:
            value = to_hub(row, change.new or change.old)
            return (row.hub, value, bool(change.new)) if isinstance(value, str) else None
        value = self._to_hub(row, change.new)
        return None if value is NOT_MAPPED else (row.hub, "", value)

    # ------------------------------------------------------------------ incoming
    def incoming(self, hub: str, value: Any) -> Local:
        """`value`: the hub value; for a set, one element; for comments, a body."""
        row = self._by_hub.get(hub)
        if row is None or not row.takes:
            return Local(ignored=True)
        if hub == COMMENTS or hub in TEXTS:
            body = map_mentions(value, lambda account: self._user(account, to_local)) if value is not None else EMPTY
            return Local(row.local, body, back=value)
        if value is not None and not isinstance(value, str):
            return Local(row.local, problem=f"The partner sent a value for {hub} that is not text.")
        local = to_local(row, value)
        if local is NOT_MAPPED:
            return Local(row.local, problem=f"{hub.capitalize()} “{value}” is not mapped to a value here.")
        back = value if hub in SETS else to_hub(row, local)
        return Local(row.local, local, back=value if back is NOT_MAPPED else back)


EMPTY: Doc = {"type": "doc", "content": []}


def comparable(value: Any) -> Any:
    """A person is compared and mapped by login."""
    return getattr(value, "login", value)
