"""What Jira accepts in a field: from the JSON of a body to what the store keeps, or 400 by field."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from trackers.sandbox.jira_server import catalogue
from trackers.sandbox.jira_server.errors import refuse
from trackers.sandbox.store import Doc
from trackers.sandbox.wire import NotJson, Request

if TYPE_CHECKING:
    from trackers.sandbox.jira_server.tracker import JiraServer

DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
TOO_LONG = f"The entered text is too long. It exceeds the allowed limit of {catalogue.MAX_TEXT:,} characters."
# the names of fields that the store keeps under another one
KEPT_AS = {"issuetype": "type"}


class WrongValue(ValueError):
    """Jira's sentence about one field."""


def body_of(request: Request) -> dict[str, Any]:
    if "json" not in request.headers.get("content-type", "application/json"):
        raise refuse(415, "Unsupported Media Type")
    try:
        body = request.json()
    except NotJson as error:
        raise refuse(400, f"Unexpected character in the body: {error}") from None
    if not isinstance(body, dict):
        raise refuse(400, "Can not deserialize the body: it is not a JSON object.")
    return body


def wanted(tracker: JiraServer, body: dict[str, Any], issue: Doc | None) -> Doc:
    """The fields of a create or edit, checked; `update` verbs are carried out on `issue`. Raises one Refusal for all."""
    given, update = body.get("fields") or {}, body.get("update") or {}
    if not isinstance(given, dict) or not isinstance(update, dict):
        raise refuse(400, "'fields' and 'update' must be JSON objects.")
    errors: dict[str, str] = {}
    fields: Doc = {}
    for name in update.keys() & given.keys():
        errors[name] = f"Field '{name}' cannot appear in both 'fields' and 'update'"
    for name, value in given.items():
        _take(tracker, name, value, fields, errors)
    for name, verbs in update.items():
        if name == "comment" or name in errors:
            continue
        try:
            _take(tracker, name, _after_verbs(name, verbs, issue), fields, errors)
        except WrongValue as wrong:
            errors[name] = str(wrong)
    if errors:
        raise refuse(400, fields=errors)
    return fields


def _take(tracker: JiraServer, name: str, value: Any, fields: Doc, errors: dict[str, str]) -> None:
    check = CHECKS.get(name)
    if check is None:
        errors[name] = f"Field '{name}' cannot be set. It is not on the appropriate screen, or unknown."
        return
    try:
        fields[KEPT_AS.get(name, name)] = check(tracker, value)
    except WrongValue as wrong:
        errors[name] = str(wrong)


def _after_verbs(name: str, verbs: Any, issue: Doc | None) -> Any:
    field = catalogue.FIELDS.get(name)
    if field is None or not field.screen:
        return None
    if not isinstance(verbs, list) or not all(isinstance(one, dict) and len(one) == 1 for one in verbs):
        raise WrongValue("data was not an array")
    value: Any = list(issue["labels"]) if issue and name == "labels" else []
    for step in verbs:
        [(verb, given)] = step.items()
        if verb not in (field.operations or ("set",)):
            raise WrongValue(f"The operation '{verb}' is not valid for the field '{name}'.")
        if verb == "add":
            value = [*value, *([] if given in value else [given])]
        elif verb == "remove":
            value = [one for one in value if one != given]
        else:
            value = given
    return value


def comment_body(body: dict[str, Any]) -> str:
    value = body.get("body")
    if not isinstance(value, str) or not value.strip():
        raise refuse(400, fields={"comment": "Comment body can not be empty!"})
    if len(value) > catalogue.MAX_TEXT:
        raise refuse(400, fields={"comment": TOO_LONG})
    return value


def properties(body: dict[str, Any]) -> Doc:
    given = body.get("properties") or []
    if not isinstance(given, list) or not all(isinstance(one, dict) and isinstance(one.get("key"), str) for one in given):
        raise refuse(400, "Properties must be an array of objects with 'key' and 'value'.")
    return {property_key(one["key"]): one.get("value") for one in given}


def property_key(key: str) -> str:
    if not key or len(key) > 255:
        raise refuse(400, "The property key's length must be from 1 to 255 characters.")
    return key


