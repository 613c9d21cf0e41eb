"""Writing: how many calls, which, and all as Atlassian describes them."""

from __future__ import annotations

import time

import pytest

from exalate import errors as e
from trackers.issue import SetChange, User
from trackers.jira_server.connector import JiraServerConnector
from trackers.jira_server.mapping import MARK

from .builders import (
    ALICE,
    T1,
    base,
    comment,
    doc_of,
    found,
    raw_issue,
    status,
    values,
)
from .vendor import Stub


def test_create_is_one_call_with_the_mark_inside(jira: Stub, tracker: JiraServerConnector) -> None:
    jira.on("GET", "/rest/api/2/issue/createmeta/PAY/issuetypes", values({"id": "1", "name": "Task", "subtask": False}))
    jira.on("POST", "/rest/api/2/issue", {"id": "10007", "key": "PAY-7", "self": "http://elsewhere/x"}, status=201)
    alice = User("JIRAUSER10100", "alice")
    fields = {"summary": "s", "description": doc_of("d"), "labels": {"b", "a"}, "assignee": alice, "priority": ""}
    written = tracker.create("PAY", fields, "mark-1")
    tracker.create("PAY", {"summary": "s", "type": "Bug"}, "mark-2")
    tracker.create("PAY", {"summary": "s"}, "mark-3")
    assert jira.made() == ["GET /issue/createmeta/PAY/issuetypes", *["POST /issue"] * 3], "the default type is remembered"
    assert jira.calls[1].body == {
        "fields": {
            "summary": "s",
            "description": "d",
            "labels": ["a", "b"],
            "assignee": {"name": "alice"},
            "issuetype": {"name": "Task"},
            "project": {"key": "PAY"},
        },
        "properties": [{"key": MARK, "value": "mark-1"}],
    }
    assert (written.id, written.key, written.url) == ("10007", "PAY-7", f"{jira.url}/browse/PAY-7")
    assert written.issue is not None
    assert (written.issue.type, written.issue.labels, written.issue.status) == ("Task", {"a", "b"}, "")
    assert jira.calls[2].body["fields"]["issuetype"] == {"name": "Bug"}


def test_a_new_issue_whose_status_is_refused_still_is_told(jira: Stub, tracker: JiraServerConnector) -> None:
    jira.on("POST", "/rest/api/2/issue", {"id": "10007", "key": "PAY-7"}, status=201)
    jira.on("GET", "/rest/api/2/issue/10007", raw_issue("PAY-7", "To Do", ()))
    jira.on("GET", "/rest/api/2/project/PAY/statuses", [{"statuses": [status("Done"), status("To Do")]}])
    written = tracker.create("PAY", {"summary": "s", "type": "Bug", "status": "Done"}, "m")
    assert written.issue is not None
    assert written.issue.status == "To Do"
    jira.on("GET", "/rest/api/2/issue/10007", {"errorMessages": ["down"]}, status=503)
    with pytest.raises(e.Unavailable) as doubtful:
        tracker.create("PAY", {"summary": "s", "type": "Bug", "status": "Done"}, "m")
    assert doubtful.value.in_doubt
    jira.on("GET", "/rest/api/2/issue/10007", raw_issue("PAY-7", "To Do", ("Done",)))
    jira.on("POST", "/rest/api/2/issue/10007/transitions", status=204)
    moved = tracker.create("PAY", {"summary": "s", "type": "Bug", "status": "Done"}, "m").issue
    assert moved is not None
    assert moved.status == "Done"


@pytest.mark.parametrize(("vendor", "ours"), [("issuetype", "type"), ("summary", "summary"), ("customfield_1", "customfield_1")])
def test_a_refused_field_is_named(jira: Stub, tracker: JiraServerConnector, vendor: str, ours: str) -> None:
    jira.on("POST", "/rest/api/2/issue", {"errorMessages": [], "errors": {vendor: "is required."}}, status=400)
    with pytest.raises(e.Rejected) as refused:
        tracker.create("PAY", {"summary": "s", "type": "Task"}, "m")
    assert refused.value.field == ours
    assert "is required." in refused.value.message


def test_fields_are_one_call(jira: Stub, tracker: JiraServerConnector) -> None:
    jira.on("PUT", "/rest/api/2/issue/PAY-1", status=204)
    fields = {"summary": "new", "description": doc_of("d"), "priority": "Low", "labels": SetChange(("b",), ("a",))}
    written = tracker.update("PAY-1", fields, base=base())
    assert jira.made() == ["PUT /issue/PAY-1"]
    assert jira.calls[0].body == {
        "fields": {"summary": "new", "description": "d", "priority": {"name": "Low"}},
        "update": {"labels": [{"add": "b"}, {"remove": "a"}]},
    }
    assert written.issue is not None
    assert (written.issue.summary, written.issue.labels, written.stamp) == ("new", {"b"}, "")


