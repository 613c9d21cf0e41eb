"""The fields that the small JQL knows: how each compares, what values it takes, how it sorts."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from trackers.sandbox.jira_server import catalogue
from trackers.sandbox.jira_server.errors import refuse
from trackers.sandbox.routes import Refusal
from trackers.sandbox.store import Doc

if TYPE_CHECKING:
    from trackers.sandbox.jira_server.tracker import JiraServer

RELATIVE = re.compile(r"([+-]?)(\d+)([mhdw])")
UNITS = {"m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
FORMATS = ("%Y-%m-%d %H:%M", "%Y/%m/%d %H:%M", "%Y-%m-%d", "%Y/%m/%d")
Test = Callable[[Doc], bool]


@dataclass(frozen=True)
class Value:
    text: str
    quoted: bool


Maker = Callable[["JiraServer", str, str, str, list[Value], bool], Test]


def _equal(read: Callable[[Doc], Any], known: Callable[[JiraServer, str], Any], message: str) -> Maker:
    """A field compared by =, IN and IS EMPTY; `known` gives a value's id, or None when there is no such value."""

    def make(tracker: JiraServer, user: str, name: str, sign: str, values: list[Value], strict: bool) -> Test:
        if sign == "is":
            return lambda issue: not read(issue)
        if sign not in ("=", "in"):
            raise _wrong_sign(sign, name)
        wanted = set()
        for value in values:
            found = known(tracker, value.text)
            if found is None and strict:
                raise refuse(400, message.format(value=value.text, name=name))
            wanted.add(found)
        wanted.discard(None)
        return lambda issue: read(issue) in wanted

    return make


def _moment(field: str) -> Maker:
    def make(tracker: JiraServer, user: str, name: str, sign: str, values: list[Value], strict: bool) -> Test:
        if sign not in ("=", ">", ">=", "<", "<="):
            raise _wrong_sign(sign, name)
        at = _when(values[0].text, name, tracker.user(user)["zone"])
        return {
            "=": lambda issue: issue[field] == at,
            ">": lambda issue: issue[field] > at,
            ">=": lambda issue: issue[field] >= at,
            "<": lambda issue: issue[field] < at,
            "<=": lambda issue: issue[field] <= at,
        }[sign]

    return make


def _when(text: str, name: str, zone: str) -> int:
    """A date of JQL as ms: in the asking user's time zone, to the minute; relative; or ms since 1970, to the second."""
    text = text.strip()
    relative = RELATIVE.fullmatch(text)
    if relative:
        sign = -1 if relative[1] == "-" else 1
        return time.time_ns() // 1_000_000 + sign * int(relative[2]) * UNITS[relative[3]]
    if text.isascii() and text.isdigit():
        return int(text) // 1000 * 1000
    for form in FORMATS:
        try:
            return int(datetime.strptime(text, form).replace(tzinfo=_zone(zone)).timestamp() * 1000)
        except ValueError:
            continue
    raise refuse(
        400,
        f"Date value '{text}' for field '{name}' is invalid. Valid formats include: 'yyyy/MM/dd HH:mm', 'yyyy-MM-dd HH:mm', "
        "'yyyy/MM/dd', 'yyyy-MM-dd', or a period format e.g. '-5d', '4w 2d'.",
    )


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return UTC


def _text(*fields: str) -> Maker:
    def make(tracker: JiraServer, user: str, name: str, sign: str, values: list[Value], strict: bool) -> Test:
        if sign == "is":
            return lambda issue: not any(issue.get(field) for field in fields)
        if sign != "~":
            raise _wrong_sign(sign, name)
        words = [word.strip("*\"'").lower() for word in values[0].text.split()]

        def test(issue: Doc) -> bool:
            texts = [issue.get(field) or "" for field in fields]
            if "comment" in fields:
                texts += [comment["body"] for comment in tracker.comments_of.get(issue["id"], ())]
            whole = "\n".join(texts).lower()
            return all(word in whole for word in words)

        return test

    return make


