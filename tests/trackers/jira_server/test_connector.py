"""Log-in, set-up and reading: how many calls, which, and all as Atlassian describes them."""

from __future__ import annotations

from typing import Any

import pytest

from exalate import errors as e
from trackers.issue import Issue, Parts
from trackers.jira_server.connector import JiraServerConnector
from trackers.jira_server.mapping import MARK

from .builders import (
    ALICE,
    PROXY,
    comment,
    found,
    raw_issue,
    status,
    values,
)
from .vendor import Call, Stub, problems

FIELDS = "summary,description,status,issuetype,priority,assignee,labels,project,creator,created,updated"


# ---------------------------------------------------------------------- the instance
def test_check_lists_the_permissions_one_by_one(jira: Stub, tracker: JiraServerConnector) -> None:
    jira.on("GET", "/rest/api/2/serverInfo", {"version": "10.3.2", "deploymentType": "Server"})
    jira.on("GET", "/rest/api/2/myself", {**PROXY, "timeZone": "Europe/Brussels", "groups": {"items": [{"name": "jira-users"}]}})
    granted = {
        key: {"key": key, "havePermission": key != "DELETE_OWN_COMMENTS"} for key in ("CREATE_ISSUES", "DELETE_OWN_COMMENTS")
    }
    jira.on("GET", "/rest/api/2/mypermissions", {"permissions": granted})
    account = tracker.check("PAY")
    assert jira.made() == ["GET /serverInfo", "GET /myself", "GET /mypermissions"]
    assert jira.calls[2].query == {"projectKey": ["PAY"]}
    assert jira.calls[0].headers["Authorization"] == "Bearer sandbox-proxy"
    assert (account.user.login, account.version, account.is_admin) == ("proxy", "10.3.2", False)
    lines = {line.name: line for line in account.permissions}
    assert lines["Create issue"].granted is True
    assert lines["Comments: delete"].granted is False
    assert "PAY" in lines["Comments: delete"].fix
    assert lines["Security level"].granted is None
    assert lines["Register webhooks"].granted is False
    assert len(account.permissions) >= 15


@pytest.mark.parametrize(
    ("permissions", "groups"), [({"ADMINISTER": {"havePermission": True}}, []), ({}, [{"name": "jira-administrators"}])]
)
def test_an_administrators_account_is_known(jira: Stub, tracker: JiraServerConnector, permissions: Any, groups: Any) -> None:
    jira.on("GET", "/rest/api/2/serverInfo", {"version": "9.12.1"})
    jira.on("GET", "/rest/api/2/myself", {**PROXY, "groups": {"items": groups}})
    jira.on("GET", "/rest/api/2/mypermissions", {"permissions": permissions})
    assert tracker.check().is_admin


def test_a_cloud_site_is_refused(jira: Stub, tracker: JiraServerConnector) -> None:
    jira.on("GET", "/rest/api/2/serverInfo", {"deploymentType": "Cloud"})
    jira.on("GET", "/rest/api/2/myself", PROXY)
    with pytest.raises(e.Rejected) as refused:
        tracker.check()
    assert refused.value.field == "url"


@pytest.mark.parametrize(
    "settings", [{}, {"token": ""}, {"username": "proxy"}, {"password": "x"}, {"username": "", "password": "x"}]
)
def test_one_of_the_two_credentials_is_asked_for(settings: dict[str, str]) -> None:
    with pytest.raises(e.BadCredentials) as refused:
        JiraServerConnector({"url": "http://127.0.0.1:9", **settings}).check()
    assert "token" in refused.value.message
    assert "password" in refused.value.message


def test_a_password_is_sent_only_without_a_token(jira: Stub) -> None:
    jira.on("GET", "/rest/api/2/project", [])
    login = {"url": jira.url, "username": "proxy", "password": "pw-of-proxy", "timeout": 5.0}
    list(JiraServerConnector(login).projects())
    list(JiraServerConnector({**login, "token": "tok-of-proxy"}).projects())
    kinds = [call.headers["Authorization"].split()[0] for call in jira.calls]
    assert kinds == ["Basic", "Bearer"]


TRAPS = {
    "anonymous": (200, {"X-AUSERNAME": "anonymous"}, "credentials"),
    "seraph failed": (200, {"X-Seraph-LoginReason": "AUTHENTICATED_FAILED"}, "credentials"),
    "seraph denied": (404, {"X-Seraph-LoginReason": "AUTHENTICATION_DENIED"}, "credentials"),
    "captcha": (403, {"X-Authentication-Denied-Reason": "CAPTCHA_CHALLENGE; login-url=http://x/login.jsp"}, "CAPTCHA"),
    "401": (401, {}, ""),
}


