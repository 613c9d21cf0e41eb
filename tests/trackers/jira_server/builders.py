"""Jira's JSON in small, with defaults."""

from __future__ import annotations

from typing import Any

from trackers.issue import Issue
from trackers.jira_server import mapping

ALICE = {"name": "alice", "key": "JIRAUSER10100", "displayName": "Alice", "emailAddress": "alice@example.com"}
PROXY = {"name": "proxy", "key": "JIRAUSER10101", "displayName": "Proxy"}
T0, T1, T2, T3 = (f"2026-11-23T10:00:0{n}.000+0000" for n in range(4))
MS = mapping.time_from(T0)
STATUSES = {"To Do": "new", "In Progress": "indeterminate", "In Review": "indeterminate", "Done": "done"}


def doc_of(words: str) -> dict[str, Any]:
    return {"type": "doc", "content": [{"type": "paragraph", "content": [{"type": "text", "text": words}]}]}


def history(*items: dict[str, Any], by: dict[str, str] = ALICE, at: str = T1, entry: str = "7") -> dict[str, Any]:
    return {"id": entry, "author": by, "created": at, "items": list(items)}


def status(name: str) -> dict[str, Any]:
    return {"id": name, "name": name, "statusCategory": {"key": STATUSES[name]}}


def moves(*names: str) -> list[dict[str, Any]]:
    return [{"id": str(10 + n), "name": f"to {name}", "to": status(name)} for n, name in enumerate(names)]


def raw_issue(
    key: str = "PAY-1", stands: str = "To Do", offered: tuple[str, ...] = ("In Progress",), **fields: Any
) -> dict[str, Any]:
    project = {"key": "PAY", "projectTypeKey": "software"}
    plain = {"summary": "s", "description": "d", "status": status(stands), "issuetype": {"name": "Task"}, "project": project}
    plain |= {"priority": {"name": "High"}, "assignee": ALICE, "labels": ["a"], "creator": ALICE, "created": T0, "updated": T1}
    issue_id = str(10_000 + int(key.rpartition("-")[2]))
    return {"id": issue_id, "key": key, "fields": {**plain, **fields}, "transitions": moves(*offered)}


def comment(comment_id: str = "5", body: str = "hello", **more: Any) -> dict[str, Any]:
    return {"id": comment_id, "body": body, "author": ALICE, "updateAuthor": ALICE, "created": T1, "updated": T1, **more}


def values(*entries: dict[str, Any]) -> dict[str, Any]:
    return {"maxResults": 50, "startAt": 0, "total": len(entries), "isLast": True, "values": list(entries)}


def found(*issues: dict[str, Any], total: int = -1) -> dict[str, Any]:
    return {"startAt": 0, "maxResults": 50, "total": len(issues) if total < 0 else total, "issues": list(issues)}


def base(stands: str = "To Do", *offered: str) -> Issue:
    raw = raw_issue("PAY-1", stands, offered)
    return Issue("10001", "PAY-1", "", "PAY", status=stands, type="Task", labels=frozenset({"a"}), raw=raw, stamp=T1)


def changed(number: int, updated: str, *histories: Any) -> dict[str, Any]:
    raw = raw_issue(f"PAY-{number}", created=T0, updated=updated, comment={"comments": []})
    return {**raw, "changelog": {"histories": list(histories)}}
