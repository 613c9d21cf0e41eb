"""The pages on which people work with the simulated GitHub's issues: /acme/demo/issues and below."""

from __future__ import annotations

import json
from html import escape
from typing import TYPE_CHECKING

from trackers.sandbox import pages
from trackers.sandbox.github import actions, checks, render
from trackers.sandbox.github.errors import forbidden
from trackers.sandbox.routes import Ask, Refusal, Router
from trackers.sandbox.store import Doc
from trackers.sandbox.wire import Request, Response

if TYPE_CHECKING:
    from trackers.sandbox.github.tracker import GitHub

ISSUES = "/{owner}/{repo}/issues"
STATES = {
    "open": "Open",
    "completed": "Closed as completed",
    "not_planned": "Closed as not planned",
    "duplicate": "Closed as duplicate",
}


def answer(tracker: GitHub, request: Request) -> Response:
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
        [
            pages.link(f"/{repo['full_name']}/issues", repo["full_name"]),
            repo["description"],
            str(ask.tracker.open_count(repo["id"])),
        ]
        for repo in ask.tracker.repos.values()
    ]
    return pages.frame(
        ask.tracker, ask.request, "Repositories", pages.table(("Repository", "About", "Open issues"), rows, "None.")
    )


def listing(ask: Ask) -> Response:
    repo, state = _repo(ask), ask.request.arg("state", "open")
    found = [one for one in ask.tracker.issues_of.get(repo["id"], {}).values() if not one["deleted"]]
    shown = [one for one in found if state == "all" or one["state"] == state][::-1]
    base = f"/{repo['full_name']}/issues"
    rows = [
        [
            pages.link(f"{base}/{one['number']}", f"#{one['number']}"),
            pages.link(f"{base}/{one['number']}", one["title"]),
            _state(one),
            escape(", ".join(label["name"] for label in ask.tracker.labels_on(one))),
            one["user"],
        ]
        for one in shown[:500]
    ]
    others = " · ".join(pages.link(f"{base}?state={name}", name.capitalize()) for name in ("open", "closed", "all"))
    body = f"<p>{pages.link(base + '/new', 'New issue')} · {others}</p>"
    body += pages.table(("Number", "Title", "State", "Labels", "By"), rows, "No issues here.")
    return pages.frame(ask.tracker, ask.request, f"Issues of {repo['full_name']}", body)


def new(ask: Ask) -> Response:
    repo = _repo(ask)
    fields = pages.line("title", "Title", required=True) + pages.area("body", "Description (Markdown)")
    fields += pages.line("labels", "Labels", hint="separated by commas")
    body = pages.form(f"/{repo['full_name']}/issues", fields, "Create issue", kind="go", label="New issue")
    return pages.frame(ask.tracker, ask.request, f"New issue in {repo['full_name']}", body)


def create(ask: Ask) -> Response:
    repo, given = _repo(ask), ask.request.form()
    fields: Doc = {"title": checks.title(given), "body": checks.issue_body(given)}
    fields |= _sets(ask, repo, given)
    issue = actions.create_issue(ask.tracker, ask.user, repo, fields)
    return Response.redirect(f"/{repo['full_name']}/issues/{issue['number']}")


def show(ask: Ask) -> Response:
    repo, issue = _issue(ask)
    tracker, base = ask.tracker, f"/{repo['full_name']}/issues/{issue['number']}"
    edit = base + "/edit"
    description = pages.folded(
        "Edit description", pages.form(edit, pages.area("body", "Description", issue["body"] or ""), "Save description")
    )
    main = pages.text_block(_heading(issue), issue["body"] or "No description provided.", description)
    main += "".join(_comment(base, doc) for doc in tracker.comments_of.get(issue["id"], ()))
    main += pages.form(f"{base}/comments", pages.area("body", "Add a comment", key="new-comment"), "Comment", kind="go")
    history = [
        [one["actor"], one["event"], escape(_detail(one)), render.stamp(one["created"]) or ""] for one in _events(ask, issue)
    ]
    main += "<h2>History</h2>" + pages.table(("Who", "What", "Detail", "When"), history, "Nothing happened yet.")
    labels = ", ".join(label["name"] for label in tracker.labels_on(issue))
    now = "open" if issue["state"] == "open" else issue["state_reason"] or "completed"
    side = pages.panel(tracker, render.issue_page(tracker.links(), repo, issue))
    side += pages.form(edit, pages.line("title", "Title", issue["title"], required=True), "Save title")
    side += pages.form(edit, pages.choice("state", "Status", STATES.items(), now), "Save status")
    side += pages.form(edit, pages.line("labels", "Labels", labels, hint="separated by commas"), "Save labels")
    people = pages.line("assignees", "Assignees", ", ".join(issue["assignees"]), hint="separated by commas")
    side += pages.form(edit, people, "Save assignees")
    side += pages.form(f"{base}/delete", "", "Delete issue", kind="bad")
    top = f"<p>{pages.link(base.rpartition('/')[0], repo['full_name'])} · <strong>{_state(issue)}</strong></p>"
    body = f'{top}<div class="columns"><div>{main}</div><aside aria-label="Properties">{side}</aside></div>'
    return pages.frame(tracker, ask.request, f"{issue['title']} #{issue['number']}", body)


