"""Polling by search."""

from __future__ import annotations

import json
from typing import Any

import pytest

from exalate import errors as e
from trackers.jira_server import connector as module
from trackers.jira_server.connector import JiraServerConnector

from .builders import (
    MS,
    PROXY,
    T0,
    T1,
    T2,
    T3,
    changed,
    found,
    history,
)
from .vendor import Call, Stub


def test_polling_starts_now_and_looks_back_a_little(jira: Stub, tracker: JiraServerConnector) -> None:
    jira.on("GET", "/rest/api/2/serverInfo", {"serverTime": T3})
    page = tracker.changes("PAY", "")
    assert (page.items, page.more, jira.made()) == ((), False, ["GET /serverInfo"])
    ours = history({"field": "summary", "fromString": "a", "toString": "b"}, by=PROXY, at=T2)
    jira.on("POST", "/rest/api/2/search", found(changed(1, T2, ours)))
    page = tracker.changes("PAY", page.cursor)
    body = jira.calls[1].body
    assert body["expand"] == ["changelog"]
    assert "ORDER BY updated ASC, id ASC" in body["jql"]
    (event,) = page.items
    assert (event.issue_id, event.key, event.project, event.stamp) == ("10001", "PAY-1", "PAY", T2)
    assert event.by is None, "her creation and our edit are in the time looked at"
    assert tracker.changes("PAY", page.cursor).items == (), "told already"
    ours_again = history({"field": "summary", "fromString": "b", "toString": "c"}, by=PROXY, at=T3, entry="8")
    jira.on("POST", "/rest/api/2/search", found(changed(1, T3, ours, ours_again)))
    (event,) = tracker.changes("PAY", page.cursor).items
    assert event.by is not None
    assert event.by.login == "proxy"


@pytest.mark.parametrize("same_time", [True, False])
def test_more_changes_than_a_page_are_all_told(jira: Stub, tracker: JiraServerConnector, same_time: bool) -> None:
    def moment(n: int) -> str:
        return T2 if same_time else f"2026-11-23T10:{n // 60:02}:{n % 60:02}.000+0000"

    everything = [changed(n, moment(n)) for n in range(1, 8)]

    def search(call: Call) -> tuple[int, Any]:
        since = int(call.body["jql"].split("updated >= ")[1].split()[0])
        hits = [raw for raw in everything if module.mapping.time_from(raw["fields"]["updated"]) >= since]
        start = call.body["startAt"]
        return 200, {**found(*hits[start : start + 3], total=len(hits)), "startAt": start}

    jira.on("GET", "/rest/api/2/serverInfo", {"serverTime": T0})
    jira.on("POST", "/rest/api/2/search", search)
    cursor, told, more = tracker.changes("PAY", "").cursor, list[str](), True
    while more:
        page = tracker.changes("PAY", cursor)
        told, cursor, more = [*told, *(event.key for event in page.items)], page.cursor, page.more
    assert told == [f"PAY-{n}" for n in range(1, 8)], "all, in order, once"
    more = True
    while more:
        page = tracker.changes("PAY", cursor)
        assert page.items == ()
        cursor, more = page.cursor, page.more


def test_when_all_is_quiet_a_poll_is_one_call_and_looks_at_nothing_old(jira: Stub, tracker: JiraServerConnector) -> None:
    jira.on("GET", "/rest/api/2/serverInfo", {"serverTime": T0})
    jira.on("POST", "/rest/api/2/search", found(changed(1, T1)))
    start = module.changes.page(tracker.client, "PAY", "", MS)
    jira.headers["Date"] = "Mon, 23 Nov 2026 12:00:00 GMT"
    busy = module.changes.page(tracker.client, "PAY", start.cursor, MS + 5_000)
    quiet = module.changes.page(tracker.client, "PAY", busy.cursor, MS + 3_600_000)
    bounds = [json.loads(page.cursor)["since"] - MS for page in (start, busy, quiet)]
    assert bounds == [-150_000, 5_000 - 150_000, 3_600_000 - 150_000]
    jira.headers["Date"] = "Mon, 23 Nov 2026 11:00:00 GMT"
    ahead = module.changes.page(tracker.client, "PAY", quiet.cursor, MS + 99_000_000)
    assert json.loads(ahead.cursor)["since"] - MS == 3_600_000 - 150_000, "our clock ran away"
    assert len(jira.calls) == 4


def test_a_cursor_that_is_not_ours_is_refused(jira: Stub, tracker: JiraServerConnector) -> None:
    for cursor in ("x", "[]", "{}", '{"since": "a"}'):
        with pytest.raises(e.Rejected):
            tracker.changes("PAY", cursor)


def test_the_cursor_stays_small() -> None:
    cursor = module.changes.Cursor(1, 1, told={str(n): n for n in range(5000)})
    kept = json.loads(cursor.text())["told"]
    assert (len(kept), min(map(int, kept))) == (module.changes.KEEP, 5000 - module.changes.KEEP)
