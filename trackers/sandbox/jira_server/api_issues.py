"""Jira's calls about issues: create, read, edit, delete, transitions, properties, search."""

from __future__ import annotations

from typing import Any

from trackers.sandbox.jira_server import actions, catalogue, jql, render, values
from trackers.sandbox.jira_server.api_meta import V2
from trackers.sandbox.jira_server.errors import denied, refuse
from trackers.sandbox.routes import Ask, Router
from trackers.sandbox.store import Doc
from trackers.sandbox.wire import NotJson, Response

ISSUE = V2 + "/issue/{issue}"
MAX_RESULTS = 1000
NO_TRANSITION = (
    "It seems that you have tried to perform a workflow operation ({}) that is not valid for the current state of this issue"
    " ({}). The likely cause is that somebody has changed the issue recently, please look at the issue history for details."
)


def register(routes: Router) -> None:
    routes.post(V2 + "/issue")(create)
    routes.get(V2 + "/search")(search_by_get)
    routes.post(V2 + "/search")(search_by_post)
    routes.get(ISSUE)(read)
    routes.put(ISSUE)(edit)
    routes.delete(ISSUE)(delete)
    routes.put(ISSUE + "/assignee")(assign)
    routes.get(ISSUE + "/editmeta")(edit_meta)
    routes.get(ISSUE + "/transitions")(transitions)
    routes.post(ISSUE + "/transitions")(move)
    routes.get(ISSUE + "/properties")(properties)
    routes.get(ISSUE + "/properties/{key}")(read_property)
    routes.put(ISSUE + "/properties/{key}")(write_property)
    routes.delete(ISSUE + "/properties/{key}")(drop_property)


def create(ask: Ask) -> Response:
    body = values.body_of(ask.request)
    fields = values.wanted(ask.tracker, body, None)
    missing = {
        "project": "project is required",
        "type": "issue type is required",
        "summary": "You must specify a summary of the issue.",
    }
    errors = {("issuetype" if name == "type" else name): text for name, text in missing.items() if name not in fields}
    if errors:
        raise refuse(400, fields=errors)
    if not ask.tracker.may(ask.user, "CREATE_ISSUES"):
        raise refuse(400, fields={"project": "You do not have permission to create issues in this project."})
    comments = _comment_verbs(ask, body)
    issue = actions.create_issue(ask.tracker, ask.user, fields, values.properties(body))
    _carry_out(ask, issue, comments)
    here = f"{render.api(ask.request.base)}/issue/{issue['id']}"
    return Response.json(201, {"id": issue["id"], "key": issue["key"], "self": here})


def read(ask: Ask) -> Response:
    issue, request = _issue(ask), ask.request
    wanted = _wanted(request.arg("fields").split(",") if request.arg("fields") else ["*all"])
    shown = _shown(ask, issue, wanted, request.arg("expand").split(","))
    keys = [key for key in request.arg("properties").split(",") if key]
    if keys:
        every = "*all" in keys
        shown["properties"] = {key: value for key, value in issue["properties"].items() if every or key in keys}
    return Response.json(200, shown)


def edit(ask: Ask) -> Response:
    issue = _issue(ask)
    tracker, body = ask.tracker, values.body_of(ask.request)
    _may_be_silent(ask)
    if not body.get("fields") and not body.get("update"):
        raise refuse(400, "one of 'fields' or 'update' required")
    fields = values.wanted(tracker, body, issue)
    if "project" in fields and fields.pop("project") != issue["project"]:
        raise refuse(400, fields={"project": "An issue cannot be moved to another project by an edit."})
    if fields and not tracker.may(ask.user, "EDIT_ISSUES"):
        raise denied("edit issues in this project")
    if fields.get("assignee", issue["assignee"]) != issue["assignee"] and not tracker.may(ask.user, "ASSIGN_ISSUES"):
        raise refuse(400, fields={"assignee": "You do not have permission to assign issues."})
    comments = _comment_verbs(ask, body)
    actions.edit_issue(tracker, ask.user, issue, fields)
    _carry_out(ask, issue, comments)
    return Response(204)


def delete(ask: Ask) -> Response:
    issue = _issue(ask)
    ask.tracker.demand(ask.user, "DELETE_ISSUES", "delete issues in this project")
    actions.delete_issue(ask.tracker, ask.user, issue)
    return Response(204)


