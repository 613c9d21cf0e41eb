"""The simulated GitHub's webhooks: registration, signature, what is sent for which change."""

import hashlib
import hmac
import json

HOOKS = "/repos/acme/demo/hooks"
ISSUES = "/repos/acme/demo/issues"


def subscribe(who, listener, **more):
    config = {"url": f"{listener.url}/hook", "content_type": "json", "secret": "s3cret"}
    return who.post(HOOKS, json={"name": "web", "events": ["issues", "issue_comment"], "config": config, **more})


def heard(github, listener):
    """What was sent since the last look, as (event, payload)."""
    assert github.sandbox.deliveries.wait_idle()
    got, listener.heard[:] = list(listener.heard), []
    return [(one.headers["X-GitHub-Event"], json.loads(one.body)) for one in got]


def test_a_hook_is_registered_pinged_and_never_shows_its_secret(github, proxy, listener):
    made = subscribe(proxy, listener)
    assert (made.status_code, made.json()["config"]["secret"]) == (201, "********")
    [(event, ping)] = heard(github, listener)
    assert (event, ping["hook_id"]) == ("ping", made.json()["id"])
    assert [one["id"] for one in proxy.get(HOOKS).json()] == [made.json()["id"]]
    one = f"{HOOKS}/{made.json()['id']}"
    assert proxy.patch(one, json={"add_events": ["label"]}).json()["events"] == ["issues", "issue_comment", "label"]
    assert proxy.patch(one, json={"active": False}).json()["active"] is False
    assert proxy.delete(one).status_code == 204
    assert proxy.get(one).status_code == 404


def test_hooks_are_refused_when_repeated_malformed_or_not_allowed(proxy, bob, listener):
    assert subscribe(proxy, listener).status_code == 201
    repeated = subscribe(proxy, listener)
    assert (repeated.status_code, repeated.json()["errors"][0]["message"]) == (422, "Hook already exists on this repository")
    assert proxy.post(HOOKS, json={"config": {"url": "nowhere"}}).status_code == 422
    assert subscribe(proxy, listener, events=["odd"]).status_code == 422
    refused = subscribe(bob, listener)
    assert (refused.status_code, refused.headers["X-Accepted-GitHub-Permissions"]) == (403, "repository_hooks=write")


def test_each_delivery_is_signed_over_its_bytes(github, proxy, listener):
    subscribe(proxy, listener)
    proxy.post(ISSUES, json={"title": "Zürich 🎉"})
    github.sandbox.deliveries.wait_idle()
    assert len(listener.heard) == 2
    for one in listener.heard:
        digest = hmac.new(b"s3cret", one.body, hashlib.sha256).hexdigest()
        assert one.headers["X-Hub-Signature-256"] == f"sha256={digest}"
        assert one.headers["Content-Type"] == "application/json"
    assert len({one.headers["X-GitHub-Delivery"] for one in listener.heard}) == 2


def test_one_edit_sends_an_event_for_each_part_and_names_the_sender(github, proxy, bob, listener):
    number = proxy.post(ISSUES, json={"title": "a", "body": "one", "labels": ["bug"]}).json()["number"]
    subscribe(proxy, listener)
    heard(github, listener)
    change = {"title": "b", "body": "two", "labels": ["question"], "assignees": ["alice"], "state": "closed"}
    bob.patch(f"{ISSUES}/{number}", json=change)
    events = heard(github, listener)
    assert sorted(one["action"] for _, one in events) == sorted(("edited", "unlabeled", "labeled", "assigned", "closed"))
    for event, payload in events:
        assert (event, payload["sender"]["login"], payload["repository"]["full_name"]) == ("issues", "bob", "acme/demo")
        assert (payload["issue"]["title"], payload["issue"]["state"]) == ("b", "closed")
    edited = next(one for _, one in events if one["action"] == "edited")
    assert edited["changes"] == {"title": {"from": "a"}, "body": {"from": "one"}}
    assert edited["issue"]["url"].startswith(f"{github.url}/api/v3/repos/")


def test_comments_send_events_and_so_does_the_proxy_user(github, proxy, listener):
    subscribe(proxy, listener)
    heard(github, listener)
    made = proxy.post(f"{ISSUES}/1/comments", json={"body": "one"}).json()
    [(event, created)] = heard(github, listener)
    assert (event, created["action"], created["sender"]["login"]) == ("issue_comment", "created", "proxy")
    assert (created["comment"]["body"], created["issue"]["number"]) == ("one", 1)
    proxy.patch(f"{ISSUES}/comments/{made['id']}", json={"body": "two"})
    [(_, edited)] = heard(github, listener)
    assert (edited["action"], edited["changes"]) == ("edited", {"body": {"from": "one"}})
    proxy.delete(f"{ISSUES}/comments/{made['id']}")
    [(_, deleted)] = heard(github, listener)
    assert deleted["action"] == "deleted"


def test_what_changes_nothing_sends_nothing(github, proxy, listener):
    subscribe(proxy, listener)
    heard(github, listener)
    proxy.patch(f"{ISSUES}/2", json={"title": proxy.get(f"{ISSUES}/2").json()["title"], "state": "open"})
    assert heard(github, listener) == []


def test_deliveries_are_listed_and_sent_again_under_their_guid(github, proxy, listener):
    hook = subscribe(proxy, listener).json()["id"]
    proxy.post(f"{ISSUES}/1/comments", json={"body": "one"})
    github.sandbox.deliveries.wait_idle()
    newest = proxy.get(f"{HOOKS}/{hook}/deliveries").json()[0]
    assert (newest["status"], newest["status_code"], newest["event"]) == ("OK", 204, "issue_comment")
    before = len(listener.heard)
    assert proxy.post(f"{HOOKS}/{hook}/deliveries/{newest['id']}/attempts").status_code == 202
    github.sandbox.deliveries.wait_idle()
    assert len(listener.heard) == before + 1
    assert listener.heard[-1].headers["X-GitHub-Delivery"] == newest["guid"]


def test_a_receiver_that_is_not_there_is_not_tried_again(github, proxy, listener):
    config = {"url": "http://127.0.0.1:9/none", "content_type": "json"}
    hook = proxy.post(HOOKS, json={"events": ["issues"], "config": config}).json()["id"]
    assert github.sandbox.deliveries.wait_idle()
    [ping] = proxy.get(f"{HOOKS}/{hook}/deliveries").json()
    assert (ping["event"], ping["status"], ping["status_code"]) == ("ping", "failed to connect to host", 0)
