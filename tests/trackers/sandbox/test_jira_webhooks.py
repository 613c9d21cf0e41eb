"""The simulated Jira's webhooks: registration, filters, signature, what is sent for which change."""

import hashlib
import hmac
import json

import pytest

EVENTS = [
    "jira:issue_created",
    "jira:issue_updated",
    "jira:issue_deleted",
    "comment_created",
    "comment_updated",
    "comment_deleted",
]
PAY = {"project": {"key": "PAY"}, "issuetype": {"name": "Task"}}


@pytest.fixture
def hooks(jira):
    return f"{jira.url}/rest/jira-webhook/1.0/webhooks"


def subscribe(who, hooks, listener, **more):
    body = {"name": "exalate", "url": f"{listener.url}/hook/token", "events": EVENTS, "configuration": {"SECRET": "s3cret"}}
    return who.post(hooks, json={**body, **more})


def heard(jira, listener):
    assert jira.sandbox.deliveries.wait_idle()
    got, listener.heard[:] = list(listener.heard), []
    return sorted((json.loads(one.body) for one in got), key=lambda one: one["webhookEvent"])


def test_webhooks_are_registered_listed_changed_and_removed(jira, jproxy, jbob, hooks, listener):
    made = subscribe(jproxy, hooks, listener)
    assert made.status_code == 201
    assert "SECRET" not in made.json()["configuration"]
    one = f"{hooks}/{made.json()['id']}"
    assert jproxy.get(one).json()["events"] == EVENTS
    assert jproxy.put(one, json={"active": False}).json()["active"] is False
    assert len(jproxy.get(hooks).json()) == 1
    assert jproxy.delete(one).status_code == 204
    assert jproxy.get(one).status_code == 404
    assert subscribe(jbob, hooks, listener).status_code == 403
    assert jproxy.get(f"{jira.url}/rest/webhooks/1.0/webhook").status_code == 404


@pytest.mark.parametrize(
    "more", [{"name": ""}, {"url": "nowhere"}, {"events": ["odd"]}, {"configuration": {"FILTERS": "project ="}}]
)
def test_malformed_webhooks_are_400(jproxy, hooks, listener, more):
    assert subscribe(jproxy, hooks, listener, **more).status_code == 400


def test_each_delivery_is_signed_and_names_the_user_in_its_query(jira, jproxy, hooks, listener):
    subscribe(jproxy, hooks, listener)
    jproxy.put("/issue/PAY-1", json={"fields": {"summary": "Zürich 🎉"}})
    jira.sandbox.deliveries.wait_idle()
    [one] = listener.heard
    digest = hmac.new(b"s3cret", one.body, hashlib.sha256).hexdigest()
    assert one.headers["X-Hub-Signature"] == f"sha256={digest}"
    assert one.path == "/hook/token?user_id=proxy&user_key=JIRAUSER10100"


def test_an_edit_tells_the_issue_the_changes_and_the_user(jira, jproxy, jbob, hooks, listener):
    subscribe(jproxy, hooks, listener)
    jbob.put("/issue/PAY-2", json={"fields": {"summary": "Other", "labels": ["x"]}})
    [told] = heard(jira, listener)
    assert (told["webhookEvent"], told["issue_event_type_name"]) == ("jira:issue_updated", "issue_updated")
    assert (told["user"]["key"], told["issue"]["key"]) == ("JIRAUSER10102", "PAY-2")
    assert [one["field"] for one in told["changelog"]["items"]] == ["summary", "labels"]
    assert "comment" in told["issue"]["fields"]
    jbob.post("/issue/PAY-2/transitions", json={"transition": {"id": "31"}})
    [moved] = heard(jira, listener)
    assert [one["field"] for one in moved["changelog"]["items"]] == ["status", "resolution"]


def test_creating_and_deleting_tell_of_themselves(jira, jproxy, hooks, listener):
    subscribe(jproxy, hooks, listener)
    key = jproxy.post("/issue", json={"fields": {**PAY, "summary": "New"}}).json()["key"]
    [created] = heard(jira, listener)
    assert (created["webhookEvent"], created["issue_event_type_name"]) == ("jira:issue_created", "issue_created")
    jproxy.delete(f"/issue/{key}")
    [deleted] = heard(jira, listener)
    assert (deleted["webhookEvent"], deleted["issue"]["key"]) == ("jira:issue_deleted", key)
    assert "issue_event_type_name" not in deleted


def test_a_comment_sends_the_bare_event_and_the_issue(jira, jproxy, hooks, listener):
    subscribe(jproxy, hooks, listener)
    made = jproxy.post("/issue/PAY-1/comment", json={"body": "one"}).json()
    bare, issue = heard(jira, listener)
    assert set(bare) == {"timestamp", "webhookEvent", "comment"}
    assert "/issue/10000/comment/" in bare["comment"]["self"]
    assert (issue["issue_event_type_name"], issue["comment"]["id"]) == ("issue_commented", made["id"])
    jproxy.put(f"/issue/PAY-1/comment/{made['id']}", json={"body": "two"})
    bare, issue = heard(jira, listener)
    assert (bare["user"]["name"], issue["issue_event_type_name"]) == ("proxy", "issue_comment_edited")
    jproxy.delete(f"/issue/PAY-1/comment/{made['id']}")
    bare, issue = heard(jira, listener)
    assert bare["webhookEvent"] == "comment_deleted"
    assert (issue["issue_event_type_name"], "comment" in issue) == ("issue_comment_deleted", False)


@pytest.mark.parametrize("filters", ["project = OPS", json.dumps({"issue-related-events-section": "project = OPS"})])
def test_filters_and_events_choose_what_is_sent(jira, jproxy, hooks, listener, filters):
    subscribe(jproxy, hooks, listener, configuration={"FILTERS": filters}, events=["jira:issue_updated"])
    jproxy.put("/issue/PAY-1", json={"fields": {"summary": "not this"}})
    jproxy.post("/issue/OPS-1/comment", json={"body": "this as an update only"})
    [told] = heard(jira, listener)
    assert (told["issue"]["key"], told["webhookEvent"]) == ("OPS-1", "jira:issue_updated")


def test_what_changes_nothing_sends_nothing(jira, jproxy, hooks, listener):
    subscribe(jproxy, hooks, listener)
    summary = jproxy.get("/issue/PAY-2").json()["fields"]["summary"]
    jproxy.put("/issue/PAY-2", json={"fields": {"summary": summary}})
    jproxy.put("/issue/PAY-2/properties/x", json=1)
    assert heard(jira, listener) == []
