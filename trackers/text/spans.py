"""Marks as nested signs: what writers of Markdown and wiki markup share. PURE."""

from __future__ import annotations

from trackers.text.canonical import Mark, marks_of
from trackers.text.tree import Node


def ends(nodes: list[Node]) -> list[dict[Mark, int]]:
    """For every node and each of its marks, how far to the right the mark goes on."""
    found: list[dict[Mark, int]] = []
    after: dict[Mark, int] = {}
    for place in range(len(nodes) - 1, -1, -1):
        after = {mark: after.get(mark, place) for mark in marks_of(nodes[place])}
        found.append(after)
    return found[::-1]


def is_bare(node: Node) -> bool:
    """A link that is its own text: trackers link the address alone."""
    marks = marks_of(node)
    href = next((mark[1] for mark in marks if mark[0] == "link" and not mark[2]), "")
    code = any(mark[0] == "code" for mark in marks)
    return bool(href) and not code and href == node.get("text") and not href.lower().startswith("mailto:")


class Spans:
    """Opens and closes signs so that they nest; a mark that goes on for longer is opened first."""

    def __init__(self) -> None:
        self.out: list[str] = []
        self.open: list[Mark] = []

    def change(self, marks: dict[Mark, int]) -> None:
        self.close(next((depth for depth, mark in enumerate(self.open) if mark not in marks), len(self.open)))
        for mark in sorted(set(marks) - set(self.open), key=lambda m: (-marks[m], m)):
            self.open.append(mark)
            self.out.append(self.sign(mark, opening=True))

    def close(self, depth: int = 0) -> None:
        while len(self.open) > depth:
            self.out.append(self.sign(self.open.pop(), opening=False))

    def sign(self, mark: Mark, *, opening: bool) -> str:
        raise NotImplementedError

    def in_link(self) -> bool:
        return any(mark[0] == "link" for mark in self.open)

    def at_start(self) -> bool:
        return not self.out or self.out[-1].endswith("\n")