@pytest.mark.parametrize("trap", TRAPS)
def test_a_login_that_failed_quietly_is_bad_credentials(jira: Stub, tracker: JiraServerConnector, trap: str) -> None:
    code, jira.headers, word = TRAPS[trap]
    jira.on("GET", "/rest/api/2/project", [], status=code)
    with pytest.raises(e.BadCredentials) as refused:
        list(tracker.projects())
    assert word in refused.value.message
    assert "sandbox-proxy" not in refused.value.message


def test_a_missing_permission_is_forbidden_and_not_credentials(jira: Stub, tracker: JiraServerConnector) -> None:
    jira.on("PUT", "/rest/api/2/issue/PAY-1", {"errorMessages": ["no"]}, status=403)
    with pytest.raises(e.Forbidden):
        tracker.update("PAY-1", {"summary": "x"}, base=Issue("1", "PAY-1"))


def test_schema(jira: Stub, tracker: JiraServerConnector) -> None:
    statuses = [{"name": "Task", "statuses": [status("To Do"), status("Done")]}, {"name": "Bug", "statuses": [status("Done")]}]
    jira.on("GET", "/rest/api/2/project/PAY/statuses", statuses)
    kinds = [{"id": "5", "name": "Sub-task", "subtask": True}, {"id": "1", "name": "Task", "subtask": False}]
    jira.on("GET", "/rest/api/2/issue/createmeta/PAY/issuetypes", values(*kinds))
    priority = {
        "fieldId": "priority",
        "name": "Priority",
        "required": False,
        "allowedValues": [{"name": "High"}, {"name": "Low"}],
    }
    jira.on(
        "GET",
        "/rest/api/2/issue/createmeta/PAY/issuetypes/1",
        values(priority, {"fieldId": "cf", "name": "Team", "required": True}),
    )
    jira.on("GET", "/rest/api/2/user/assignable/search", [ALICE])
    schema = tracker.schema("PAY")
    assert [(entry.name, entry.category) for entry in schema.statuses] == [("To Do", "new"), ("Done", "done")]
    assert (schema.types, schema.default_type, schema.priorities) == (("Task",), "Task", ("High", "Low"))
    assert [user.id for user in schema.users] == ["JIRAUSER10100"]
    assert [(field.id, field.required) for field in schema.fields] == [("priority", False), ("cf", True)]


def test_pages_are_all_read_whatever_size_jira_gives_them(jira: Stub, tracker: JiraServerConnector) -> None:
    def page(call: Call) -> tuple[int, Any]:
        start = int(call.query["startAt"][0])
        entries = [{"id": str(n), "name": f"T{n}", "subtask": False} for n in range(start, min(start + 2, 5))]
        return 200, {"values": entries, "startAt": start, "maxResults": 2, "total": 5, "isLast": start + 2 >= 5}

    jira.on("GET", "/rest/api/2/issue/createmeta/PAY/issuetypes", page)
    assert [entry["name"] for entry in tracker.client.issue_types("PAY")] == ["T0", "T1", "T2", "T3", "T4"]
    assert len(jira.calls) == 3


def test_a_user_is_a_single_exact_hit(jira: Stub, tracker: JiraServerConnector) -> None:
    jira.on("GET", "/rest/api/2/user/search", [ALICE, {**PROXY, "emailAddress": "malice@example.com"}])
    user = tracker.find_user("Alice@example.com")
    assert user is not None
    assert user.login == "alice"
    assert tracker.find_user("ice@example.com") is None


# ---------------------------------------------------------------------- reading
READS = {
    "all": (Parts.ALL, f"{FIELDS},comment", "transitions"),
    "fields": (Parts.FIELDS, FIELDS, "transitions"),
    "comments": (Parts.COMMENTS, "project,updated,comment", None),
    "with history": (Parts.ALL | Parts.HISTORY, f"{FIELDS},comment", "transitions,changelog"),
}


@pytest.mark.parametrize("name", READS)
def test_a_read_is_one_call(jira: Stub, tracker: JiraServerConnector, name: str) -> None:
    parts, fields, expand = READS[name]
    told = raw_issue(comment={"comments": [comment()], "total": 1})
    jira.on("GET", "/rest/api/2/issue/PAY-1", {**told, "changelog": {"histories": []}} if expand and "log" in expand else told)
    issue = tracker.read("PAY-1", parts)
    assert jira.made() == ["GET /issue/PAY-1"]
    assert jira.calls[0].query == {"fields": [fields], **({"expand": [expand]} if expand else {})}
    assert (issue.comments is not None) == (Parts.COMMENTS in parts)
    assert (issue.history is not None) == (Parts.HISTORY in parts)
    assert issue.parts == parts


