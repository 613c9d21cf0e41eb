"""Walking to a status over a workflow."""

from __future__ import annotations

from typing import Any

import pytest

from exalate import errors as e
from trackers.jira_server.connector import JiraServerConnector

from .builders import (
    STATUSES,
    base,
    raw_issue,
    status,
)
from .vendor import Call, Stub


def test_a_status_that_the_snapshot_leads_to_is_one_call(jira: Stub, tracker: JiraServerConnector) -> None:
    jira.on("POST", "/rest/api/2/issue/PAY-1/transitions", status=204)
    written = tracker.update("PAY-1", {"status": "Done"}, base=base("To Do", "In Progress", "Done"))
    assert jira.made() == ["POST /issue/PAY-1/transitions"]
    assert jira.calls[0].body == {"transition": {"id": "11"}}
    assert written.issue is not None
    assert (written.issue.status, written.issue.raw) == ("Done", None)


class Workflow:
    """An issue that moves along edges."""

    def __init__(self, jira: Stub, stands: str, edges: dict[str, tuple[str, ...]]) -> None:
        self.stands, self.edges, self.way = stands, edges, [stands]
        jira.on("GET", "/rest/api/2/issue/PAY-1", lambda call: (200, raw_issue("PAY-1", self.stands, self.edges[self.stands])))
        jira.on("GET", "/rest/api/2/project/PAY/statuses", [{"statuses": [status(name) for name in STATUSES]}])
        jira.on("POST", "/rest/api/2/issue/PAY-1/transitions", self.move)

    def move(self, call: Call) -> tuple[int, Any]:
        index = int(call.body["transition"]["id"]) - 10
        if index >= len(self.edges[self.stands]):
            return 400, {
                "errorMessages": ["It seems that you have tried to perform a workflow operation that is not valid"],
                "errors": {},
            }
        self.stands = self.edges[self.stands][index]
        self.way.append(self.stands)
        return 204, None


def test_several_steps_are_walked(jira: Stub, tracker: JiraServerConnector) -> None:
    edges = {"To Do": ("In Progress",), "In Progress": ("To Do", "In Review"), "In Review": ("Done",), "Done": ()}
    flow = Workflow(jira, "To Do", edges)
    tracker.update("PAY-1", {"status": "Done"}, base=base("To Do", "In Progress"))
    assert flow.way == ["To Do", "In Progress", "In Review", "Done"]


def test_an_old_snapshot_is_looked_at_again(jira: Stub, tracker: JiraServerConnector) -> None:
    flow = Workflow(jira, "In Progress", {"In Progress": ("Done",), "Done": ()})
    tracker.update("PAY-1", {"status": "Done"}, base=base("To Do", "In Progress", "Done"))  # id 11 is no more
    assert flow.way == ["In Progress", "Done"]
    flow = Workflow(jira, "Done", {"Done": ()})
    tracker.update("PAY-1", {"status": "Done"}, base=base("To Do", "In Progress"))
    assert flow.way == ["Done"], "a person was faster"


@pytest.mark.parametrize(
    ("edges", "way"),
    [
        ({"To Do": ()}, ["To Do"]),
        ({"To Do": ("In Progress",), "In Progress": ("To Do",)}, ["To Do", "In Progress"]),
        (
            {"To Do": ("In Progress",), "In Progress": ("In Review",), "In Review": ("In Progress",)},
            ["To Do", "In Progress", "In Review"],
        ),
    ],
)
def test_a_status_out_of_reach_is_refused_with_what_there_is(
    jira: Stub, tracker: JiraServerConnector, edges: dict[str, tuple[str, ...]], way: list[str]
) -> None:
    flow = Workflow(jira, "To Do", edges)
    with pytest.raises(e.Rejected) as refused:
        tracker.update("PAY-1", {"status": "Done"}, base=base("To Do"))
    assert flow.way == way
    message = refused.value.message
    assert refused.value.field == "status"
    assert 'PAY-1 cannot go from "To Do" to "Done"' in message
    assert all(f'"to {name}"' in message for name in edges[way[-1]])


def test_a_status_that_the_project_does_not_have_moves_nothing(jira: Stub, tracker: JiraServerConnector) -> None:
    flow = Workflow(jira, "To Do", {"To Do": ("In Progress",)})
    with pytest.raises(e.Rejected):
        tracker.update("PAY-1", {"status": "Verified"}, base=base("To Do", "In Progress"))
    assert flow.way == ["To Do"]


def test_a_transition_that_asks_for_more_is_refused_as_status(jira: Stub, tracker: JiraServerConnector) -> None:
    Workflow(jira, "To Do", {"To Do": ("Done",)})
    answer = {"errorMessages": [], "errors": {"resolution": "Resolution is required."}}
    jira.on("POST", "/rest/api/2/issue/PAY-1/transitions", answer, status=400)
    with pytest.raises(e.Rejected) as refused:
        tracker.update("PAY-1", {"status": "Done"}, base=base("To Do", "Done"))
    assert refused.value.field == "status"
    assert "Resolution is required." in refused.value.message
    assert '"to Done"' in refused.value.message
