"""The simulated Jira's JQL and search pages."""

import time
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest


def keys(who, jql, **more):
    answer = who.post("/search", json={"jql": jql, **more})
    assert answer.status_code == 200, answer.text
    return [one["key"] for one in answer.json()["issues"]]


@pytest.mark.parametrize(
    ("jql", "found"),
    [
        ("project = PAY ORDER BY key ASC", ["PAY-1", "PAY-2"]),
        ('project = "Operations" order by key', ["OPS-1", "OPS-2"]),
        ("key = PAY-2", ["PAY-2"]),
        ("id in (10000, 10001) ORDER BY id DESC", ["PAY-2", "PAY-1"]),
        ("project = PAY AND status = 'In Progress'", ["PAY-1"]),
        ("project = PAY AND status != 'In Progress'", ["PAY-2"]),
        ("labels = backup", ["OPS-2"]),
        ("labels IN (mail, backup) ORDER BY key", ["OPS-2", "PAY-1"]),
        ("project = PAY AND labels is EMPTY", ["PAY-2"]),
        ("project = PAY AND assignee is not EMPTY", ["PAY-1"]),
        ('text ~ "approver mail"', ["PAY-1"]),
        ("text ~ load_order", ["PAY-1"]),
        ("summary ~ receipts", ["PAY-2"]),
        ("project = PAY AND (priority = High OR issuetype = Story) ORDER BY key", ["PAY-1", "PAY-2"]),
        ("NOT project = PAY ORDER BY key", ["OPS-1", "OPS-2"]),
        ("project in (PAY, OPS) AND creator = alice ORDER BY key", ["OPS-1", "PAY-1"]),
        ("created >= -10m AND project = PAY ORDER BY key", ["PAY-1", "PAY-2"]),
        ("updated >= '2099-01-01 10:00'", []),
        ("statusCategory = 'In Progress' AND resolution = Unresolved", ["PAY-1"]),
        ("creator = currentUser()", []),
    ],
)
def test_jql_finds(jproxy, jql, found):
    assert keys(jproxy, jql) == found


@pytest.mark.parametrize(
    "jql",
    [
        "project = NONE",
        "project PAY",
        "project = ",
        "key = PAY-999",
        "id in (10000, 99999)",
        "odd = 1",
        "project = 'PAY",
        "project = PAY AND",
        "project = PAY status = Done",
        "status = Nowhere",
        "updated >= soon",
        "project ~ PAY",
        "project = PAY ORDER BY odd",
        "creator = nobody()",
    ],
)
def test_jql_that_cannot_be_read_is_400(jproxy, jql):
    answer = jproxy.get("/search", params={"jql": jql})
    assert answer.status_code == 400
    assert len(answer.json()["errorMessages"]) == 1


def test_without_validation_unknown_keys_match_nothing(jproxy):
    assert keys(jproxy, "id in (10000, 99999)", validateQuery=False) == ["PAY-1"]
    assert keys(jproxy, "key in (PAY-2, PAY-999)", validateQuery="none") == ["PAY-2"]


def test_dates_are_read_in_the_users_own_time_zone(jproxy, jbob):
    zone = jproxy.get("/myself").json()["timeZone"]
    assert zone == "Europe/Brussels"
    local = datetime.fromtimestamp(time.time() - 120, ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M")
    assert len(keys(jproxy, f'updated >= "{local}"')) == 4
    # the same words mean an hour or two later to bob, who lives in UTC
    assert keys(jbob, f'updated >= "{local}"') == []
    assert len(keys(jbob, f"updated >= {int(time.time() * 1000) - 120_000}")) == 4


def test_pages_say_where_they_are(jproxy):
    page = jproxy.post("/search", json={"jql": "ORDER BY key ASC", "startAt": 1, "maxResults": 2}).json()
    assert [one["key"] for one in page["issues"]] == ["OPS-2", "PAY-1"]
    assert (page["startAt"], page["maxResults"], page["total"]) == (1, 2, 4)
    assert jproxy.post("/search", json={"maxResults": 5000}).json()["maxResults"] == 1000
    assert jproxy.post("/search", json={"jql": 5}).status_code == 400


def test_comments_come_only_when_asked_for(jproxy):
    plain = jproxy.post("/search", json={"jql": "key = PAY-1"}).json()["issues"][0]
    assert "summary" in plain["fields"]
    assert "comment" not in plain["fields"]
    body = {"jql": "key = PAY-1", "fields": ["summary", "comment"], "expand": ["changelog", "names"]}
    answer = jproxy.post("/search", json=body).json()
    assert set(answer["issues"][0]["fields"]) == {"summary", "comment"}
    assert answer["issues"][0]["changelog"]["total"] == 1
    assert answer["names"]["comment"] == "Comment"
