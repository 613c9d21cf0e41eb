"""GitHub's calls about users, repositories, labels and assignees."""

from __future__ import annotations

import re

from trackers.sandbox.github import checks, render
from trackers.sandbox.github.actions import ensure_label
from trackers.sandbox.github.errors import forbidden, invalid, not_found
from trackers.sandbox.github.paging import paged
from trackers.sandbox.routes import Ask, Router
from trackers.sandbox.store import Doc
from trackers.sandbox.wire import Response

COLOR = re.compile(r"[0-9a-fA-F]{6}")


def register(routes: Router) -> None:
    routes.get("/")(root)
    routes.get("/user")(me)
    routes.get("/user/repos")(my_repos)
    routes.get("/users/{login}")(someone)
    routes.get("/orgs/{owner}/repos")(org_repos)
    routes.get("/meta")(meta)
    routes.get("/zen")(lambda ask: Response(200, b"Approachable is better than simple.", {"Content-Type": "text/plain"}))
    routes.get("/rate_limit")(rate_limit)
    routes.get("/repos/{owner}/{repo}")(read_repo)
    routes.get("/repos/{owner}/{repo}/labels")(list_labels)
    routes.post("/repos/{owner}/{repo}/labels")(create_label)
    routes.get("/repos/{owner}/{repo}/labels/{name}")(read_label)
    routes.route("PATCH", "/repos/{owner}/{repo}/labels/{name}")(edit_label)
    routes.delete("/repos/{owner}/{repo}/labels/{name}")(delete_label)
    routes.get("/repos/{owner}/{repo}/milestones")(list_milestones)
    routes.get("/repos/{owner}/{repo}/assignees")(list_assignees)
    routes.get("/repos/{owner}/{repo}/assignees/{login}")(check_assignee)
    routes.get("/repos/{owner}/{repo}/collaborators/{login}/permission")(permission)


def repo_of(ask: Ask) -> Doc:
    repo: Doc = ask.tracker.repo_for(ask.user, ask.args["owner"], ask.args["repo"])
    return repo


def writable(ask: Ask, level: str = "write") -> Doc:
    repo = repo_of(ask)
    if not ask.tracker.may(ask.user, repo, level):
        raise forbidden()
    return repo


def root(ask: Ask) -> Response:
    api = ask.tracker.links(ask.request).api
    return Response.json(
        200, {"current_user_url": f"{api}/user", "rate_limit_url": f"{api}/rate_limit", "user_url": f"{api}/users/{{user}}"}
    )


def me(ask: Ask) -> Response:
    return Response.json(200, render.whole_user(ask.tracker.links(ask.request), ask.tracker.user(ask.user)))


def someone(ask: Ask) -> Response:
    doc = ask.tracker.store.get("users", ask.args["login"].lower())
    if doc is None:
        raise not_found()
    return Response.json(200, render.whole_user(ask.tracker.links(ask.request), doc))


def my_repos(ask: Ask) -> Response:
    tracker, links = ask.tracker, ask.tracker.links(ask.request)
    rows = [repo for repo in tracker.repos.values() if tracker.may(ask.user, repo, "read")]
    return paged(ask, rows, lambda doc: render.repo(tracker, links, doc, ask.user))


def org_repos(ask: Ask) -> Response:
    if ask.args["owner"].lower() != ask.tracker.owner["login"]:
        raise not_found()
    return my_repos(ask)


def read_repo(ask: Ask) -> Response:
    repo = repo_of(ask)
    return Response.json(200, render.whole_repo(ask.tracker, ask.tracker.links(ask.request), repo, ask.user))


def meta(ask: Ask) -> Response:
    return Response.json(200, {"verifiable_password_authentication": True, "installed_version": "3.19.0", "packages": []})


def rate_limit(ask: Ask) -> Response:
    # free of charge in the real one; here it costs a call like any other
    bucket = {"limit": 1_000_000, "used": 0, "remaining": 1_000_000, "reset": 2_000_000_000}
    return Response.json(200, {"resources": {"core": bucket, "search": bucket}, "rate": bucket})


def list_labels(ask: Ask) -> Response:
    repo, links = repo_of(ask), ask.tracker.links(ask.request)
    rows = [label for label in ask.tracker.labels.values() if label["repo"] == repo["id"]]
    return paged(ask, rows, lambda doc: render.label(links, repo, doc))


def create_label(ask: Ask) -> Response:
    repo, body = writable(ask), checks.body_of(ask.request)
    name = checks.label_name(body.get("name"))
    if ask.tracker.label(repo["id"], name):
        raise invalid("Label", "name", "already_exists")
    color, description = _color(body), body.get("description")
    label = ensure_label(ask.tracker, ask.user, repo, name, color or "ededed", description)
    return Response.json(201, render.label(ask.tracker.links(ask.request), repo, label))


def read_label(ask: Ask) -> Response:
    repo = repo_of(ask)
    return Response.json(200, render.label(ask.tracker.links(ask.request), repo, _label(ask, repo)))


def edit_label(ask: Ask) -> Response:
    repo, body = writable(ask), checks.body_of(ask.request)
    label = _label(ask, repo)
    former, name = label["name"], checks.label_name(body.get("new_name", label["name"]))
    other = ask.tracker.label(repo["id"], name)
    if other and other is not label:
        raise invalid("Label", "name", "already_exists")
    label |= {"name": name, "color": _color(body) or label["color"]}
    label["description"] = body.get("description", label["description"])
    ask.tracker.keep_label(label, former)
    return Response.json(200, render.label(ask.tracker.links(ask.request), repo, label))


def delete_label(ask: Ask) -> Response:
    repo = writable(ask)
    ask.tracker.forget_label(_label(ask, repo))
    return Response(204)


def list_milestones(ask: Ask) -> Response:
    repo_of(ask)
    return Response.json(200, [])


def list_assignees(ask: Ask) -> Response:
    repo, tracker = repo_of(ask), ask.tracker
    links = tracker.links(ask.request)
    rows = [user for login, user in tracker.store.table("users").items() if tracker.is_assignable(login, repo)]
    return paged(ask, rows, lambda doc: render.user(links, doc))


def check_assignee(ask: Ask) -> Response:
    if not ask.tracker.is_assignable(ask.args["login"].lower(), repo_of(ask)):
        raise not_found()
    return Response(204)


def permission(ask: Ask) -> Response:
    repo, tracker = writable(ask), ask.tracker
    doc = tracker.store.get("users", ask.args["login"].lower())
    if doc is None:
        raise not_found()
    level = tracker.access(doc["login"], repo)
    shown = {**render.user(tracker.links(ask.request), doc), "permissions": render.permissions(level), "role_name": level}
    coarse = {"maintain": "write", "triage": "read"}.get(level, level)
    return Response.json(200, {"permission": coarse, "role_name": level, "user": shown})


def _label(ask: Ask, repo: Doc) -> Doc:
    label: Doc | None = ask.tracker.label(repo["id"], ask.args["name"])
    if label is None:
        raise not_found()
    return label


def _color(body: Doc) -> str:
    color = body.get("color")
    if color is None:
        return ""
    if not isinstance(color, str) or not COLOR.fullmatch(color):
        raise invalid("Label", "color", "invalid")
    return color
