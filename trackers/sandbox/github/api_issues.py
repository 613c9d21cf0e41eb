"""GitHub's calls about issues, their labels, comments and events."""

from __future__ import annotations

from collections.abc import Callable

from trackers.sandbox.github import actions, checks, render, search
from trackers.sandbox.github.api_repos import repo_of, writable
from trackers.sandbox.github.errors import forbidden, invalid, not_found, refuse
from trackers.sandbox.github.paging import paged, since
from trackers.sandbox.routes import Ask, Router
from trackers.sandbox.store import Doc
from trackers.sandbox.wire import Request, Response

REPO = "/repos/{owner}/{repo}"
ISSUE = REPO + "/issues/{number}"


def register(routes: Router) -> None:
    routes.get(REPO + "/issues")(list_issues)
    routes.post(REPO + "/issues")(create)
    routes.get(REPO + "/issues/comments")(list_repo_comments)
    routes.get(REPO + "/issues/events")(list_repo_events)
    routes.get(REPO + "/issues/comments/{id}")(read_comment)
    routes.route("PATCH", REPO + "/issues/comments/{id}")(edit_comment)
    routes.delete(REPO + "/issues/comments/{id}")(delete_comment)
    routes.get(ISSUE)(read)
    routes.route("PATCH", ISSUE)(edit)
    routes.get(ISSUE + "/comments")(list_comments)
    routes.post(ISSUE + "/comments")(create_comment)
    routes.get(ISSUE + "/labels")(list_labels)
    routes.post(ISSUE + "/labels")(add_labels)
    routes.put(ISSUE + "/labels")(replace_labels)
    routes.delete(ISSUE + "/labels")(clear_labels)
    routes.delete(ISSUE + "/labels/{name}")(remove_label)
    routes.post(ISSUE + "/assignees")(add_assignees)
    routes.delete(ISSUE + "/assignees")(remove_assignees)
    routes.put(ISSUE + "/lock")(lock)
    routes.delete(ISSUE + "/lock")(unlock)
    routes.get(ISSUE + "/events")(list_events)
    routes.get(ISSUE + "/timeline")(timeline)
    routes.get("/search/issues")(search.issues)


def list_issues(ask: Ask) -> Response:
    repo, tracker, request = _open_repo(ask), ask.tracker, ask.request
    wanted = _filter(ask, repo)
    rows = [issue for issue in tracker.issues_of.get(repo["id"], {}).values() if not issue["deleted"] and wanted(issue)]
    _sort(request, rows, {**TIMES, "comments": lambda doc: len(tracker.comments_of.get(doc["id"], ()))})
    links = tracker.links(request)
    return paged(ask, rows, lambda doc: render.issue(tracker, links, doc))


def create(ask: Ask) -> Response:
    repo, body = _open_repo(ask), checks.body_of(ask.request)
    fields: Doc = {"title": checks.title(body), "body": checks.issue_body(body)}
    fields |= _sets(ask, repo, body)
    issue = actions.create_issue(ask.tracker, ask.user, repo, fields)
    response = _shown(ask, issue, 201)
    response.headers["Location"] = f"{render.repo_url(ask.tracker.links(ask.request), repo)}/issues/{issue['number']}"
    return response


def read(ask: Ask) -> Response:
    return _shown(ask, _issue(ask)[1])


def edit(ask: Ask) -> Response:
    repo, issue = _issue(ask)
    body = checks.body_of(ask.request)
    fields: Doc = {}
    if body.get("title") is not None:
        fields["title"] = checks.title(body)
    if "body" in body:
        fields["body"] = checks.issue_body(body)
    fields["state"], fields["state_reason"] = checks.state(body)
    own = issue["user"] == ask.user
    if (fields.keys() & {"title", "body"} and not (own or ask.tracker.may(ask.user, repo, "write"))) or (
        fields["state"] and not (own or ask.tracker.may(ask.user, repo, "triage"))
    ):
        raise forbidden()
    fields |= _sets(ask, repo, body)
    return _shown(ask, actions.edit_issue(ask.tracker, ask.user, issue, fields))


def list_labels(ask: Ask) -> Response:
    repo, issue = _issue(ask)
    links = ask.tracker.links(ask.request)
    return paged(ask, ask.tracker.labels_on(issue), lambda doc: render.label(links, repo, doc))


def add_labels(ask: Ask) -> Response:
    return _change_labels(ask, lambda now, given: list(dict.fromkeys([*now, *given])))


def replace_labels(ask: Ask) -> Response:
    return _change_labels(ask, lambda now, given: given)


def clear_labels(ask: Ask) -> Response:
    _, issue = _triaged(ask)
    actions.edit_issue(ask.tracker, ask.user, issue, {"labels": []})
    return Response(204)


