"""GitHub's issue search: qualifiers, words, 422 for what it cannot read. Its index has no lag here."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime

from trackers.sandbox.github import render
from trackers.sandbox.github.errors import refuse
from trackers.sandbox.github.paging import paged
from trackers.sandbox.routes import Ask, Refusal
from trackers.sandbox.store import Doc
from trackers.sandbox.wire import Response

TERM = re.compile(r'(?P<not>-?)(?:(?P<name>[a-z]+):)?(?:"(?P<quoted>[^"]*)"|(?P<plain>[^\s"]+))(?=\s|$)|(?P<space>\s+)')
COMPARE = re.compile(r"(?P<sign>>=|<=|>|<)?(?P<value>.+)")
MAX_QUERY, MAX_RESULTS = 256, 1000
Test = Callable[[Doc], bool]


def issues(ask: Ask) -> Response:
    tracker, request = ask.tracker, ask.request
    query = request.arg("q")
    if not query.strip():
        raise _invalid("missing", None)
    if len(query) > MAX_QUERY:
        raise _invalid("invalid", "The search is longer than 256 characters.")
    tests = [_test(ask, *term) for term in _terms(query)]
    rows = [
        issue
        for issue in tracker.issues.values()
        if not issue["deleted"]
        and tracker.may(ask.user, tracker.repos[issue["repo"]], "read")
        and all(test(issue) for test in tests)
    ]
    by = request.arg("sort") if request.arg("sort") in ("created", "updated") else "created"
    rows.sort(key=lambda issue: (issue[by] // 1000, issue["id"]), reverse=request.arg("order", "desc") != "asc")
    _within_reach(ask)
    links, total = tracker.links(request), len(rows)
    return paged(
        ask,
        rows[:MAX_RESULTS],
        lambda doc: {**render.issue(tracker, links, doc), "score": 1.0},
        lambda shown: {"total_count": total, "incomplete_results": False, "search_type": "lexical", "items": shown},
    )


def _within_reach(ask: Ask) -> None:
    size, page = max(1, ask.request.number("per_page", 30, 100)), max(1, ask.request.number("page", 1))
    if (page - 1) * size >= MAX_RESULTS:
        raise refuse(422, "Only the first 1000 search results are available")


def _terms(query: str) -> list[tuple[bool, str, str]]:
    terms, at = [], 0
    query = query.strip()
    while at < len(query):
        found = TERM.match(query, at)
        if not found:
            raise _invalid("invalid", f"The search cannot be read at character {at + 1}.")
        at = found.end()
        if not found["space"]:
            value = found["quoted"] if found["quoted"] is not None else found["plain"]
            terms.append((found["not"] == "-", found["name"] or "", value))
    return terms


def _test(ask: Ask, negated: bool, name: str, value: str) -> Test:
    maker = QUALIFIERS.get(name)
    test = maker(ask, value) if maker else _words(ask, f"{name}:{value}" if name else value)
    return (lambda issue: not test(issue)) if negated else test


def _words(ask: Ask, value: str) -> Test:
    word = value.lower()

    def test(issue: Doc) -> bool:
        texts = [issue["title"], issue["body"] or ""]
        texts += [comment["body"] for comment in ask.tracker.comments_of.get(issue["id"], ())]
        return any(word in text.lower() for text in texts)

    return test


def _repo(ask: Ask, value: str) -> Test:
    owner, _, name = value.partition("/")
    repo = ask.tracker.repo_named(owner, name)
    if repo is None or not ask.tracker.may(ask.user, repo, "read"):
        raise _invalid(
            "invalid",
            "The listed users and repositories cannot be searched either because the resources do not exist or you do not "
            "have permission to view them.",
        )
    return lambda issue: issue["repo"] == repo["id"]


def _is(ask: Ask, value: str) -> Test:
    if value in ("issue", "private"):
        return lambda issue: True
    if value in ("open", "closed"):
        return lambda issue: issue["state"] == value
    if value in ("locked", "unlocked"):
        return lambda issue: issue["locked"] == (value == "locked")
    if value in ("pr", "public"):
        return lambda issue: False
    raise _invalid("invalid", f'"is:{value}" is not a filter.')


def _label(ask: Ask, value: str) -> Test:
    wanted = value.lower()
    return lambda issue: any(label["name"].lower() == wanted for label in ask.tracker.labels_on(issue))


def _author(ask: Ask, value: str) -> Test:
    login = ask.user if value == "@me" else value.lower()
    return lambda issue: issue["user"] == login


def _assignee(ask: Ask, value: str) -> Test:
    login = ask.user if value == "@me" else value.lower()
    return lambda issue: login in issue["assignees"]


def _owner(ask: Ask, value: str) -> Test:
    wanted = value.lower()
    return lambda issue: ask.tracker.repos[issue["repo"]]["full_name"].partition("/")[0] == wanted


def _date(field: str) -> Callable[[Ask, str], Test]:
    def make(ask: Ask, value: str) -> Test:
        sign, moment = _moment(value)
        return {
            ">=": lambda issue: issue[field] // 1000 >= moment,
            ">": lambda issue: issue[field] // 1000 > moment,
            "<=": lambda issue: issue[field] // 1000 <= moment,
            "<": lambda issue: issue[field] // 1000 < moment,
        }[sign]

    return make


def _moment(value: str) -> tuple[str, int]:
    found = COMPARE.fullmatch(value)
    try:
        moment = datetime.fromisoformat(found["value"]) if found else None
    except ValueError:
        moment = None
    if found is None or moment is None:
        raise _invalid("invalid", f'"{value}" is not a recognized date/time format. Please provide an ISO 8601 date/time value.')
    return found["sign"] or ">=", int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


def _everything(ask: Ask, value: str) -> Test:
    return lambda issue: True


def _invalid(code: str, message: str | None) -> Refusal:
    error = {"resource": "Search", "field": "q", "code": code}
    return refuse(422, "Validation Failed", [error | ({"message": message} if message else {})])


QUALIFIERS: dict[str, Callable[[Ask, str], Test]] = {
    "repo": _repo,
    "is": _is,
    "type": _is,
    "state": _is,
    "label": _label,
    "author": _author,
    "assignee": _assignee,
    "org": _owner,
    "user": _owner,
    "updated": _date("updated"),
    "created": _date("created"),
    "in": _everything,
}