def assign(ask: Ask) -> Response:
    issue = _issue(ask)
    ask.tracker.demand(ask.user, "ASSIGN_ISSUES", "assign issues")
    fields = values.wanted(ask.tracker, {"fields": {"assignee": values.body_of(ask.request)}}, issue)
    actions.edit_issue(ask.tracker, ask.user, issue, fields)
    return Response(204)


def edit_meta(ask: Ask) -> Response:
    return Response.json(200, _edit_meta(ask, _issue(ask)))


def transitions(ask: Ask) -> Response:
    _issue(ask)
    found = _transitions(ask)
    wanted = ask.request.arg("transitionId")
    with_fields = "transitions.fields" in ask.request.arg("expand")
    shown = [{**one, "fields": {}} if with_fields else one for one in found if wanted in ("", one["id"])]
    return Response.json(200, {"expand": "transitions", "transitions": shown})


def move(ask: Ask) -> Response:
    issue, body = _issue(ask), values.body_of(ask.request)
    given = body.get("transition")
    number = str(given.get("id", "")) if isinstance(given, dict) else ""
    if not number:
        raise refuse(400, "Missing 'transition' identifier")
    ask.tracker.demand(ask.user, "TRANSITION_ISSUES", "transition issues in this project")
    if number not in catalogue.TRANSITIONS:
        raise refuse(400, NO_TRANSITION.format(number, issue["key"]))
    fields = {name: value for name, value in (body.get("fields") or {}).items() if name != "resolution"}
    if fields:
        raise refuse(
            400,
            fields={name: f"Field '{name}' cannot be set. It is not on the appropriate screen, or unknown." for name in fields},
        )
    comments = _comment_verbs(ask, body)
    actions.move(ask.tracker, ask.user, issue, number)
    _carry_out(ask, issue, comments)
    return Response(204)


def properties(ask: Ask) -> Response:
    issue = _issue(ask)
    here = f"{render.api(ask.request.base)}/issue/{issue['id']}/properties"
    return Response.json(200, {"keys": [{"self": f"{here}/{key}", "key": key} for key in issue["properties"]]})


def read_property(ask: Ask) -> Response:
    issue, key = _issue(ask), ask.args["key"]
    if key not in issue["properties"]:
        raise refuse(404, f"The property '{key}' does not exist.")
    return Response.json(200, {"key": key, "value": issue["properties"][key]})


def write_property(ask: Ask) -> Response:
    issue, key = _issue(ask), values.property_key(ask.args["key"])
    ask.tracker.demand(ask.user, "EDIT_ISSUES", "edit issues in this project")
    new = actions.set_property(ask.tracker, issue, key, property_value(ask))
    return Response(201 if new else 200)


def drop_property(ask: Ask) -> Response:
    issue, key = _issue(ask), ask.args["key"]
    ask.tracker.demand(ask.user, "EDIT_ISSUES", "edit issues in this project")
    if key not in issue["properties"]:
        raise refuse(404, f"The property '{key}' does not exist.")
    actions.drop_property(ask.tracker, issue, key)
    return Response(204)


def property_value(ask: Ask) -> Any:
    if len(ask.request.body) > catalogue.MAX_PROPERTY:
        raise refuse(400, f"The property value is too long, the limit is {catalogue.MAX_PROPERTY} characters.")
    try:
        if not ask.request.body.strip():
            raise NotJson("empty")
        return ask.request.json()
    except NotJson:
        raise refuse(400, "The property value is not valid JSON.") from None


def search_by_get(ask: Ask) -> Response:
    request = ask.request
    given: Doc = {name: request.arg(name) for name in ("jql", "validateQuery") if request.arg(name)}
    given |= {name: request.number(name, default) for name, default in (("startAt", 0), ("maxResults", 50))}
    given |= {name: request.arg(name).split(",") for name in ("fields", "expand") if request.arg(name)}
    return _search(ask, given)


def search_by_post(ask: Ask) -> Response:
    return _search(ask, values.body_of(ask.request))


