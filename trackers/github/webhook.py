"""GitHub's deliveries: verify, then parse into IssueEvents. PURE.
Reference: https://docs.github.com/en/webhooks/webhook-events-and-payloads"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
from collections.abc import Callable, Mapping
from typing import Any

from exalate.errors import WebhookRefused
from trackers.connector import IssueEvent
from trackers.github.mapping import time_from, user_from
from trackers.issue import Parts

log = logging.getLogger(__name__)
Json = dict[str, Any]

SUBSCRIBED = ("issues", "issue_comment")


def verify(headers: Mapping[str, str], body: bytes, secret: str) -> None:
    """Raises WebhookRefused unless `X-Hub-Signature-256` is ours. The SHA-1 header is ignored."""
    given = _header(headers, "X-Hub-Signature-256")
    wanted = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    if not secret or not hmac.compare_digest(wanted.encode(), given.encode()):
        raise WebhookRefused("The delivery's signature is missing or wrong")


def parse(headers: Mapping[str, str], body: bytes) -> tuple[IssueEvent, ...]:
    """The events in a verified delivery; () for those that do not matter. Raises WebhookRefused when it is not GitHub's shape."""
    name, delivery = _header(headers, "X-GitHub-Event"), _header(headers, "X-GitHub-Delivery")
    try:
        raw = json.loads(body)
        handler = EVENTS.get(name)
        if handler is not None:
            return handler(name, raw, delivery)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise WebhookRefused("The delivery is not in the shape of a GitHub webhook") from error
    if name not in IGNORED:
        log.info("unknown webhook event %.80s of GitHub", name)
    return ()


def _header(headers: Mapping[str, str], name: str) -> str:
    return {key.lower(): value for key, value in headers.items()}.get(name.lower(), "")


def _issue_event(name: str, raw: Json, delivery: str) -> tuple[IssueEvent, ...]:
    return _event(name, raw, delivery, Parts.ALL if raw["action"] in ("deleted", "transferred") else Parts.FIELDS)


def _comment_event(name: str, raw: Json, delivery: str) -> tuple[IssueEvent, ...]:
    return _event(name, raw, delivery, Parts.COMMENTS)


def _event(name: str, raw: Json, delivery: str, parts: Parts) -> tuple[IssueEvent, ...]:
    issue, repo = raw["issue"], raw["repository"]["full_name"]
    if issue.get("pull_request"):
        return ()
    return (
        IssueEvent(
            kind=f"{name}.{raw['action']}",
            issue_id=str(issue["id"]),
            key=f"{repo}#{issue['number']}",
            project=repo,
            parts=parts,
            by=user_from(raw.get("sender")),
            at=time_from(issue.get("updated_at")),
            # a comment's delivery may carry the issue as it was before the comment: its time says nothing
            stamp=(issue.get("updated_at") or "") if parts == Parts.FIELDS else "",
            delivery=delivery,
        ),
    )


EVENTS: Mapping[str, Callable[[str, Json, str], tuple[IssueEvent, ...]]] = {
    "issues": _issue_event,
    "issue_comment": _comment_event,
}
# ignored on purpose: they say nothing of an issue's fields or comments
IGNORED = (
    "ping", "label", "milestone", "repository", "sub_issues", "issue_dependencies", "installation",
    "installation_repositories", "pull_request", "push", "star", "watch", "fork", "member", "meta",
)  # fmt: skip
