"""The pages on which people work with the simulated Jira's issues: /projects/PAY and /browse/PAY-1."""

from __future__ import annotations

import json
from collections.abc import Callable
from html import escape
from typing import TYPE_CHECKING, Any

from trackers.sandbox import pages
from trackers.sandbox.jira_server import actions, catalogue, render, values
from trackers.sandbox.jira_server.errors import denied
from trackers.sandbox.routes import Ask, Refusal, Router
from trackers.sandbox.store import Doc
from trackers.sandbox.wire import Request, Response

if TYPE_CHECKING:
    from trackers.sandbox.jira_server.tracker import JiraServer

PRIORITIES = [(number, one[0]) for number, one in catalogue.PRIORITIES.items()]
TYPES = [(number, one[0]) for number, one in catalogue.TYPES.items()]


def answer(tracker: JiraServer, request: Request) -> Response:
    if request.path == "/switch-user" and request.method == "POST":
        return pages.switch(tracker, request.form())
    user = pages.acting(tracker, request, request.form() if request.method == "POST" else None)
    found = ROUTES.find("GET" if request.method == "HEAD" else request.method, request.parts)
    if found is None:
        return pages.problem(tracker, request, 404, "There is no such page.")
    handler, args = found
    try:
        return handler(Ask(tracker, request, user, args))
    except Refusal as refusal:
        return pages.problem(tracker, request, refusal.response.status, _sentence(refusal))


def start(ask: Ask) -> Response:
    rows = [
        [pages.link(f"/projects/{doc['key']}", doc["key"]), doc["name"], doc["description"]]
        for doc in ask.tracker.projects.values()
    ]
    return pages.frame(ask.tracker, ask.request, "Projects", pages.table(("Key", "Name", "About"), rows, "None."))


def listing(ask: Ask) -> Response:
    project = ask.tracker.project_for(ask.user, ask.args["project"])
    found = [one for one in ask.tracker.issues.values() if one["project"] == project["id"]][::-1]
    rows = [
        [
            pages.link(f"/browse/{one['key']}", one["key"]),
            pages.link(f"/browse/{one['key']}", one["summary"]),
            catalogue.TYPES[one["type"]][0],
            catalogue.STATUSES[one["status"]][0],
            catalogue.PRIORITIES[one["priority"]][0],
            one["assignee"] or "–",
        ]
        for one in found[:500]
    ]
    body = f"<p>{pages.link('/projects/' + project['key'] + '/new', 'Create issue')}</p>"
    body += pages.table(("Key", "Summary", "Type", "Status", "Priority", "Assignee"), rows, "No issues here.")
    return pages.frame(ask.tracker, ask.request, f"{project['name']} ({project['key']})", body)


def new(ask: Ask) -> Response:
    project = ask.tracker.project_for(ask.user, ask.args["project"])
    fields = pages.line("summary", "Summary", required=True) + pages.area("description", "Description (wiki markup)")
    fields += pages.choice("issuetype", "Issue type", TYPES, "10002") + pages.choice("priority", "Priority", PRIORITIES, "3")
    fields += pages.line("labels", "Labels", hint="separated by spaces") + pages.choice("assignee", "Assignee", _people(ask), "")
    body = pages.form(f"/projects/{project['key']}", fields, "Create issue", kind="go", label="Create issue")
    return pages.frame(ask.tracker, ask.request, f"Create issue in {project['name']}", body)


def create(ask: Ask) -> Response:
    project = ask.tracker.project_for(ask.user, ask.args["project"])
    given = {"summary": "", "issuetype": "10002", **ask.request.form()}
    fields = values.wanted(ask.tracker, {"fields": {**_as_json(given), "project": {"id": project["id"]}}}, None)
    issue = actions.create_issue(ask.tracker, ask.user, fields)
    return Response.redirect(f"/browse/{issue['key']}")


def show(ask: Ask) -> Response:
    tracker, issue = ask.tracker, _issue(ask)
    base = f"/browse/{issue['key']}"
    edit = base + "/edit"
    description = pages.folded(
        "Edit description",
        pages.form(edit, pages.area("description", "Description", issue["description"] or ""), "Save description"),
    )
    heading = f"{issue['creator']} created this {render.stamp(issue['created'])}, last changed {render.stamp(issue['updated'])}"
    main = pages.text_block(heading, issue["description"] or "No description.", description)
    main += "".join(_comment(base, doc) for doc in tracker.comments_of.get(issue["id"], ()))
    main += pages.form(f"{base}/comments", pages.area("body", "Add a comment", key="new-comment"), "Add comment", kind="go")
    main += "<h2>History</h2>" + pages.table(("Who", "What", "From", "To", "When"), _history(ask, issue), "Nothing happened yet.")
    side = pages.panel(tracker, f"{tracker.base}{base}")
    side += pages.form(edit, pages.line("summary", "Summary", issue["summary"], required=True), "Save summary")
    names = [(number, one[0]) for number, one in catalogue.STATUSES.items()]
    side += pages.form(edit, pages.choice("status", "Status", names, issue["status"]), "Save status")
    side += pages.form(edit, pages.choice("priority", "Priority", PRIORITIES, issue["priority"]), "Save priority")
    side += pages.form(edit, pages.choice("issuetype", "Issue type", TYPES, issue["type"]), "Save type")
    side += pages.form(edit, pages.choice("assignee", "Assignee", _people(ask), issue["assignee"] or ""), "Save assignee")
    labels = pages.line("labels", "Labels", " ".join(issue["labels"]), hint="separated by spaces")
    side += pages.form(edit, labels, "Save labels") + pages.form(f"{base}/delete", "", "Delete issue", kind="bad")
    project = tracker.projects[issue["project"]]
    status = catalogue.STATUSES[issue["status"]][0]
    top = f"<p>{pages.link('/projects/' + project['key'], project['name'])} · <strong>{status}</strong></p>"
    body = f'{top}<div class="columns"><div>{main}</div><aside aria-label="Properties">{side}</aside></div>'
    return pages.frame(tracker, ask.request, f"{issue['key']} {issue['summary']}", body)