def _labels(tracker: JiraServer, user: str, name: str, sign: str, values: list[Value], strict: bool) -> Test:
    if sign == "is":
        return lambda issue: not issue["labels"]
    if sign not in ("=", "in"):
        raise _wrong_sign(sign, name)
    wanted = {value.text for value in values}
    return lambda issue: bool(wanted & set(issue["labels"]))


def _named(table: dict[str, tuple[Any, ...]]) -> Callable[[JiraServer, str], str | None]:
    def known(tracker: JiraServer, text: str) -> str | None:
        names = (number for number, entry in table.items() if entry[0].lower() == text.lower())
        return next(names, text if text in table else None)

    return known


def _project(tracker: JiraServer, text: str) -> str | None:
    found = (doc for doc in tracker.projects.values() if text.lower() in (doc["key"].lower(), doc["name"].lower(), doc["id"]))
    return next((str(doc["id"]) for doc in found), None)


def _issue(tracker: JiraServer, text: str) -> str | None:
    issue = tracker.find_issue(text)
    return str(issue["id"]) if issue else None


def _person(tracker: JiraServer, text: str) -> str | None:
    return text.lower() if tracker.store.get("users", text.lower()) else None


def _category(tracker: JiraServer, text: str) -> str | None:
    names = {name.lower(): key for key, (_, _, name) in catalogue.CATEGORIES.items()}
    return names.get(text.lower(), text if text in catalogue.CATEGORIES else None)


def _resolution(tracker: JiraServer, text: str) -> bool | None:
    return {"done": True, "unresolved": False}.get(text.lower())


def _wrong_sign(sign: str, name: str) -> Refusal:
    return refuse(400, f"The operator '{sign}' is not supported by the '{name}' field.")


NO_VALUE = "The value '{value}' does not exist for the field '{name}'."
_KEY = _equal(lambda issue: issue["id"], _issue, "An issue with key '{value}' does not exist for field '{name}'.")
_TYPE = _equal(lambda issue: issue["type"], _named(catalogue.TYPES), NO_VALUE)
FIELDS: dict[str, Maker] = {
    "project": _equal(lambda issue: issue["project"], _project, NO_VALUE),
    "key": _KEY,
    "issuekey": _KEY,
    "issue": _KEY,
    "id": _equal(lambda issue: issue["id"], _issue, "A value with ID '{value}' does not exist for the field '{name}'."),
    "updated": _moment("updated"),
    "updateddate": _moment("updated"),
    "created": _moment("created"),
    "createddate": _moment("created"),
    "creator": _equal(lambda issue: issue["creator"], _person, NO_VALUE),
    "reporter": _equal(lambda issue: issue["reporter"], _person, NO_VALUE),
    "assignee": _equal(lambda issue: issue["assignee"], _person, NO_VALUE),
    "status": _equal(lambda issue: issue["status"], _named(catalogue.STATUSES), NO_VALUE),
    "statuscategory": _equal(lambda issue: catalogue.STATUSES[issue["status"]][1], _category, NO_VALUE),
    "priority": _equal(lambda issue: issue["priority"], _named(catalogue.PRIORITIES), NO_VALUE),
    "issuetype": _TYPE,
    "type": _TYPE,
    "resolution": _equal(lambda issue: bool(issue["resolved"]), _resolution, NO_VALUE),
    "labels": _labels,
    "text": _text("summary", "description", "environment", "comment"),
    "summary": _text("summary"),
    "description": _text("description"),
    "comment": _text("comment"),
}
SORTS: dict[str, Callable[[Doc], Any]] = {
    "id": lambda issue: int(issue["id"]),
    "key": lambda issue: (issue["key"].rpartition("-")[0], issue["number"]),
    "issuekey": lambda issue: (issue["key"].rpartition("-")[0], issue["number"]),
    "updated": lambda issue: issue["updated"],
    "created": lambda issue: issue["created"],
    "priority": lambda issue: -int(issue["priority"]),
    "status": lambda issue: int(issue["status"]),
    "summary": lambda issue: issue["summary"].lower(),
    "assignee": lambda issue: issue["assignee"] or "~",
    "issuetype": lambda issue: issue["type"],
}
