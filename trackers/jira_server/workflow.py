"""Which transition to take on the way to a status. PURE. The walking itself is in connector.py.

Every step really happens (people are notified, automations run), so nothing is tried out at random: a step is taken
when it leads to the wanted status, when edges seen before lead on from there, or, lacking those, when it stays between
the category where the issue is and the category where it is going. No status is visited twice."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from typing import Any

from trackers.jira_server.mapping import status_from

MAX_STEPS = 5
RANK = {"new": 0, "active": 1, "done": 2}
Edges = Mapping[str, Set[str]]


@dataclass(frozen=True)
class Transition:
    id: str
    name: str
    to: str
    rank: int
    everywhere: bool = False
    asks: bool = False  # its screen has a required field

    @property
    def order(self) -> tuple[bool, bool, int]:
        """Between equals: no required fields, global, lowest id."""
        return (self.asks, not self.everywhere, int(self.id) if self.id.isdigit() else 0)


def transitions_from(raw: Any) -> tuple[Transition, ...]:
    """Those the proxy user may run now, best first. The name of a transition is not the name of its status."""
    found = []
    for entry in (raw or {}).get("transitions") or ():
        status = status_from(entry["to"])
        asks = any(field.get("required") and not field.get("hasDefaultValue") for field in (entry.get("fields") or {}).values())
        everywhere = bool(entry.get("isGlobal"))
        found.append(Transition(str(entry["id"]), entry.get("name") or "", status.name, RANK[status.category], everywhere, asks))
    return tuple(sorted(found, key=lambda transition: transition.order))


def direct(offered: Iterable[Transition], wanted: str) -> Transition | None:
    return next((transition for transition in offered if transition.to == wanted), None)


def next_step(
    offered: Iterable[Transition], wanted: str, *, visited: Set[str], edges: Edges, here: int, there: int
) -> Transition | None:
    """The step to take now, or None. `here`, `there`: ranks of the category of the present and of the wanted status."""
    fresh = [transition for transition in offered if transition.to not in visited]
    if (step := direct(fresh, wanted)) is not None:
        return step
    known = [(distance(edges, transition.to, wanted, visited), transition.order, transition) for transition in fresh]
    reachable = [entry for entry in known if 0 <= entry[0] < MAX_STEPS]
    if reachable:
        return min(reachable, key=lambda entry: entry[:2])[2]
    low, high = min(here, there), max(here, there)
    unknown = [transition for transition in fresh if transition.to not in edges and low <= transition.rank <= high]
    return min(unknown, key=lambda transition: (abs(transition.rank - there), transition.order), default=None)


def distance(edges: Edges, start: str, wanted: str, visited: Set[str]) -> int:
    """Steps from `start` to `wanted` over edges seen before; -1 when they do not lead there."""
    queue, seen = deque([(start, 0)]), {start, *visited}
    while queue:
        status, steps = queue.popleft()
        if status == wanted:
            return steps
        for following in sorted(edges.get(status, frozenset()) - seen):
            seen.add(following)
            queue.append((following, steps + 1))
    return -1


def offers(offered: Iterable[Transition]) -> str:
    """For a person: what the workflow allows."""
    return ", ".join(f'"{transition.name}" (to "{transition.to}")' for transition in offered) or "nothing"
