"""Jira 10's calls about webhooks. The older /rest/webhooks/1.0 is gone here, as a connector has to expect either."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from trackers.sandbox.jira_server import jql, values
from trackers.sandbox.jira_server.actions import now
from trackers.sandbox.jira_server.errors import denied, refuse
from trackers.sandbox.jira_server.hooks import EVENTS, filter_of
from trackers.sandbox.routes import Ask, Router
from trackers.sandbox.store import Doc
from trackers.sandbox.wire import Response

HOOKS = "/rest/jira-webhook/1.0/webhooks"


def register(routes: Router) -> None:
    routes.get(HOOKS)(listing)
    routes.post(HOOKS)(create)
    routes.get(HOOKS + "/{id}")(read)
    routes.put(HOOKS + "/{id}")(edit)
    routes.delete(HOOKS + "/{id}")(delete)


def listing(ask: Ask) -> Response:
    _administrator(ask)
    return Response.json(200, [_shown(doc, ask) for doc in ask.tracker.store.table("hooks").values()])


def create(ask: Ask) -> Response:
    _administrator(ask)
    given = _checked(ask, values.body_of(ask.request))
    doc = {"id": ask.tracker.store.next("hooks", 1), "creator": ask.user, "created": now(), **given}
    ask.tracker.store.put("hooks", doc["id"], doc)
    return Response.json(201, _shown(doc, ask))


def read(ask: Ask) -> Response:
    return Response.json(200, _shown(_hook(ask), ask))


def edit(ask: Ask) -> Response:
    doc = _hook(ask)
    doc |= _checked(ask, {**doc, **values.body_of(ask.request)})
    ask.tracker.store.put("hooks", doc["id"], doc)
    return Response.json(200, _shown(doc, ask))


def delete(ask: Ask) -> Response:
    ask.tracker.store.drop("hooks", _hook(ask)["id"])
    return Response(204)


def _administrator(ask: Ask) -> None:
    if not ask.tracker.may(ask.user, "ADMINISTER"):
        raise denied("manage webhooks; only a Jira administrator may")


def _hook(ask: Ask) -> Doc:
    _administrator(ask)
    doc: Doc | None = ask.tracker.store.get("hooks", ask.args["id"])
    if doc is None:
        raise refuse(404, f"The webhook {ask.args['id']} does not exist.")
    return doc


def _checked(ask: Ask, body: dict[str, Any]) -> Doc:
    url, events, configuration = body.get("url"), body.get("events"), body.get("configuration") or {}
    if not isinstance(body.get("name"), str) or not body["name"].strip():
        raise refuse(400, fields={"name": "The name of the webhook is required."})
    if not isinstance(url, str) or urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
        raise refuse(400, fields={"url": "The URL of the webhook is not valid."})
    if not isinstance(events, list) or not set(events) <= set(EVENTS):
        raise refuse(400, fields={"events": "There is an event among them that Jira does not know."})
    if not isinstance(configuration, dict) or not all(isinstance(value, str) for value in configuration.values()):
        raise refuse(400, fields={"configuration": "The configuration's values must be strings."})
    try:
        text = filter_of(configuration)
    except (ValueError, AttributeError):
        raise refuse(400, fields={"configuration": "FILTERS is neither JQL nor JSON."}) from None
    jql.parse(ask.tracker, text, ask.user, strict=False)
    return {
        "name": body["name"],
        "url": url,
        "events": events,
        "active": body.get("active", True) is True,
        "configuration": configuration,
        "sslVerificationRequired": body.get("sslVerificationRequired", True) is True,
    }


def _shown(doc: Doc, ask: Ask) -> Doc:
    """The secret is never shown again."""
    recent = [one for one in ask.tracker.deliveries.recent if one.hook == doc["id"]]
    counts = {"successes": 0, "failures": 0, "errors": 0}
    for one in recent:
        counts["successes" if one.outcome == "sent" else "failures" if one.status else "errors"] += one.outcome != "lost"
    configuration = {name: value for name, value in doc["configuration"].items() if name != "SECRET"}
    return {
        "id": doc["id"],
        "name": doc["name"],
        "url": doc["url"],
        "events": doc["events"],
        "active": doc["active"],
        "configuration": configuration,
        "scopeType": "global",
        "sslVerificationRequired": doc["sslVerificationRequired"],
        "createdDate": doc["created"],
        "updatedDate": doc["created"],
        "statistics": {"counts": {**counts, "window": {"size": 86_400_000}}, "lastError": None},
    }