def remove_label(ask: Ask) -> Response:
    repo, issue = _triaged(ask)
    label = ask.tracker.label(repo["id"], ask.args["name"])
    if label is None or label["id"] not in issue["labels"]:
        raise refuse(404, "Label does not exist")
    names = [one["name"] for one in ask.tracker.labels_on(issue) if one is not label]
    actions.edit_issue(ask.tracker, ask.user, issue, {"labels": names})
    return _labels(ask, repo, issue)


def add_assignees(ask: Ask) -> Response:
    _, issue = _triaged(ask)
    given = checks.logins(checks.body_of(ask.request).get("assignees", []))
    wanted = list(dict.fromkeys([*issue["assignees"], *(login.lower() for login in given)]))
    return _shown(ask, actions.edit_issue(ask.tracker, ask.user, issue, {"assignees": wanted}), 201)


def remove_assignees(ask: Ask) -> Response:
    _, issue = _triaged(ask)
    gone = {login.lower() for login in checks.logins(checks.body_of(ask.request).get("assignees", []))}
    wanted = [login for login in issue["assignees"] if login not in gone]
    return _shown(ask, actions.edit_issue(ask.tracker, ask.user, issue, {"assignees": wanted}))


def lock(ask: Ask) -> Response:
    writable(ask)
    reason = checks.body_of(ask.request).get("lock_reason")
    if reason not in (None, "off-topic", "too heated", "resolved", "spam"):
        raise invalid("Issue", "lock_reason", "invalid", value=reason)
    actions.lock(ask.tracker, ask.user, _issue(ask)[1], True, reason)
    return Response(204)


def unlock(ask: Ask) -> Response:
    writable(ask)
    actions.lock(ask.tracker, ask.user, _issue(ask)[1], False)
    return Response(204)


