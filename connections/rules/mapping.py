"""The mapping table: from an Issue to hub values and back. PURE. A row is plain data that a person can read aloud.

Hub values: summary, status, type, priority are strings; description is a document tree; assignee is a hub user name;
labels is a set of strings. The two directions have a value map each, because trackers rarely have the same number of
values; a value that is in neither the map nor the default is *not mapped*: shown, never guessed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

SAME = "="  # a default that means: the same value on both sides


@dataclass(frozen=True)
class Row:
    """`out`: local value -> hub value; `into`: hub value -> local value. Defaults: "" = not mapped, SAME = unchanged."""

    hub: str
    local: str
    out: Mapping[str, str] = field(default_factory=dict)
    out_default: str = SAME
    into: Mapping[str, str] = field(default_factory=dict)
    into_default: str = SAME
    sends: bool = True  # what leaves
    takes: bool = True  # what arrives

    def as_json(self) -> dict[str, Any]:
        return {
            "hub": self.hub,
            "local": self.local,
            "out": dict(self.out),
            "out_default": self.out_default,
            "into": dict(self.into),
            "into_default": self.into_default,
            "sends": self.sends,
            "takes": self.takes,
        }


def row_from_json(doc: Mapping[str, Any]) -> Row:
    """Raises KeyError or TypeError on a shape that as_json never makes."""
    return Row(**{key: doc[key] for key in Row.__dataclass_fields__ if key in doc})


class _NotMapped:
    def __repr__(self) -> str:
        return "NOT_MAPPED"


NOT_MAPPED = _NotMapped()


def to_hub(row: Row, value: str | None) -> Any:
    """The hub value of a local one; None stays None (empty); NOT_MAPPED when the table does not know it."""
    return _through(row.out, row.out_default, value)


def to_local(row: Row, value: str | None) -> Any:
    """The local value wanted for a hub value; None stays None; NOT_MAPPED when the table does not know it."""
    return _through(row.into, row.into_default, value)


def _through(table: Mapping[str, str], default: str, value: str | None) -> Any:
    if value is None or value == "":
        return None
    if value in table:
        return table[value]
    if default == SAME:
        return value
    return default or NOT_MAPPED
