"""Jira's webhooks: the events of Data Center 10, each hook's JQL filter, the HMAC signature, no headers that tell twice."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from trackers.sandbox.jira_server import jql, render
from trackers.sandbox.store import Doc
from trackers.sandbox.webhooks import Delivery

if TYPE_CHECKING:
    from trackers.sandbox.jira_server.tracker import JiraServer

EVENTS = (
    "jira:issue_created",
    "jira:issue_updated",
    "jira:issue_deleted",
    "comment_created",
    "comment_updated",
    "comment_deleted",
    "jira:worklog_updated",
    "worklog_created",
    "worklog_updated",
    "worklog_deleted",
    "issuelink_created",
    "issuelink_deleted",
    "issue_property_set",
    "issue_property_deleted",
    "project_created",
    "project_updated",
    "project_deleted",
    "user_created",
    "user_updated",
    "user_deleted",
)


def issue_created(tracker: JiraServer, issue: Doc, by: str) -> None:
    _emit(tracker, issue, by, "jira:issue_created", lambda: _about(tracker, issue, by, "issue_created"))


def issue_updated(
    tracker: JiraServer, issue: Doc, by: str, name: str, *, changes: Doc | None = None, comment: Doc | None = None
) -> None:
    def payload() -> Doc:
        shown = _about(tracker, issue, by, name)
        if changes:
            shown["changelog"] = {"id": changes["id"], "items": changes["items"]}
        if comment:
            shown["comment"] = render.comment(tracker, tracker.base, comment)
        return shown

    _emit(tracker, issue, by, "jira:issue_updated", payload)


def issue_deleted(tracker: JiraServer, issue: Doc, by: str) -> None:
    _emit(tracker, issue, by, "jira:issue_deleted", lambda: _about(tracker, issue, by, ""))


def comment_event(tracker: JiraServer, issue: Doc, comment: Doc, by: str, event: str, name: str) -> None:
    """Jira sends two: the bare comment event, without an issue, and issue_updated with both."""

    def payload() -> Doc:
        shown: Doc = {"comment": render.comment(tracker, tracker.base, comment)}
        if event != "comment_created":
            shown = {"user": render.user(tracker.base, tracker.user(by)), **shown}
        return shown

    _emit(tracker, issue, by, event, payload)
    issue_updated(tracker, issue, by, name, comment=None if event == "comment_deleted" else comment)


def filter_of(configuration: Doc) -> str:
    """The JQL in a hook's FILTERS: given bare, or as JSON by section."""
    text = str(configuration.get("FILTERS") or "").strip()
    if not text.startswith("{"):
        return text
    return str(json.loads(text).get("issue-related-events-section") or "")


def _about(tracker: JiraServer, issue: Doc, by: str, name: str) -> Doc:
    shown = render.issue(tracker, tracker.base, issue)
    del shown["expand"]
    named = {"issue_event_type_name": name} if name else {}
    return {**named, "user": render.user(tracker.base, tracker.user(by)), "issue": shown}


def _emit(tracker: JiraServer, issue: Doc, by: str, event: str, payload: Callable[[], Doc]) -> None:
    hooks = [
        hook
        for hook in tracker.store.table("hooks").values()
        if hook["active"] and event in hook["events"] and _passes(tracker, hook, issue)
    ]
    if not hooks:
        return
    body = {"timestamp": time.time_ns() // 1_000_000, "webhookEvent": event, **payload()}
    for hook in hooks:
        _send(tracker, hook, event, body, by)


def _passes(tracker: JiraServer, hook: Doc, issue: Doc) -> bool:
    text = filter_of(hook["configuration"])
    return not text or jql.parse(tracker, text, hook["creator"], strict=False).test(issue)


def _send(tracker: JiraServer, hook: Doc, event: str, payload: Doc, by: str) -> None:
    configuration = hook["configuration"]
    without_body = str(configuration.get("EXCLUDE_BODY", "false")).lower() == "true"
    body = b"" if without_body else json.dumps(payload, separators=(",", ":"), ensure_ascii=False).encode()
    headers = {"Content-Type": "application/json; charset=UTF-8", "User-Agent": "Atlassian HttpClient 4.2.0 / JIRA-10.3.24"}
    secret = configuration.get("SECRET")
    if secret:
        headers["X-Hub-Signature"] = "sha256=" + hmac.new(str(secret).encode(), body, hashlib.sha256).hexdigest()
    person = tracker.user(by)
    url = hook["url"] + ("&" if "?" in hook["url"] else "?") + urlencode({"user_id": person["name"], "user_key": person["key"]})
    tracker.deliveries.send(Delivery(hook["id"], event, url, headers, body, action=str(payload.get("issue_event_type_name", ""))))
