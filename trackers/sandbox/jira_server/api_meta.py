"""Jira's calls about the server, users, permissions, projects and configuration."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from trackers.sandbox.jira_server import catalogue, render
from trackers.sandbox.jira_server.errors import denied, refuse
from trackers.sandbox.routes import Ask, Router
from trackers.sandbox.store import Doc
from trackers.sandbox.wire import Response

V2 = "/rest/api/2"


def register(routes: Router) -> None:
    for path, handler in {
        "/serverInfo": server_info,
        "/myself": myself,
        "/mypermissions": my_permissions,
        "/configuration": configuration,
        "/attachment/meta": attachment_meta,
        "/user": user,
        "/user/search": user_search,
        "/user/assignable/search": assignable,
        "/project": projects,
        "/project/{project}": project,
        "/project/{project}/statuses": project_statuses,
        "/priority": _all(catalogue.PRIORITIES, lambda base, number: render.priority(base, number, whole=True)),
        "/priority/{id}": _single(catalogue.PRIORITIES, lambda base, number: render.priority(base, number, whole=True)),
        "/issuetype": _all(catalogue.TYPES, render.issue_type),
        "/issuetype/{id}": _single(catalogue.TYPES, render.issue_type),
        "/status": _all(catalogue.STATUSES, render.status),
        "/status/{id}": _single(catalogue.STATUSES, render.status),
        "/statuscategory": _all(catalogue.CATEGORIES, render.status_category),
        "/resolution": lambda ask: Response.json(200, [render.resolution(ask.request.base)]),
        "/field": lambda ask: Response.json(200, [render.field(one) for one in catalogue.FIELDS.values()]),
        "/issue/createmeta/{project}/issuetypes": create_types,
        "/issue/createmeta/{project}/issuetypes/{id}": create_fields,
    }.items():
        routes.get(V2 + path)(handler)


def server_info(ask: Ask) -> Response:
    return Response.json(
        200,
        {
            "baseUrl": ask.tracker.base,
            "version": "10.3.24",
            "versionNumbers": [10, 3, 24],
            "deploymentType": "Server",
            "buildNumber": 10030024,
            "buildDate": "2026-06-01T00:00:00.000+0000",
            "databaseBuildNumber": 10030024,
            "serverTime": render.stamp(int(datetime.now(UTC).timestamp() * 1000)),
            "scmInfo": "1f51473f5c7b75c1a69a0090f4832cdc5053702a",
            "serverTitle": "Jira sandbox",
            "defaultLocale": {"locale": "en_US"},
        },
    )


def myself(ask: Ask) -> Response:
    groups = "groups" in ask.request.arg("expand")
    return Response.json(200, render.whole_user(ask.request.base, ask.tracker.user(ask.user), groups=groups))


def my_permissions(ask: Ask) -> Response:
    """All permissions, also those of the old names; the query only says for which project or issue."""
    for name in ("projectKey", "projectId"):
        if ask.request.arg(name):
            ask.tracker.project_for(ask.user, ask.request.arg(name))
    for name in ("issueKey", "issueId"):
        if ask.request.arg(name):
            ask.tracker.issue_for(ask.user, ask.request.arg(name))
    shown: dict[str, Doc] = {}
    for kind, table in (("GLOBAL", catalogue.GLOBAL_PERMISSIONS), ("PROJECT", catalogue.PROJECT_PERMISSIONS)):
        for key, name in table.items():
            shown[key] = _permission(ask, key, name, kind, len(shown))
    for old, key in catalogue.DEPRECATED_PERMISSIONS.items():
        shown[old] = {**shown[key], "key": old, "deprecatedKey": True}
    return Response.json(200, {"permissions": shown})


def configuration(ask: Ask) -> Response:
    return Response.json(
        200,
        {
            "votingEnabled": True,
            "watchingEnabled": True,
            "unassignedIssuesAllowed": True,
            "subTasksEnabled": False,
            "issueLinkingEnabled": True,
            "timeTrackingEnabled": True,
            "attachmentsEnabled": False,
            "timeTrackingConfiguration": {
                "workingHoursPerDay": 8.0,
                "workingDaysPerWeek": 5.0,
                "timeFormat": "pretty",
                "defaultUnit": "minute",
            },
        },
    )


def attachment_meta(ask: Ask) -> Response:
    return Response.json(200, {"enabled": False, "uploadLimit": 10_485_760})


def user(ask: Ask) -> Response:
    name, key = ask.request.arg("username").lower(), ask.request.arg("key")
    if not name and not key:
        raise refuse(400, "Either the 'username' or the 'key' query parameters need to be provided")
    for doc in ask.tracker.store.table("users").values():
        if doc["name"] == name or doc["key"] == key:
            return Response.json(200, render.whole_user(ask.request.base, doc))
    raise refuse(404, f"The user named '{name}' does not exist" if name else f"The user with the key '{key}' does not exist")


def user_search(ask: Ask) -> Response:
    if not ask.tracker.may(ask.user, "USER_PICKER"):
        raise denied("browse users")
    text = ask.request.arg("username").lower()
    if not text:
        raise refuse(400, "The username query parameter was not provided")
    inactive = ask.request.arg("includeInactive") == "true"
    return _people(ask, lambda doc: (doc["active"] or inactive) and _mentions(doc, text))


def assignable(ask: Ask) -> Response:
    if ask.request.arg("project"):
        ask.tracker.project_for(ask.user, ask.request.arg("project"))
    elif ask.request.arg("issueKey"):
        ask.tracker.issue_for(ask.user, ask.request.arg("issueKey"))
    else:
        raise refuse(400, "Either the 'project' or the 'issueKey' query parameter needs to be provided")
    text = ask.request.arg("username").lower()
    return _people(ask, lambda doc: ask.tracker.may(doc["name"], "ASSIGNABLE_USER") and _mentions(doc, text))


def projects(ask: Ask) -> Response:
    if not ask.tracker.may(ask.user, "BROWSE_PROJECTS"):
        return Response.json(200, [])
    rows = ask.tracker.projects.values()
    return Response.json(
        200, [{"expand": "description,lead,url,projectKeys", **render.project(ask.request.base, one)} for one in rows]
    )


def project(ask: Ask) -> Response:
    doc = ask.tracker.project_for(ask.user, ask.args["project"])
    return Response.json(200, render.whole_project(ask.tracker, ask.request.base, doc))


def project_statuses(ask: Ask) -> Response:
    ask.tracker.project_for(ask.user, ask.args["project"])
    base, rows = ask.request.base, []
    for number in catalogue.TYPES:
        kind = render.issue_type(base, number)
        statuses = [render.status(base, one) for one in catalogue.STATUSES]
        rows.append({**{name: kind[name] for name in ("self", "id", "name", "subtask")}, "statuses": statuses})
    return Response.json(200, rows)


def create_types(ask: Ask) -> Response:
    _creatable(ask)
    return page(ask, [render.issue_type(ask.request.base, number) for number in catalogue.TYPES], "values")


def create_fields(ask: Ask) -> Response:
    doc = _creatable(ask)
    if ask.args["id"] not in catalogue.TYPES:
        raise refuse(404, "Issue type is not valid for this project.")
    rows = [render.field_meta(ask.tracker, ask.request.base, catalogue.FIELDS[name], doc) for name in catalogue.CREATE_FIELDS]
    return page(ask, rows, "values")


def page(ask: Ask, rows: list[Any], name: str, size: int = 50) -> Response:
    first, most = ask.request.number("startAt", 0), ask.request.number("maxResults", size, 1000)
    shown = rows[first : first + most]
    last = first + len(shown) >= len(rows)
    return Response.json(200, {"maxResults": most, "startAt": first, "total": len(rows), "isLast": last, name: shown})


def _creatable(ask: Ask) -> Doc:
    doc: Doc = ask.tracker.project_for(ask.user, ask.args["project"])
    if not ask.tracker.may(ask.user, "CREATE_ISSUES"):
        raise denied("create issues in this project")
    return doc


def _people(ask: Ask, wanted: Callable[[Doc], bool]) -> Response:
    found = [doc for doc in ask.tracker.store.table("users").values() if wanted(doc)]
    first, most = ask.request.number("startAt", 0), ask.request.number("maxResults", 50, 1000)
    return Response.json(200, [render.user(ask.request.base, doc) for doc in found[first : first + most]])


def _mentions(doc: Doc, text: str) -> bool:
    return text in ("", ".") or any(text in doc[field].lower() for field in ("name", "display", "email"))


def _permission(ask: Ask, key: str, name: str, kind: str, number: int) -> Doc:
    return {
        "id": str(number),
        "key": key,
        "name": name,
        "type": kind,
        "description": f"Ability to: {name.lower()}.",
        "havePermission": ask.tracker.may(ask.user, key),
    }


def _all(table: dict[str, Any], show: Callable[[str, str], Doc]) -> Callable[[Ask], Response]:
    return lambda ask: Response.json(200, [show(ask.request.base, number) for number in table])


def _single(table: dict[str, Any], show: Callable[[str, str], Doc]) -> Callable[[Ask], Response]:
    def answer(ask: Ask) -> Response:
        wanted = ask.args["id"]
        for number, entry in table.items():
            if wanted in (number, entry[0]):
                return Response.json(200, show(ask.request.base, number))
        raise refuse(404, f"There is nothing with the id {wanted} here.")

    return answer