def test_an_empty_change_is_no_call(jira: Stub, tracker: JiraServerConnector) -> None:
    tracker.update("PAY-1", {"labels": SetChange(), "status": "To Do"}, base=base())
    assert jira.made() == []


def test_without_a_snapshot_the_issue_is_read_afterwards(jira: Stub, tracker: JiraServerConnector) -> None:
    jira.on("PUT", "/rest/api/2/issue/PAY-1", status=204)
    jira.on("GET", "/rest/api/2/issue/PAY-1", raw_issue(summary="as it is"))
    written = tracker.update("PAY-1", {"summary": "as sent"})
    assert written.issue is not None
    assert (written.issue.summary, written.stamp) == ("as it is", T1)


def test_an_assignee_is_written_by_login(jira: Stub, tracker: JiraServerConnector) -> None:
    jira.on("PUT", "/rest/api/2/issue/PAY-1", status=204)
    jira.on("GET", "/rest/api/2/user", {**ALICE, "name": "renamed"})
    tracker.update("PAY-1", {"assignee": User("JIRAUSER10100", "alice")}, base=base())
    tracker.update("PAY-1", {"assignee": User("JIRAUSER10100")}, base=base())
    tracker.update("PAY-1", {"assignee": None}, base=base())
    sent = [call.body["fields"]["assignee"] for call in jira.calls if call.method == "PUT"]
    assert sent == [{"name": "alice"}, {"name": "renamed"}, {"name": None}]
    jira.on("GET", "/rest/api/2/user", {"errorMessages": ["no"]}, status=404)
    with pytest.raises(e.Rejected) as refused:
        tracker.update("PAY-1", {"assignee": User("JIRAUSER9", name="Gone")}, base=base())
    assert refused.value.field == "assignee"


def test_comments_are_one_call_each(jira: Stub, tracker: JiraServerConnector) -> None:
    jira.on("POST", "/rest/api/2/issue/PAY-1/comment", comment("5", "hello"), status=201)
    jira.on("PUT", "/rest/api/2/issue/PAY-1/comment/5", comment("5", "bye"))
    jira.on("DELETE", "/rest/api/2/issue/PAY-1/comment/5", status=204)
    written = tracker.comment("PAY-1", doc_of("hello"), mark="m")
    tracker.comment("PAY-1", doc_of("bye"), edit="5", mark="m")
    tracker.remove_comment("PAY-1", "5")
    tracker.remove_comment("PAY-1", "6")
    assert jira.calls[0].body == {"body": "hello", "properties": [{"key": MARK, "value": "m"}]}
    assert jira.calls[1].body == {"body": "bye"}
    assert len(jira.calls) == 4
    assert written.comment is not None
    assert (written.comment.id, written.comment.mark, written.comment.body) == ("5", "m", doc_of("hello"))
    with pytest.raises(e.Unsupported):
        tracker.comment("PAY-1", doc_of("psst"), internal=True)


def test_a_mark_is_looked_for_among_our_own(jira: Stub, tracker: JiraServerConnector) -> None:
    jira.on("POST", "/rest/api/2/search", found(raw_issue("PAY-3"), raw_issue("PAY-2"), raw_issue("PAY-1")))
    jira.on("GET", "/rest/api/2/issue/10002", {**raw_issue("PAY-2"), "properties": {MARK: "wanted"}})
    jira.on("GET", "/rest/api/2/issue/10001", {**raw_issue("PAY-1"), "properties": {MARK: "wanted"}})
    since = round(time.time() * 1000) - 130_000
    written = tracker.find_by_mark("PAY", "wanted", since)  # PAY-3 is gone since it was indexed
    assert written is not None
    assert written.key == "PAY-2"
    jql = jira.calls[0].body["jql"]
    assert 'project = "PAY" AND creator = currentUser() AND created >= "-12m"' in jql
    assert [call.query["properties"] for call in jira.calls[1:]] == [[MARK], [MARK]]
    assert tracker.find_by_mark("PAY", "other", since) is None
    again = tracker.create("PAY", {"summary": "s"}, "wanted", repeat=True)
    assert again.key == "PAY-2", "found, not created"