def visibility(body: dict[str, Any]) -> Doc | None:
    given = body.get("visibility")
    if given is None:
        return None
    if not isinstance(given, dict) or given.get("type") not in ("group", "role") or not given.get("value"):
        raise refuse(400, fields={"commentLevel": "The visibility must have a type, group or role, and a value."})
    return {"type": given["type"], "value": str(given["value"])}


def _summary(tracker: JiraServer, value: Any) -> str:
    if value is not None and not isinstance(value, str):
        raise WrongValue("Operation value must be a string")
    if not value or not value.strip():
        raise WrongValue("You must specify a summary of the issue.")
    if "\n" in value or "\r" in value:
        raise WrongValue("The summary is invalid because it contains newline characters.")
    if len(value) > catalogue.MAX_SUMMARY:
        raise WrongValue("Summary can't exceed 255 characters.")
    return value.strip()


def _text(tracker: JiraServer, value: Any) -> str | None:
    if value is not None and not isinstance(value, str):
        raise WrongValue("Operation value must be a string")
    if value and len(value) > catalogue.MAX_TEXT:
        raise WrongValue(TOO_LONG)
    return value or None


def _labels(tracker: JiraServer, value: Any) -> list[str]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise WrongValue("data was not an array")
    for label in value:
        if not isinstance(label, str):
            raise WrongValue("string expected at index 0")
        if re.search(r"\s", label) or not label:
            raise WrongValue(f"The label '{label}' contains spaces which is invalid.")
        if len(label) > catalogue.MAX_LABEL:
            raise WrongValue(f"The label '{label}' exceeds the maximum length for a single label of 255 characters.")
    return sorted(dict.fromkeys(value))


def _user(tracker: JiraServer, value: Any) -> str | None:
    if value is None:
        return None
    if not isinstance(value, dict):
        raise WrongValue("data was not an object")
    name = value.get("name")
    if name in (None, "", "-1"):
        return None
    if tracker.store.get("users", str(name).lower()) is None:
        raise WrongValue(f"User '{name}' does not exist.")
    return str(name).lower()


def _assignee(tracker: JiraServer, value: Any) -> str | None:
    name = _user(tracker, value)
    if name and not tracker.may(name, "ASSIGNABLE_USER"):
        raise WrongValue(f"User '{name}' cannot be assigned issues.")
    return name


def _reporter(tracker: JiraServer, value: Any) -> str:
    name = _user(tracker, value)
    if name is None:
        raise WrongValue("Reporter is required.")
    return name


def _one_of(names: dict[str, str], message: str, *, required: bool) -> Callable[[JiraServer, Any], str]:
    by_name = {name: number for number, name in names.items()}

    def check(tracker: JiraServer, value: Any) -> str:
        if value is None and not required:
            return catalogue.DEFAULT_PRIORITY
        if not isinstance(value, dict):
            raise WrongValue(message.format("") if value is None else "data was not an object")
        number = str(value["id"]) if "id" in value else by_name.get(str(value.get("name")), "")
        if number not in names:
            raise WrongValue(message.format(value.get("id", value.get("name"))))
        return number

    return check


def _project(tracker: JiraServer, value: Any) -> str:
    if isinstance(value, dict):
        for doc in tracker.projects.values():
            if str(value.get("id")) == doc["id"] or value.get("key") == doc["key"]:
                return str(doc["id"])
    raise WrongValue("valid project is required")


def _date(tracker: JiraServer, value: Any) -> str | None:
    if value in (None, ""):
        return None
    if not isinstance(value, str) or not DATE.fullmatch(value):
        raise WrongValue(f"Error parsing date string: {value}")
    return value


CHECKS: dict[str, Callable[[JiraServer, Any], Any]] = {
    "summary": _summary,
    "description": _text,
    "environment": _text,
    "labels": _labels,
    "assignee": _assignee,
    "reporter": _reporter,
    "priority": _one_of(
        {number: one[0] for number, one in catalogue.PRIORITIES.items()}, "Priority name '{}' is not valid", required=False
    ),
    "issuetype": _one_of(
        {number: one[0] for number, one in catalogue.TYPES.items()}, "valid issue type is required", required=True
    ),
    "project": _project,
    "duedate": _date,
}