def edit(ask: Ask) -> Response:
    """Changes the fields that the form holds, as an edit in place does."""
    repo, issue = _issue(ask)
    given, fields = ask.request.form(), Doc()
    if "title" in given:
        fields["title"] = checks.title(given)
    if "body" in given:
        fields["body"] = checks.issue_body(given)
    if given.get("state") in STATES:
        state = given["state"]
        fields |= {"state": "open"} if state == "open" else {"state": "closed", "state_reason": state}
    own = issue["user"] == ask.user
    if fields and not own and not ask.tracker.may(ask.user, repo, "write"):
        raise forbidden()
    actions.edit_issue(ask.tracker, ask.user, issue, fields | _sets(ask, repo, given))
    return _back(ask)


def delete(ask: Ask) -> Response:
    repo, issue = _issue(ask)
    if not ask.tracker.may(ask.user, repo, "admin"):
        raise forbidden()
    actions.delete_issue(ask.tracker, ask.user, issue)
    return Response.redirect(f"/{repo['full_name']}/issues")


def add_comment(ask: Ask) -> Response:
    doc = actions.comment(ask.tracker, ask.user, _issue(ask)[1], checks.comment_body(ask.request.form()))
    return _back(ask, f"#issuecomment-{doc['id']}")


def edit_comment(ask: Ask) -> Response:
    actions.edit_comment(ask.tracker, ask.user, _own_comment(ask), checks.comment_body(ask.request.form()))
    return _back(ask, f"#issuecomment-{ask.args['id']}")


def delete_comment(ask: Ask) -> Response:
    actions.delete_comment(ask.tracker, ask.user, _own_comment(ask))
    return _back(ask)


def _repo(ask: Ask) -> Doc:
    repo: Doc = ask.tracker.repo_for(ask.user, ask.args["owner"], ask.args["repo"])
    return repo


def _issue(ask: Ask) -> tuple[Doc, Doc]:
    repo = _repo(ask)
    return repo, ask.tracker.issue_in(repo, ask.args["number"])


def _own_comment(ask: Ask) -> Doc:
    repo, issue = _issue(ask)
    found = [doc for doc in ask.tracker.comments_of.get(issue["id"], ()) if str(doc["id"]) == ask.args["id"]]
    if not found or not (found[0]["user"] == ask.user or ask.tracker.may(ask.user, repo, "write")):
        raise forbidden()
    doc: Doc = found[0]
    return doc


def _sets(ask: Ask, repo: Doc, given: dict[str, str]) -> Doc:
    fields: Doc = {}
    if "labels" in given:
        fields["labels"] = checks.label_names([one for one in given["labels"].split(",") if one.strip()])
    if "assignees" in given:
        fields["assignees"] = checks.logins([one.strip().lower() for one in given["assignees"].split(",") if one.strip()])
    return fields if ask.tracker.may(ask.user, repo, "write") else {}


def _comment(base: str, doc: Doc) -> str:
    here = f"{base}/comments/{doc['id']}"
    change = pages.form(f"{here}/edit", pages.area("body", "Comment", doc["body"], key=f"comment-{doc['id']}"), "Save comment")
    change += pages.form(f"{here}/delete", "", "Delete comment", kind="bad")
    return pages.text_block(
        f"{doc['user']} commented {render.stamp(doc['created'])}",
        doc["body"],
        pages.folded("Edit comment", change),
        anchor=f"issuecomment-{doc['id']}",
    )


def _heading(issue: Doc) -> str:
    return f"{issue['user']} opened this {render.stamp(issue['created'])}, last changed {render.stamp(issue['updated'])}"


def _state(issue: Doc) -> str:
    return "Open" if issue["state"] == "open" else STATES[issue["state_reason"] or "completed"]


def _events(ask: Ask, issue: Doc) -> list[Doc]:
    events: list[Doc] = ask.tracker.events_of.get(issue["id"], [])
    return events[-100:]


def _detail(event: Doc) -> str:
    if "rename" in event:
        return f"{event['rename']['from']} → {event['rename']['to']}"
    if "label" in event:
        return str(event["label"]["name"])
    return str(event.get("assignee") or event.get("state_reason") or "")


def _back(ask: Ask, anchor: str = "") -> Response:
    return Response.redirect(f"/{ask.args['owner']}/{ask.args['repo']}/issues/{ask.args['number']}{anchor}")


def _sentence(refusal: Refusal) -> str:
    told = json.loads(refusal.response.body)
    details = [one.get("message") or f"{one['field']}: {one['code']}" for one in told.get("errors", [])]
    return ". ".join([told["message"], *details])


ROUTES = Router()
ROUTES.get("/")(start)
ROUTES.get("/{owner}/{repo}")(listing)
ROUTES.get(ISSUES)(listing)
ROUTES.post(ISSUES)(create)
ROUTES.get(ISSUES + "/new")(new)
ROUTES.get(ISSUES + "/{number}")(show)
ROUTES.post(ISSUES + "/{number}/edit")(edit)
ROUTES.post(ISSUES + "/{number}/delete")(delete)
ROUTES.post(ISSUES + "/{number}/comments")(add_comment)
ROUTES.post(ISSUES + "/{number}/comments/{id}/edit")(edit_comment)
ROUTES.post(ISSUES + "/{number}/comments/{id}/delete")(delete_comment)