def list_comments(ask: Ask) -> Response:
    _, issue = _issue(ask)
    after = since(ask.request)
    rows = [doc for doc in ask.tracker.comments_of.get(issue["id"], ()) if doc["updated"] // 1000 >= after]
    return _comments(ask, rows)


def list_repo_comments(ask: Ask) -> Response:
    repo, tracker = _open_repo(ask), ask.tracker
    after = since(ask.request)
    rows = [
        doc
        for doc in tracker.comments.values()
        if doc["updated"] // 1000 >= after and tracker.issues[doc["issue"]]["repo"] == repo["id"]
    ]
    if ask.request.arg("sort") in ("created", "updated"):
        _sort(ask.request, rows, TIMES)
    return _comments(ask, rows)


def create_comment(ask: Ask) -> Response:
    repo, issue = _issue(ask)
    if issue["locked"] and not ask.tracker.may(ask.user, repo, "write"):
        raise refuse(403, "Unable to create comment because issue is locked.")
    body = checks.comment_body(checks.body_of(ask.request))
    return _comment(ask, actions.comment(ask.tracker, ask.user, issue, body), 201)


def read_comment(ask: Ask) -> Response:
    return _comment(ask, _comment_of(ask))


def edit_comment(ask: Ask) -> Response:
    doc = _own_comment(ask)
    body = checks.comment_body(checks.body_of(ask.request))
    return _comment(ask, actions.edit_comment(ask.tracker, ask.user, doc, body))


def delete_comment(ask: Ask) -> Response:
    actions.delete_comment(ask.tracker, ask.user, _own_comment(ask))
    return Response(204)


def list_events(ask: Ask) -> Response:
    _, issue = _issue(ask)
    tracker, links = ask.tracker, ask.tracker.links(ask.request)
    return paged(ask, tracker.events_of.get(issue["id"], []), lambda doc: render.event(tracker, links, doc))


def list_repo_events(ask: Ask) -> Response:
    repo, tracker = _open_repo(ask), ask.tracker
    links = tracker.links(ask.request)
    rows = [doc for doc in tracker.store.table("events").values() if tracker.issues[doc["issue"]]["repo"] == repo["id"]]

    def show(doc: Doc) -> Doc:
        return {**render.event(tracker, links, doc), "issue": render.issue(tracker, links, tracker.issues[doc["issue"]])}

    return paged(ask, rows[::-1], show)


def timeline(ask: Ask) -> Response:
    """Events and comments in the order they happened."""
    _, issue = _issue(ask)
    tracker, links = ask.tracker, ask.tracker.links(ask.request)
    rows = [*tracker.events_of.get(issue["id"], ()), *tracker.comments_of.get(issue["id"], ())]
    rows.sort(key=lambda doc: doc["created"])

    def show(doc: Doc) -> Doc:
        if "event" in doc:
            return render.event(tracker, links, doc)
        shown = render.comment(tracker, links, doc)
        return {**shown, "event": "commented", "actor": shown["user"]}

    return paged(ask, rows, show)


def _open_repo(ask: Ask) -> Doc:
    repo = repo_of(ask)
    if not repo["has_issues"]:
        raise refuse(410, "Issues has been disabled in this repository.")
    return repo


def _issue(ask: Ask) -> tuple[Doc, Doc]:
    repo = _open_repo(ask)
    return repo, ask.tracker.issue_in(repo, ask.args["number"])


def _triaged(ask: Ask) -> tuple[Doc, Doc]:
    writable(ask, "triage")
    return _issue(ask)


def _shown(ask: Ask, issue: Doc, status: int = 200) -> Response:
    return Response.json(status, render.issue(ask.tracker, ask.tracker.links(ask.request), issue))


def _sets(ask: Ask, repo: Doc, body: Doc) -> Doc:
    """Labels and assignees of a body; dropped without a word when the user may not push."""
    fields: Doc = {}
    if body.get("labels") is not None:
        fields["labels"] = checks.label_names(body["labels"])
    if body.get("assignees") is not None:
        fields["assignees"] = [login.lower() for login in checks.logins(body["assignees"])]
    return fields if ask.tracker.may(ask.user, repo, "write") else {}


def _change_labels(ask: Ask, change: Callable[[list[str], list[str]], list[str]]) -> Response:
    repo, issue = _triaged(ask)
    try:
        body = ask.request.json()
    except ValueError:
        raise refuse(400, "Problems parsing JSON") from None
    given = checks.label_names(body.get("labels", []) if isinstance(body, dict) else body)
    now = [label["name"] for label in ask.tracker.labels_on(issue)]
    known = {name.lower(): name for name in now}
    names = change(now, [known.get(name.lower(), name) for name in given])
    actions.edit_issue(ask.tracker, ask.user, issue, {"labels": names})
    return _labels(ask, repo, issue)


def _labels(ask: Ask, repo: Doc, issue: Doc) -> Response:
    links = ask.tracker.links(ask.request)
    return Response.json(200, [render.label(links, repo, one) for one in ask.tracker.labels_on(issue)])


def _comment_of(ask: Ask) -> Doc:
    repo, text = _open_repo(ask), ask.args["id"]
    doc: Doc | None = ask.tracker.comments.get(int(text)) if text.isdigit() else None
    if doc is None or ask.tracker.issues[doc["issue"]]["repo"] != repo["id"]:
        raise not_found()
    return doc


def _own_comment(ask: Ask) -> Doc:
    doc = _comment_of(ask)
    if doc["user"] != ask.user and not ask.tracker.may(ask.user, repo_of(ask), "write"):
        raise forbidden()
    return doc


def _comment(ask: Ask, doc: Doc, status: int = 200) -> Response:
    return Response.json(status, render.comment(ask.tracker, ask.tracker.links(ask.request), doc))


def _comments(ask: Ask, rows: list[Doc]) -> Response:
    tracker, links = ask.tracker, ask.tracker.links(ask.request)
    return paged(ask, rows, lambda doc: render.comment(tracker, links, doc))


def _filter(ask: Ask, repo: Doc) -> Callable[[Doc], bool]:
    request, tracker = ask.request, ask.tracker
    state, after = request.arg("state", "open"), since(request)
    if state not in ("open", "closed", "all"):
        raise invalid("Issue", "state", "invalid", value=state)
    creator, assignee = request.arg("creator").lower(), request.arg("assignee").lower()
    names = [name for name in request.arg("labels").split(",") if name]
    labels = [tracker.label(repo["id"], name) for name in names]

    def wanted(issue: Doc) -> bool:
        return (
            (state == "all" or issue["state"] == state)
            and issue["updated"] // 1000 >= after
            and (not creator or issue["user"] == creator)
            and _assigned(issue, assignee)
            and all(label is not None and label["id"] in issue["labels"] for label in labels)
        )

    return wanted


def _assigned(issue: Doc, assignee: str) -> bool:
    if assignee in ("", "*", "none"):
        return not assignee or bool(issue["assignees"]) == (assignee == "*")
    return assignee in issue["assignees"]


def _sort(request: Request, rows: list[Doc], keys: dict[str, Callable[[Doc], int]]) -> None:
    by = request.arg("sort", "created")
    if by not in keys:
        raise invalid("Issue", "sort", "invalid", value=by)
    direction = request.arg("direction", "desc")
    if direction not in ("asc", "desc"):
        raise invalid("Issue", "direction", "invalid", value=direction)
    # whole seconds decide, as in the real one; equal ones stay in order of creation
    rows.sort(key=lambda doc: (keys[by](doc), doc["id"]), reverse=direction == "desc")


TIMES: dict[str, Callable[[Doc], int]] = {
    "created": lambda doc: int(doc["created"]) // 1000,
    "updated": lambda doc: int(doc["updated"]) // 1000,
}
