"""What GitHub accepts in a body: limits and types; everything else is refused with 422."""

from __future__ import annotations

from typing import Any

from trackers.sandbox.github.errors import invalid, refuse, wrong_type
from trackers.sandbox.wire import NotJson, Request

MAX_TITLE = 256
MAX_BODY = 65_536
MAX_LABEL = 50
MAX_LABELS = 100
MAX_ASSIGNEES = 10
REASONS = ("completed", "not_planned", "duplicate", "reopened")


def body_of(request: Request) -> dict[str, Any]:
    try:
        body = request.json()
    except NotJson:
        raise refuse(400, "Problems parsing JSON") from None
    if not isinstance(body, dict):
        raise refuse(400, "Body should be a JSON object")
    return body


def title(body: dict[str, Any]) -> str:
    value = body.get("title")
    if value is None:
        raise invalid("Issue", "title", "missing_field")
    if not isinstance(value, str):
        raise wrong_type("title", value, "a string")
    if not value.strip():
        raise invalid("Issue", "title", "missing_field")
    if len(value) > MAX_TITLE:
        raise invalid("Issue", "title", "custom", f"title is too long (maximum is {MAX_TITLE} characters)")
    return value.replace("\0", "").strip()


def issue_body(body: dict[str, Any]) -> str | None:
    value = body.get("body")
    if value is not None and not isinstance(value, str):
        raise wrong_type("body", value, "a string")
    if value and len(value) > MAX_BODY:
        raise invalid("Issue", "body", "custom", f"body is too long (maximum is {MAX_BODY} characters)")
    return (value or "").replace("\0", "") or None


def comment_body(body: dict[str, Any]) -> str:
    value = body.get("body")
    if value is None:
        raise refuse(422, 'Invalid request.\n\n"body" wasn\'t supplied.')
    if not isinstance(value, str):
        raise wrong_type("body", value, "a string")
    if not value.strip():
        raise invalid("IssueComment", "data", "unprocessable", "Body cannot be blank")
    if len(value) > MAX_BODY:
        raise invalid("IssueComment", "data", "unprocessable", f"Body is too long (maximum is {MAX_BODY} characters)")
    return value.replace("\0", "")


def label_names(value: Any) -> list[str]:
    """Names, once each, in the order given; objects with a name are taken too."""
    if not isinstance(value, list):
        raise wrong_type("labels", value, "an array")
    names: dict[str, str] = {}
    for entry in value:
        name = label_name(entry.get("name") if isinstance(entry, dict) else entry)
        names.setdefault(name.lower(), name)
    if len(names) > MAX_LABELS:
        raise invalid("Issue", "labels", "custom", f"There can be at most {MAX_LABELS} labels on an issue")
    return list(names.values())


def label_name(name: Any) -> str:
    if not isinstance(name, str) or not name.strip() or len(name) > MAX_LABEL:
        raise invalid("Label", "name", "invalid", value=name)
    return name.strip()


def logins(value: Any) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise wrong_type("assignees", value, "an array of strings")
    if len(value) > MAX_ASSIGNEES:
        raise invalid("Issue", "assignees", "custom", f"There can be at most {MAX_ASSIGNEES} assignees")
    return list(dict.fromkeys(value))


def state(body: dict[str, Any]) -> tuple[str | None, str | None]:
    """The state and the reason asked for; None where nothing is said."""
    wanted, reason = body.get("state"), body.get("state_reason")
    if wanted not in (None, "open", "closed"):
        raise invalid("Issue", "state", "invalid", value=wanted)
    if reason is not None and reason not in REASONS:
        raise invalid("Issue", "state_reason", "invalid", value=reason)
    return wanted, reason
