"""The way to a status, transition by transition."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from trackers.jira_server.workflow import Transition, direct, distance, next_step, offers, transitions_from

PAYLOADS = Path(__file__).parent / "payloads"
NEW, ACTIVE, DONE = 0, 1, 2


def to(status: str, rank: int = ACTIVE, id: str = "1") -> Transition:
    return Transition(id, f"go to {status}", status, rank)


def test_recorded_transitions() -> None:
    found = transitions_from(json.loads((PAYLOADS / "transitions__four.json").read_text()))
    assert [(transition.id, transition.to) for transition in found] == [
        ("21", "Open"),
        ("41", "Reviewable"),
        ("71", "Resolved"),
        ("101", "Accepted"),
    ]
    assert direct(found, "Resolve") is None, "the name of a transition is not the name of its status"
    assert transitions_from(None) == transitions_from({}) == ()


def test_of_two_ways_the_one_that_asks_nothing() -> None:
    done = {"name": "Done", "statusCategory": {"key": "done"}}
    asks = {"resolution": {"required": True, "hasDefaultValue": False}}
    raw = [
        {"id": "31", "name": "Close", "to": done, "fields": asks},
        {"id": "41", "name": "Done", "to": done, "fields": {}},
        {"id": "5", "name": "Finish", "to": done},
        {"id": "51", "name": "Anywhere", "to": done, "isGlobal": True},
    ]
    assert [transition.id for transition in transitions_from({"transitions": raw})] == ["51", "5", "41", "31"]


def step(offered: list[Transition], wanted: str, here: int, there: int, **more: object) -> str | None:
    found = next_step(offered, wanted, **{"visited": set(), "edges": {}, "here": here, "there": there, **more})  # type: ignore[arg-type]
    return found.to if found else None


@pytest.mark.parametrize(
    ("offered", "wanted", "here", "there", "more", "taken"),
    [
        ([to("A"), to("Done", DONE)], "Done", NEW, DONE, {}, "Done"),
        ([to("In Progress")], "Done", NEW, DONE, {}, "In Progress"),
        ([to("Blocked", NEW, "1"), to("In Progress", ACTIVE, "9")], "Done", NEW, DONE, {}, "In Progress"),
        ([to("Cancelled", DONE)], "In Progress", NEW, ACTIVE, {}, None),  # past the goal: not tried
        ([to("To Do", NEW)], "Done", ACTIVE, DONE, {}, None),  # away from the goal
        ([to("In Progress")], "Done", NEW, DONE, {"visited": {"In Progress"}}, None),
        ([to("A", id="1"), to("B", id="2")], "Done", NEW, DONE, {"edges": {"B": {"Done"}}}, "B"),
        ([to("A", id="1"), to("B", id="2")], "Done", NEW, DONE, {"edges": {"A": {"X"}, "X": {"Done"}, "B": {"Done"}}}, "B"),
        ([to("A")], "Done", NEW, DONE, {"edges": {"A": {"B"}}}, None),  # known not to lead there
        ([], "Done", NEW, DONE, {}, None),
    ],
)
def test_the_step_to_take(
    offered: list[Transition], wanted: str, here: int, there: int, more: dict[str, object], taken: str | None
) -> None:
    assert step(offered, wanted, here, there, **more) == taken


def test_distance_goes_round_what_was_visited() -> None:
    edges = {"A": {"B", "C"}, "B": {"Done"}, "C": {"D"}, "D": {"Done"}}
    assert distance(edges, "A", "Done", set()) == 2
    assert distance(edges, "A", "Done", {"B"}) == 3
    assert distance(edges, "A", "Nowhere", set()) == -1
    assert distance({"A": {"A"}}, "A", "B", set()) == -1


def test_what_is_offered_in_words() -> None:
    assert offers([to("Done")]) == '"go to Done" (to "Done")'
    assert offers([]) == "nothing"
