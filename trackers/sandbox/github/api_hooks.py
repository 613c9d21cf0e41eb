"""GitHub's calls about a repository's webhooks and their deliveries."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from trackers.sandbox.github import checks, hooks, render
from trackers.sandbox.github.actions import now
from trackers.sandbox.github.api_repos import repo_of
from trackers.sandbox.github.errors import forbidden, invalid, not_found, refuse
from trackers.sandbox.github.paging import paged
from trackers.sandbox.routes import Ask, Router
from trackers.sandbox.store import Doc
from trackers.sandbox.webhooks import Delivery
from trackers.sandbox.wire import Response

HOOKS = "/repos/{owner}/{repo}/hooks"
EVENTS = frozenset(
    ("*", "push", "issues", "issue_comment", "label", "milestone", "repository", "member", "sub_issues", "issue_dependencies")
)


def register(routes: Router) -> None:
    routes.get(HOOKS)(list_hooks)
    routes.post(HOOKS)(create)
    routes.get(HOOKS + "/{id}")(read)
    routes.route("PATCH", HOOKS + "/{id}")(edit)
    routes.delete(HOOKS + "/{id}")(delete)
    routes.post(HOOKS + "/{id}/pings")(ping)
    routes.get(HOOKS + "/{id}/deliveries")(deliveries)
    routes.post(HOOKS + "/{id}/deliveries/{delivery}/attempts")(redeliver)


def list_hooks(ask: Ask) -> Response:
    repo, links = _owned(ask), ask.tracker.links(ask.request)
    return paged(ask, ask.tracker.hooks_of(repo["id"]), lambda doc: render.hook(links, repo, doc))


def create(ask: Ask) -> Response:
    repo, body = _owned(ask), checks.body_of(ask.request)
    if body.get("name", "web") != "web":
        raise invalid("Hook", "name", "custom", "name must be 'web'")
    config = _config(body.get("config"))
    events = _events(body.get("events", ["push"]))
    others = ask.tracker.hooks_of(repo["id"])
    if any(one["config"]["url"] == config["url"] and set(one["events"]) & set(events) for one in others):
        raise refuse(
            422,
            "Validation Failed",
            [{"resource": "Hook", "code": "custom", "message": "Hook already exists on this repository"}],
        )
    if any(sum(event in one["events"] for one in others) >= 20 for event in events):
        message = 'The "push" event cannot have more than 20 hooks'
        raise refuse(422, "Validation Failed", [{"resource": "Hook", "code": "custom", "message": message}])
    doc = {
        "id": ask.tracker.store.next("hooks", 400_000_001),
        "repo": repo["id"],
        "active": body.get("active", True) is True,
        "events": events,
        "config": config,
        "created": now(),
        "updated": now(),
    }
    ask.tracker.store.put("hooks", doc["id"], doc)
    hooks.ping(ask.tracker, repo, doc, ask.user)
    return _shown(ask, doc, 201)


def read(ask: Ask) -> Response:
    return _shown(ask, _hook(ask))


def edit(ask: Ask) -> Response:
    doc, body = _hook(ask), checks.body_of(ask.request)
    config = _config({**doc["config"], **body["config"]}) if isinstance(body.get("config"), dict) else doc["config"]
    events = _events(body["events"]) if "events" in body else list(doc["events"])
    events += [event for event in body.get("add_events", []) if event not in events]
    events = [event for event in events if event not in body.get("remove_events", [])]
    doc |= {"config": config, "events": _events(events), "active": body.get("active", doc["active"]), "updated": now()}
    ask.tracker.store.put("hooks", doc["id"], doc)
    return _shown(ask, doc)


def delete(ask: Ask) -> Response:
    ask.tracker.store.drop("hooks", _hook(ask)["id"])
    return Response(204)


def ping(ask: Ask) -> Response:
    hooks.ping(ask.tracker, _owned(ask), _hook(ask), ask.user)
    return Response(204)


def deliveries(ask: Ask) -> Response:
    hook = _hook(ask)
    rows = [one for one in ask.tracker.deliveries.recent if one.hook == hook["id"]][::-1]
    size = max(1, ask.request.number("per_page", 30, 100))
    return Response.json(200, [_delivery(one, hook) for one in rows[:size]])


def redeliver(ask: Ask) -> Response:
    hook = _hook(ask)
    found = [one for one in ask.tracker.deliveries.recent if one.hook == hook["id"] and str(one.id) == ask.args["delivery"]]
    if not found:
        raise not_found()
    ask.tracker.deliveries.again(found[0])
    return Response.json(202, {})


def _owned(ask: Ask) -> Doc:
    repo = repo_of(ask)
    if not ask.tracker.may(ask.user, repo, "admin"):
        raise forbidden("repository_hooks=write")
    return repo


def _hook(ask: Ask) -> Doc:
    repo = _owned(ask)
    doc: Doc | None = ask.tracker.store.get("hooks", ask.args["id"])
    if doc is None or doc["repo"] != repo["id"]:
        raise not_found()
    return doc


def _config(config: Any) -> Doc:
    url = config.get("url") if isinstance(config, dict) else None
    if not isinstance(url, str) or urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
        raise refuse(
            422,
            "Validation Failed",
            [{"resource": "Hook", "code": "custom", "field": "url", "message": "url is not a valid URL"}],
        )
    kept = {name: str(config[name]) for name in ("url", "content_type", "secret", "insecure_ssl") if config.get(name) is not None}
    kept.setdefault("content_type", "form")
    kept.setdefault("insecure_ssl", "0")
    if kept["content_type"] not in ("form", "json"):
        raise invalid("Hook", "content_type", "invalid", value=kept["content_type"])
    return kept


def _events(events: Any) -> list[str]:
    if not isinstance(events, list) or not events or not set(events) <= EVENTS:
        raise invalid("Hook", "events", "invalid", value=events)
    return list(dict.fromkeys(events))


def _shown(ask: Ask, doc: Doc, status: int = 200) -> Response:
    return Response.json(status, render.hook(ask.tracker.links(ask.request), ask.tracker.repos[doc["repo"]], doc))


def _delivery(one: Delivery, hook: Doc) -> Doc:
    return {
        "id": one.id,
        "guid": one.guid,
        "delivered_at": datetime.fromtimestamp(one.at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "redelivery": one.redelivery,
        "duration": round(one.seconds, 2),
        "status": "OK" if one.outcome == "sent" else "failed to connect to host" if not one.status else "Invalid HTTP Response",
        "status_code": one.status,
        "event": one.event,
        "action": one.action or None,
        "installation_id": None,
        "repository_id": hook["repo"],
        "throttled_at": None,
    }