def _search(ask: Ask, given: Doc) -> Response:
    first, most = given.get("startAt", 0), given.get("maxResults", 50)
    fields, expand = given.get("fields") or ["*navigable"], given.get("expand") or []
    if not isinstance(given.get("jql", ""), str) or not all(isinstance(one, int) for one in (first, most)):
        raise refuse(400, "The search request is not valid: jql is a text, startAt and maxResults are numbers.")
    if not isinstance(fields, list) or not isinstance(expand, list | str):
        raise refuse(400, "The search request is not valid: fields and expand are lists.")
    strict = given.get("validateQuery", True) not in (False, "false", "none", "warn")
    query = jql.parse(ask.tracker, given.get("jql", ""), ask.user, strict=strict)
    visible = list(ask.tracker.issues.values()) if ask.tracker.may(ask.user, "BROWSE_PROJECTS") else []
    found, most = query.run(visible), min(max(0, most), MAX_RESULTS)
    wanted = _wanted(fields)
    expand = expand.split(",") if isinstance(expand, str) else expand
    shown = [_shown(ask, issue, wanted, [one for one in expand if one != "names"]) for issue in found[first : first + most]]
    answer = {"expand": "schema,names", "startAt": first, "maxResults": most, "total": len(found), "issues": shown}
    if "names" in expand:
        answer["names"] = _names(wanted)
    return Response.json(200, answer)


def _issue(ask: Ask) -> Doc:
    issue: Doc = ask.tracker.issue_for(ask.user, ask.args["issue"])
    return issue


def _may_be_silent(ask: Ask) -> None:
    silent = ask.request.arg("notifyUsers").lower() == "false"
    if silent and not (ask.tracker.may(ask.user, "ADMINISTER") or ask.tracker.may(ask.user, "ADMINISTER_PROJECTS")):
        raise refuse(403, "To discard the user notification either admin or project admin permissions are required.")


def _comment_verbs(ask: Ask, body: Doc) -> list[Doc]:
    """The comments in `update`, checked; only adding is offered."""
    verbs = (body.get("update") or {}).get("comment") or []
    if not isinstance(verbs, list) or not all(isinstance(one, dict) and isinstance(one.get("add"), dict) for one in verbs):
        raise refuse(400, fields={"comment": "Only the operation 'add' is supported here."})
    if verbs:
        ask.tracker.demand(ask.user, "ADD_COMMENTS", "comment on issues in this project")
    return [
        {
            "body": values.comment_body(one["add"]),
            "properties": values.properties(one["add"]),
            "visibility": values.visibility(one["add"]),
        }
        for one in verbs
    ]


def _carry_out(ask: Ask, issue: Doc, comments: list[Doc]) -> None:
    for one in comments:
        actions.comment(ask.tracker, ask.user, issue, one["body"], properties=one["properties"], visibility=one["visibility"])


def _wanted(names: list[Any]) -> frozenset[str] | None:
    """The `fields` parameter as ids of fields; None for all."""
    given = [str(name).strip() for name in names]
    everything = frozenset(catalogue.FIELDS) | catalogue.UNNAMED
    chosen: frozenset[str] = frozenset(name for name in given if name[:1] not in "*-")
    if "*navigable" in given:
        chosen |= everything - catalogue.NOT_NAVIGABLE
    without = frozenset(name[1:] for name in given if name.startswith("-"))
    if "*all" in given or (without and not chosen):
        return everything - without if without else None
    return chosen - without


def _shown(ask: Ask, issue: Doc, wanted: frozenset[str] | None, expand: list[str]) -> Doc:
    tracker, base = ask.tracker, ask.request.base
    shown = render.issue(tracker, base, issue, wanted)
    if "transitions" in expand:
        shown["transitions"] = _transitions(ask)
    if "names" in expand:
        shown["names"] = _names(wanted)
    if "schema" in expand:
        shown["schema"] = {one.id: render.schema(one) for one in catalogue.FIELDS.values() if wanted is None or one.id in wanted}
    if "editmeta" in expand:
        shown["editmeta"] = _edit_meta(ask, issue)
    if "changelog" in expand:
        entries = [render.history(tracker, base, one) for one in tracker.history_of.get(issue["id"], ())]
        shown["changelog"] = {"startAt": 0, "maxResults": len(entries), "total": len(entries), "histories": entries}
    return shown


def _names(wanted: frozenset[str] | None) -> dict[str, str]:
    return {one.id: one.name for one in catalogue.FIELDS.values() if wanted is None or one.id in wanted}


def _transitions(ask: Ask) -> list[Doc]:
    if not ask.tracker.may(ask.user, "TRANSITION_ISSUES"):
        return []
    return [render.transition(ask.request.base, number) for number in catalogue.TRANSITIONS]


def _edit_meta(ask: Ask, issue: Doc) -> Doc:
    project = ask.tracker.projects[issue["project"]]
    names = [name for name in catalogue.CREATE_FIELDS if name != "project"] + ["comment"]
    return {"fields": {name: render.field_meta(ask.tracker, ask.request.base, catalogue.FIELDS[name], project) for name in names}}
