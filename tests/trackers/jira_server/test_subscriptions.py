"""Registering webhooks with 10.x and with 9.x."""

from __future__ import annotations

import json

import pytest

from exalate import errors as e
from trackers.jira_server import connector as module
from trackers.jira_server.connector import JiraServerConnector

from .vendor import Stub, bean_problems

URL = "https://node.example.com/webhooks/random/"


def test_a_webhook_is_registered_with_its_secret_on_10(jira: Stub, tracker: JiraServerConnector) -> None:
    jira.on("GET", module.WEBHOOKS_10, [{"id": 3, "url": "https://other.example.com"}])
    jira.on("POST", module.WEBHOOKS_10, {"id": 7, "url": URL, "active": True}, status=201)
    subscription = tracker.subscribe("PAY", URL, "s3cret")
    assert (subscription.id, subscription.active) == ("10:7", True)
    body = jira.calls[1].body
    assert bean_problems("RestWebhook", body) == []
    assert body["configuration"]["SECRET"] == "s3cret"
    assert json.loads(body["configuration"]["FILTERS"]) == {"issue-related-events-section": 'project = "PAY"'}
    assert {"jira:issue_updated", "comment_deleted"} <= set(body["events"])
    jira.on("DELETE", module.WEBHOOKS_10 + "/7", status=204)
    tracker.unsubscribe("PAY", subscription)
    jira.on("DELETE", module.WEBHOOKS_10 + "/7", {"errorMessages": ["gone"]}, status=404)
    tracker.unsubscribe("PAY", subscription)


def test_a_webhook_with_our_address_is_used_again(jira: Stub, tracker: JiraServerConnector) -> None:
    jira.on("GET", module.WEBHOOKS_10, [{"id": 7, "url": URL}])
    jira.on("PUT", module.WEBHOOKS_10 + "/7", {"id": 7, "url": URL, "active": True})
    assert tracker.subscribe("PAY", URL, "new-secret").id == "10:7"
    assert jira.calls[1].body["configuration"]["SECRET"] == "new-secret"


def test_on_9_the_older_resource_is_used(jira: Stub, tracker: JiraServerConnector) -> None:
    jira.on("GET", module.WEBHOOKS_9, [])
    told = {"name": "x", "url": URL, "self": f"{jira.url}/rest/webhooks/1.0/webhook/2", "enabled": True}
    jira.on("POST", module.WEBHOOKS_9, told, status=201)
    subscription = tracker.subscribe("PAY", URL, "s3cret")
    assert subscription.id == "9:2"
    assert jira.calls[2].body == {
        "name": "Exalate PAY",
        "url": URL,
        "events": list(module.webhook.EVENTS),
        "filters": {"issue-related-events-section": 'project = "PAY"'},
        "excludeBody": False,
    }
    jira.on("DELETE", module.WEBHOOKS_9 + "/2", status=204)
    tracker.unsubscribe("PAY", subscription)


def test_who_may_not_register_webhooks_is_told(jira: Stub, tracker: JiraServerConnector) -> None:
    jira.on("GET", module.WEBHOOKS_10, {"errorMessages": ["no"]}, status=403)
    with pytest.raises(e.Forbidden):
        tracker.subscribe("PAY", URL, "s3cret")


def test_unsigned_deliveries_are_taken_only_where_the_instance_cannot_sign() -> None:
    body = b'{"webhookEvent": "worklog_created"}'
    settings = {"url": "http://jira.example.com", "webhook_secret": "s"}
    with pytest.raises(e.WebhookRefused):
        JiraServerConnector(settings).parse_webhook({}, body)
    with pytest.raises(e.WebhookRefused):
        JiraServerConnector({**settings, "webhook_unsigned": "yes"}).parse_webhook({}, body)
    assert JiraServerConnector({**settings, "webhook_unsigned": True}).parse_webhook({}, body) == ()
