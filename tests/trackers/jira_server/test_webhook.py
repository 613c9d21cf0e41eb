"""Recorded deliveries of Jira Server."""

from __future__ import annotations

import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

import pytest

from exalate.errors import WebhookRefused
from trackers.connector import IssueEvent
from trackers.issue import Parts, User
from trackers.jira_server import webhook

from .vendor import CONTRACTS

PAYLOADS = Path(__file__).parent / "payloads"
RECORDED = CONTRACTS / "samples" / "webhooks" / "mattermost"
CASES = {
    "issue_updated__commented": ("jira:issue_updated", "10013", "PRJX-14", Parts.COMMENTS, "levbrouk"),
    "issue_updated__comment_deleted": ("jira:issue_updated", "10013", "PRJX-14", Parts.COMMENTS, "levbrouk"),
    "issue_updated__resolved": ("jira:issue_updated", "10300", "TES-4", Parts.FIELDS, "admin"),
    "issue_updated__assigned": ("jira:issue_updated", "10226", "PRJA-37", Parts.FIELDS, "admin"),
    "issue_updated__commented_no_event_type": ("jira:issue_updated", "10013", "PRJX-14", Parts.COMMENTS, "levbrouk"),
    "comment_created__bare": ("comment_created", "10013", "", Parts.COMMENTS, "levbrouk"),
    "comment_updated__bare": ("comment_updated", "10013", "", Parts.COMMENTS, "levbrouk"),
    "comment_deleted__bare": ("comment_deleted", "10013", "", Parts.COMMENTS, "levbrouk"),
}


def payload(name: str) -> dict[str, Any]:
    return json.loads((PAYLOADS / f"{name}.json").read_text())


def parse(raw: Any) -> tuple[IssueEvent, ...]:
    return webhook.parse(json.dumps(raw).encode())


@pytest.mark.parametrize("name", CASES)
def test_a_recorded_delivery(name: str) -> None:
    (event,) = parse(payload(name))
    assert (event.kind, event.issue_id, event.key, event.parts, event.by and event.by.id) == CASES[name]
    assert event.at == payload(name)["timestamp"]


def test_every_payload_here_has_a_case() -> None:
    assert {path.stem for path in PAYLOADS.glob("*.json")} - {"issue__2011", "transitions__four"} == set(CASES)


@pytest.mark.parametrize("path", sorted(RECORDED.glob("*.json")) or [RECORDED], ids=lambda path: path.stem)
def test_every_other_recorded_delivery_parses(path: Path) -> None:
    if not path.is_file():
        pytest.skip(f"the recorded deliveries are not here: {RECORDED.name}")
    raw = json.loads(path.read_text())
    (event,) = webhook.parse(path.read_bytes())
    assert event.issue_id.isdigit()
    assert event.by is not None
    assert event.parts == (Parts.COMMENTS if "comment" in path.stem else Parts.FIELDS)
    assert event.key == (raw.get("issue") or {}).get("key", "")


def test_the_stamp_is_told_only_where_the_snapshot_is_of_the_change() -> None:
    (resolved,), (commented,) = parse(payload("issue_updated__resolved")), parse(payload("issue_updated__commented"))
    assert resolved.stamp == payload("issue_updated__resolved")["issue"]["fields"]["updated"]
    assert commented.stamp == ""


def test_whoever_wrote_a_comment_is_not_taken_for_whoever_deleted_it() -> None:
    raw = payload("comment_deleted__bare")
    del raw["user"]
    assert parse(raw)[0].by is None


def test_a_comment_together_with_a_change_is_both() -> None:
    raw = payload("issue_updated__commented")
    raw["changelog"] = {"id": "1", "items": [{"field": "status", "from": "1", "to": "2"}]}
    assert parse(raw)[0].parts == Parts.ALL


def test_created_and_deleted_issues_and_updates_that_say_nothing_are_about_everything() -> None:
    raw = payload("issue_updated__resolved")
    del raw["changelog"], raw["issue_event_type_name"]
    for name in ("jira:issue_created", "jira:issue_deleted", "jira:issue_updated"):
        assert parse({**raw, "webhookEvent": name})[0].parts == Parts.ALL


def test_a_repeated_delivery_is_known_and_another_is_not() -> None:
    first, second = payload("issue_updated__resolved"), payload("issue_updated__resolved")
    second["changelog"]["id"] = "1"
    assert parse(first)[0].delivery == parse(first)[0].delivery != parse(second)[0].delivery


@pytest.mark.parametrize("name", ["worklog_created", "attachment_created", "issuelink_deleted", "sprint_closed", "board_created"])
def test_events_ignored_on_purpose_are_not_logged(name: str, caplog: pytest.LogCaptureFixture) -> None:
    assert parse({"webhookEvent": name, "timestamp": 1}) == ()
    assert caplog.records == []


def test_an_unknown_event_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    assert parse({"webhookEvent": "issue_celebrated"}) == ()
    assert "issue_celebrated" in caplog.text


@pytest.mark.parametrize(
    "body",
    [
        b"", b"[]", b"null", b"{", b"\xff", b"7", b'{"webhookEvent": "jira:issue_updated"}', b"[" * 100_000,
        b'{"webhookEvent": {}}',
        b'{"webhookEvent": "jira:issue_updated", "issue": []}', b'{"webhookEvent": "comment_created", "comment": {"self": "x"}}',
        b'{"webhookEvent": "jira:issue_updated", "issue": {"id": 1, "fields": [1]}}',
    ],
)  # fmt: skip
def test_what_is_not_a_delivery_is_refused(body: bytes) -> None:
    with pytest.raises(WebhookRefused):
        webhook.parse(body)


def signed(body: bytes, secret: str) -> dict[str, str]:
    return {"x-hub-signature": "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}


def test_signatures() -> None:
    body = b'{"a": 1}'
    webhook.verify(signed(body, "s3cret"), body, "s3cret", unsigned=False)
    webhook.verify(signed(body, "s3cret"), body, "s3cret", unsigned=True)
    webhook.verify({}, body, "s3cret", unsigned=True)
    refused = [
        ({}, "s3cret", False),
        (signed(body, "other"), "s3cret", False),
        (signed(body, "other"), "s3cret", True),
        (signed(body, ""), "", False),
        ({"X-Hub-Signature": "sha256="}, "s3cret", False),
        ({"X-Hub-Signature": "žluť"}, "s3cret", False),
    ]
    for headers, secret, unsigned in refused:
        with pytest.raises(WebhookRefused):
            webhook.verify(headers, body, secret, unsigned=unsigned)


def test_the_actor_is_known_by_the_key_that_never_changes() -> None:
    raw = payload("issue_updated__resolved")
    raw["user"] |= {"key": "JIRAUSER10100", "name": "renamed"}
    by = parse(raw)[0].by
    assert isinstance(by, User)
    assert (by.id, by.login) == ("JIRAUSER10100", "renamed")