def edit(ask: Ask) -> Response:
    """Changes the fields that the form holds, as an edit in place does."""
    issue, given = _issue(ask), ask.request.form()
    fields = values.wanted(ask.tracker, {"fields": _as_json(given)}, issue)
    ask.tracker.demand(ask.user, "EDIT_ISSUES", "edit issues in this project")
    actions.edit_issue(ask.tracker, ask.user, issue, fields)
    moves = [number for number, (_, target) in catalogue.TRANSITIONS.items() if target == given.get("status")]
    if moves:
        actions.move(ask.tracker, ask.user, issue, moves[0])
    return Response.redirect(f"/browse/{issue['key']}")


def delete(ask: Ask) -> Response:
    issue = _issue(ask)
    ask.tracker.demand(ask.user, "DELETE_ISSUES", "delete issues in this project")
    actions.delete_issue(ask.tracker, ask.user, issue)
    return Response.redirect(f"/projects/{issue['key'].rpartition('-')[0]}")


def add_comment(ask: Ask) -> Response:
    issue = _issue(ask)
    ask.tracker.demand(ask.user, "ADD_COMMENTS", "comment on issues in this project")
    doc = actions.comment(ask.tracker, ask.user, issue, values.comment_body(ask.request.form()))
    return Response.redirect(f"/browse/{issue['key']}#comment-{doc['id']}")


def edit_comment(ask: Ask) -> Response:
    doc = _own_comment(ask, "EDIT")
    actions.edit_comment(ask.tracker, ask.user, doc, values.comment_body(ask.request.form()), visibility=doc["visibility"])
    return Response.redirect(f"/browse/{ask.args['issue']}#comment-{doc['id']}")


def delete_comment(ask: Ask) -> Response:
    actions.delete_comment(ask.tracker, ask.user, _own_comment(ask, "DELETE"))
    return Response.redirect(f"/browse/{ask.args['issue']}")


def _issue(ask: Ask) -> Doc:
    issue: Doc = ask.tracker.issue_for(ask.user, ask.args["issue"])
    return issue


def _own_comment(ask: Ask, verb: str) -> Doc:
    doc: Doc = ask.tracker.comment_in(_issue(ask), ask.args["id"])
    if doc["author"] != ask.user and not ask.tracker.may(ask.user, "ADMINISTER"):
        raise denied(f"{verb.lower()} this comment")
    return doc


def _as_json(given: dict[str, str]) -> Doc:
    """A form's fields as the API would get them."""
    shapes: dict[str, Callable[[str], Any]] = {
        "summary": lambda text: text,
        "description": lambda text: text,
        "labels": lambda text: text.split(),
        "assignee": lambda text: {"name": text} if text else None,
        "priority": lambda text: {"id": text},
        "issuetype": lambda text: {"id": text},
    }
    return {name: shape(given[name]) for name, shape in shapes.items() if name in given}


def _people(ask: Ask) -> list[tuple[str, str]]:
    people = ask.tracker.store.table("users").items()
    return [("", "Unassigned"), *((name, doc["display"]) for name, doc in people if ask.tracker.may(name, "ASSIGNABLE_USER"))]


def _comment(base: str, doc: Doc) -> str:
    here = f"{base}/comments/{doc['id']}"
    change = pages.form(
        f"{here}/edit", pages.area("body", "Comment", doc["body"], key=f"comment-text-{doc['id']}"), "Save comment"
    )
    change += pages.form(f"{here}/delete", "", "Delete comment", kind="bad")
    heading = f"{doc['author']} commented {render.stamp(doc['created'])}"
    return pages.text_block(heading, doc["body"], pages.folded("Edit comment", change), anchor=f"comment-{doc['id']}")


def _history(ask: Ask, issue: Doc) -> list[list[str]]:
    entries = ask.tracker.history_of.get(issue["id"], [])[-100:]
    return [
        [
            entry["author"],
            item["field"],
            *(_short(item[side]) for side in ("fromString", "toString")),
            render.stamp(entry["created"]) or "",
        ]
        for entry in entries
        for item in entry["items"]
    ]


def _short(text: str | None) -> str:
    text = text or "–"
    return escape(text if len(text) <= 80 else text[:79] + "…")


def _sentence(refusal: Refusal) -> str:
    told = json.loads(refusal.response.body)
    return " ".join([*told["errorMessages"], *(f"{name}: {text}" for name, text in told["errors"].items())])


ROUTES = Router()
ROUTES.get("/")(start)
ROUTES.get("/projects")(start)
ROUTES.get("/projects/{project}")(listing)
ROUTES.get("/projects/{project}/issues")(listing)
ROUTES.post("/projects/{project}")(create)
ROUTES.get("/projects/{project}/new")(new)
ROUTES.get("/browse/{issue}")(show)
ROUTES.post("/browse/{issue}/edit")(edit)
ROUTES.post("/browse/{issue}/delete")(delete)
ROUTES.post("/browse/{issue}/comments")(add_comment)
ROUTES.post("/browse/{issue}/comments/{id}/edit")(edit_comment)
ROUTES.post("/browse/{issue}/comments/{id}/delete")(delete_comment)