def test_marks_are_read_where_they_stand(jira: Stub, tracker: JiraServerConnector) -> None:
    jira.on("GET", "/rest/api/2/issue/PAY-1", {**raw_issue(), "properties": {MARK: "m1"}})
    pages = {
        "comments": [comment(properties=[{"key": MARK, "value": "m2"}]), comment("6")],
        "total": 2,
        "startAt": 0,
        "maxResults": 50,
    }
    jira.on("GET", "/rest/api/2/issue/10001/comment", pages)
    issue = tracker.read("PAY-1", Parts.ALL | Parts.MARKS)
    assert (issue.mark, [entry.mark for entry in issue.comments or ()]) == ("m1", ["m2", ""])
    assert jira.made() == ["GET /issue/PAY-1", "GET /issue/10001/comment"]
    assert jira.calls[0].query["properties"] == [MARK]
    assert jira.calls[1].query["expand"] == ["properties"]


def test_internal_notes_of_a_service_project_are_told_apart(jira: Stub, tracker: JiraServerConnector) -> None:
    """The comments inside an issue do not say; taken as they are, a note for agents would cross to the partner."""
    desk = {"key": "PAY", "projectTypeKey": "service_desk"}
    jira.on("GET", "/rest/api/2/issue/PAY-1", raw_issue(project=desk, comment={"comments": [comment()], "total": 1}))
    note = comment(properties=[{"key": "sd.public.comment", "value": {"internal": True}}])
    jira.on("GET", "/rest/api/2/issue/10001/comment", {"comments": [note], "total": 1})
    assert [entry.internal for entry in tracker.read("PAY-1").comments or ()] == [True]


def test_comments_that_were_cut_are_read_to_the_end(jira: Stub, tracker: JiraServerConnector) -> None:
    def page(call: Call) -> tuple[int, Any]:
        start = int(call.query["startAt"][0])
        return 200, {"comments": [comment(str(start))], "total": 3, "startAt": start, "maxResults": 1}

    jira.on("GET", "/rest/api/2/issue/PAY-1", raw_issue(comment={"comments": [comment()], "total": 3, "maxResults": 1}))
    jira.on("GET", "/rest/api/2/issue/10001/comment", page)
    assert [entry.id for entry in tracker.read("PAY-1").comments or ()] == ["0", "1", "2"]


def test_search_and_its_pages(jira: Stub, tracker: JiraServerConnector) -> None:
    jira.on("POST", "/rest/api/2/search", found(raw_issue("PAY-1"), raw_issue("PAY-2"), total=3))
    page = tracker.search("project = PAY", "")
    assert (page.items, page.cursor, page.more) == (("PAY-1", "PAY-2"), "2", True)
    assert not tracker.search("project = PAY", "2").more
    assert jira.calls[1].body["startAt"] == 2
    jira.on("POST", "/rest/api/2/search", {"errorMessages": ["Error in the JQL Query"], "errors": {}}, status=400)
    with pytest.raises(e.Rejected) as refused:
        tracker.search("nonsense ~ (")
    assert refused.value.field == "query"
    assert "JQL" in refused.value.message


# ---------------------------------------------------------------------- addresses
@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("PAY-12", "PAY-12"),
        (" pay-12 ", "PAY-12"),
        ("12", "PAY-12"),
        ("https://host.example.com/jira/browse/PAY-12", "PAY-12"),
        ("https://HOST.example.com/jira/browse/PAY-12?focusedCommentId=3#comment-3", "PAY-12"),
        ("https://host.example.com/jira/projects/OPS/issues/OPS-3?filter=allopenissues", "OPS-3"),
        ("https://host.example.com/jira/secure/RapidBoard.jspa?rapidView=1&selectedIssue=PAY-7", "PAY-7"),
        ("https://host.example.com/browse/PAY-12", ""),  # outside the context path
        ("https://host.example.com/jirabrowse/PAY-12", ""),
        ("http://host.example.com/jira/browse/PAY-12", ""),
        ("https://other.example.com/jira/browse/PAY-12", ""),
        ("https://host.example.com/jira/projects/PAY", ""),
        ("acme/demo#12", ""),
        ("PAY-0", ""),
        ("0", ""),
        ("", ""),
    ],
)
def test_keys_as_people_write_them(text: str, key: str) -> None:
    tracker = JiraServerConnector({"url": "https://host.example.com/jira/"})
    assert tracker.parse_key(text, "PAY") == key


def test_the_description_catches_a_misspelt_request() -> None:
    assert problems("POST", "/rest/api/2/search", {}, {"jql": "x"}) == []
    assert problems("POST", "/rest/api/2/search", {}, {"jpl": "x"})
    assert problems("POST", "/rest/api/2/search", {}, {"jql": 3})
    assert problems("GET", "/rest/api/2/issue/PAY-1", {"felds": ["x"]}, None)
    assert problems("PATCH", "/rest/api/2/issue/PAY-1", {}, None)
    assert problems("POST", "/rest/api/2/issue/PAY-1/comment", {}, {"body": {"type": "doc"}})
