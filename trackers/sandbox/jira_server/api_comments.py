"""Jira's calls about comments and their properties."""

from __future__ import annotations

from trackers.sandbox.jira_server import actions, render, values
from trackers.sandbox.jira_server.api_issues import ISSUE, property_value
from trackers.sandbox.jira_server.api_meta import V2
from trackers.sandbox.jira_server.errors import denied, no_comment, refuse
from trackers.sandbox.routes import Ask, Router
from trackers.sandbox.store import Doc
from trackers.sandbox.wire import Response

COMMENT = ISSUE + "/comment/{id}"
PROPERTIES = V2 + "/comment/{id}/properties"


def register(routes: Router) -> None:
    routes.get(ISSUE + "/comment")(listing)
    routes.post(ISSUE + "/comment")(create)
    routes.get(COMMENT)(read)
    routes.put(COMMENT)(edit)
    routes.delete(COMMENT)(delete)
    routes.get(PROPERTIES)(properties)
    routes.get(PROPERTIES + "/{key}")(read_property)
    routes.put(PROPERTIES + "/{key}")(write_property)
    routes.delete(PROPERTIES + "/{key}")(drop_property)


def listing(ask: Ask) -> Response:
    issue, request = _issue(ask), ask.request
    rows = list(ask.tracker.comments_of.get(issue["id"], ()))
    if request.arg("orderBy") in ("-created", "-id"):
        rows.reverse()
    first, most = request.number("startAt", 0), request.number("maxResults", 1_048_576)
    shown = [_shown(ask, doc) for doc in rows[first : first + most]]
    return Response.json(200, {"startAt": first, "maxResults": most, "total": len(rows), "comments": shown})


def create(ask: Ask) -> Response:
    issue, body = _issue(ask), values.body_of(ask.request)
    if not ask.tracker.may(ask.user, "ADD_COMMENTS"):
        raise refuse(400, fields={"comment": "You do not have the permission to comment on this issue."})
    text, given, seen_by = values.comment_body(body), values.properties(body), values.visibility(body)
    doc = actions.comment(ask.tracker, ask.user, issue, text, properties=given, visibility=seen_by)
    return Response.json(201, _shown(ask, doc))


def read(ask: Ask) -> Response:
    return Response.json(200, _shown(ask, _comment(ask)))


def edit(ask: Ask) -> Response:
    doc, body = _comment(ask), values.body_of(ask.request)
    _allowed(ask, doc, "EDIT", "edit")
    text, given, seen_by = values.comment_body(body), values.properties(body), values.visibility(body)
    return Response.json(
        200, _shown(ask, actions.edit_comment(ask.tracker, ask.user, doc, text, properties=given, visibility=seen_by))
    )


def delete(ask: Ask) -> Response:
    doc = _comment(ask)
    _allowed(ask, doc, "DELETE", "delete")
    actions.delete_comment(ask.tracker, ask.user, doc)
    return Response(204)


def properties(ask: Ask) -> Response:
    doc = _any_comment(ask)
    here = f"{render.api(ask.request.base)}/comment/{doc['id']}/properties"
    return Response.json(200, {"keys": [{"self": f"{here}/{key}", "key": key} for key in doc["properties"]]})


def read_property(ask: Ask) -> Response:
    doc, key = _any_comment(ask), ask.args["key"]
    if key not in doc["properties"]:
        raise refuse(404, f"The property '{key}' does not exist.")
    return Response.json(200, {"key": key, "value": doc["properties"][key]})


def write_property(ask: Ask) -> Response:
    doc, key = _any_comment(ask), values.property_key(ask.args["key"])
    _allowed(ask, doc, "EDIT", "edit")
    new = key not in doc["properties"]
    doc["properties"][key] = property_value(ask)
    ask.tracker.store.put("comments", doc["id"], doc)
    return Response(201 if new else 200)


def drop_property(ask: Ask) -> Response:
    doc, key = _any_comment(ask), ask.args["key"]
    _allowed(ask, doc, "EDIT", "edit")
    if doc["properties"].pop(key, None) is None:
        raise refuse(404, f"The property '{key}' does not exist.")
    ask.tracker.store.put("comments", doc["id"], doc)
    return Response(204)


def _issue(ask: Ask) -> Doc:
    issue: Doc = ask.tracker.issue_for(ask.user, ask.args["issue"])
    return issue


def _comment(ask: Ask) -> Doc:
    doc: Doc = ask.tracker.comment_in(_issue(ask), ask.args["id"])
    return doc


def _any_comment(ask: Ask) -> Doc:
    doc: Doc | None = ask.tracker.comments.get(ask.args["id"])
    if doc is None or not ask.tracker.may(ask.user, "BROWSE_PROJECTS"):
        raise no_comment(ask.args["id"])
    return doc


def _allowed(ask: Ask, doc: Doc, verb: str, word: str) -> None:
    own = doc["author"] == ask.user and ask.tracker.may(ask.user, f"{verb}_OWN_COMMENTS")
    if not own and not ask.tracker.may(ask.user, f"{verb}_ALL_COMMENTS"):
        raise denied(f"{word} comment with id: {doc['id']}")


def _shown(ask: Ask, doc: Doc) -> Doc:
    return render.comment(ask.tracker, ask.request.base, doc, properties="properties" in ask.request.arg("expand"))
