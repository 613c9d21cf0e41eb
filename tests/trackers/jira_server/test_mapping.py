"""Jira's JSON as issues, and issues as Jira's JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from exalate.errors import Rejected
from trackers.issue import Change, Issue, Parts, SetChange, User
from trackers.jira_server import mapping

from .builders import ALICE, MS, PROXY, T0, T1, T2, T3, doc_of, history
from .vendor import CONTRACTS

PAYLOADS = Path(__file__).parent / "payloads"
RUBY = CONTRACTS / "samples" / "rest" / "jira-ruby"


def payload(name: str) -> Any:
    return json.loads((PAYLOADS / f"{name}.json").read_text())


def ruby(name: str) -> Any:
    if not (RUBY / name).exists():
        pytest.skip(f"the recorded answers are not here: {RUBY.name}")
    return json.loads((RUBY / name).read_text())


def test_an_issue_of_2011() -> None:
    issue = mapping.issue_from(payload("issue__2011"), "https://jira.example.com/jira", Parts.FIELDS)
    assert (issue.id, issue.key, issue.project) == ("10002", "SAMPLEPROJECT-1", "SAMPLEPROJECT")
    assert (issue.summary, issue.status, issue.type, issue.priority) == ("Sample Issue", "Open", "Task", "Major")
    assert issue.assignee == User("admin", "admin", "Sample User 7", "user7@example.com")
    assert issue.url == "https://jira.example.com/jira/browse/SAMPLEPROJECT-1", "the admin's address, not the JSON's"
    assert issue.updated == 1323811566030  # 2011-12-14T10:26:06.030+1300
    assert (issue.stamp, issue.comments, issue.history) == ("2011-12-14T10:26:06.030+1300", None, None)
    assert issue.description == {"type": "doc", "content": []} or issue.description["content"] == []


def test_recorded_comments_and_users() -> None:
    comments = [mapping.comment_from(raw) for raw in ruby("issue__10002__comment.json")["comments"]]
    assert [(comment.id, comment.internal) for comment in comments] == [("10000", False), ("10001", False)]
    assert comments[0].updated - comments[0].created > 0
    assert mapping.comment_from(ruby("issue__10002__comment.post.json")).id == "10001"
    assert {mapping.status_from(raw).category for raw in ruby("status.json")} <= {"new", "active", "done"}


def test_comments_that_only_some_may_see_are_internal() -> None:
    plain = {"id": "1", "body": "x"}
    note = {"key": "sd.public.comment", "value": {"internal": True}}
    shown = {"key": "sd.public.comment", "value": {"internal": False}}
    cases = [
        ({}, False),
        ({"visibility": {"type": "role", "value": "Developers"}}, True),
        ({"properties": [note]}, True),
        ({"properties": [shown]}, False),
        ({"jsdPublic": False}, True),
        ({"jsdPublic": True}, False),
    ]
    assert [mapping.comment_from({**plain, **extra}).internal for extra, _ in cases] == [wanted for _, wanted in cases]


def test_history_in_our_words() -> None:
    changelog = {
        "histories": [
            history({"field": "assignee", "from": "JIRAUSER10100", "fromString": "Alice", "to": None, "toString": None}, at=T2),
            history(
                {"field": "summary", "fromString": "a", "toString": "b"},
                {"field": "labels", "fromString": "one two", "toString": "two three"},
                {"field": "issuetype", "fromString": "Bug", "toString": "Task"},
                {"field": "description", "fromString": None, "toString": "text"},
                {"field": "Sprint", "fromString": "", "toString": "S1"},
            ),
        ]
    }
    alice = mapping.user_from(ALICE)
    at = MS + 1000
    told = list(mapping.history_from(changelog))
    assert told[:4] == [
        Change("summary", "a", "b", alice, at, "7"),
        Change("labels", "one", "", alice, at, "7"),
        Change("labels", "", "three", alice, at, "7"),
        Change("type", "Bug", "Task", alice, at, "7"),
    ]
    assert (told[4].field, told[4].new) == ("description", doc_of("text"))
    assert (told[5].field, told[5].new) == ("Sprint", "S1")
    assert (told[6].old, told[6].new) == (User("JIRAUSER10100", "JIRAUSER10100", "Alice"), None)


def polled(*histories: dict[str, Any], updated: str = T1, comments: tuple[Any, ...] = ()) -> dict[str, Any]:
    fields = {"created": T0, "creator": ALICE, "updated": updated, "comment": {"comments": list(comments)}}
    return {"id": "1", "key": "PAY-1", "fields": fields, "changelog": {"histories": list(histories)}}


def author(raw: dict[str, Any], since: int) -> str | None:
    found = mapping.last_author(raw, since)
    return found.login if found else None


def test_a_polled_change_is_somebodys_only_when_all_of_it_is() -> None:
    summary = {"field": "summary", "fromString": "a", "toString": "b"}
    ours, hers = history(summary, by=PROXY), history(summary, at=T1, entry="8")
    comment = {"id": "5", "author": ALICE, "updateAuthor": PROXY, "created": T1, "updated": T2}
    assert author(polled(ours), MS + 1) == "proxy"
    assert author(polled(ours), MS) is None, "her creation is in it"
    assert author(polled(ours, hers), MS + 1) is None
    assert author(polled(updated=T0), MS) == "alice"
    assert author(polled(ours, updated=T3), MS + 1) is None, "the newest change is nobody's that we see"
    assert author(polled(updated=T2, comments=(comment,)), MS + 2000) == "proxy"
    assert author(polled(updated=T2, comments=(comment,)), MS + 1) is None
    assert author(polled(), MS + 5000) is None


def test_the_body_of_a_write() -> None:
    fields = {
        "summary": "s",
        "description": doc_of("d"),
        "type": "Bug",
        "priority": "",
        "assignee": User("JIRAUSER10100", "alice"),
        "labels": SetChange(add=("b", "a"), remove=("c",)),
        "status": "Done",
    }
    assert mapping.body_of(fields) == {
        "fields": {
            "summary": "s",
            "description": "d",
            "issuetype": {"name": "Bug"},
            "priority": None,
            "assignee": {"name": "alice"},
        },
        "update": {"labels": [{"add": "a"}, {"add": "b"}, {"remove": "c"}]},
    }
    assert mapping.body_of({"assignee": None, "description": {"type": "doc", "content": []}}) == {
        "fields": {"assignee": {"name": None}, "description": None}
    }
    assert mapping.body_of({"labels": SetChange(add=("a",))}) == {"update": {"labels": [{"add": "a"}]}}


@pytest.mark.parametrize("label", ["two words", "tab\there", "", "no\u00a0break"])
def test_a_label_with_a_space_is_refused_by_its_name(label: str) -> None:
    for value in ({label}, SetChange(add=(label,))):
        with pytest.raises(Rejected) as refused:
            mapping.body_of({"labels": value})
        assert refused.value.field == "labels"
        assert label in refused.value.message


def test_a_label_that_stands_is_removed_even_if_odd() -> None:
    assert mapping.body_of({"labels": SetChange(remove=("two words",))}) == {"update": {"labels": [{"remove": "two words"}]}}


def test_a_field_that_jira_has_no_place_for_is_refused() -> None:
    with pytest.raises(Rejected) as refused:
        mapping.body_of({"severity": "high"})
    assert refused.value.field == "severity"


def test_what_stands_after_a_write() -> None:
    base = Issue("1", "PAY-1", labels=frozenset({"old", "hers"}), priority="High", comments=(), raw={"a": 1})
    issue = mapping.settled(base, {"summary": " s ", "labels": SetChange(("new",), ("old",)), "priority": None, "assignee": None})
    assert (issue.summary, issue.labels, issue.priority, issue.assignee) == ("s", {"new", "hers"}, "", None)
    assert (issue.comments, issue.parts) == (None, Parts.FIELDS)
