"""GitHub's webhooks: who gets what, signed, with GitHub's headers."""

from __future__ import annotations

import hashlib
import hmac
import json
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from trackers.sandbox.github import render
from trackers.sandbox.store import Doc
from trackers.sandbox.webhooks import Delivery

if TYPE_CHECKING:
    from trackers.sandbox.github.tracker import GitHub


def emit(tracker: GitHub, repo: Doc, event: str, action: str, sender: str, extra: Callable[[render.Links], Doc]) -> None:
    """Send `event` to every hook of the repository that asked for it; whoever did it, the proxy user too."""
    hooks = [hook for hook in tracker.hooks_of(repo["id"]) if hook["active"] and _wants(hook, event)]
    if not hooks:
        return
    links = tracker.links()
    payload = {"action": action, **extra(links), **_frame(tracker, links, repo, sender)}
    for hook in hooks:
        send(tracker, hook, event, payload, action)


def ping(tracker: GitHub, repo: Doc, hook: Doc, sender: str) -> None:
    links = tracker.links()
    payload = {
        "zen": "Approachable is better than simple.",
        "hook_id": hook["id"],
        "hook": render.hook(links, repo, hook),
        **_frame(tracker, links, repo, sender),
    }
    send(tracker, hook, "ping", payload)


def send(tracker: GitHub, hook: Doc, event: str, payload: Doc, action: str = "") -> None:
    config, guid = hook["config"], str(uuid.uuid4())
    text = json.dumps(payload, separators=(",", ":"))
    is_form = config["content_type"] == "form"
    body = (urlencode({"payload": text}) if is_form else text).encode()
    headers = {
        "Content-Type": "application/x-www-form-urlencoded" if is_form else "application/json",
        "Accept": "*/*",
        "User-Agent": "GitHub-Hookshot/5a1b3c2",
        "X-GitHub-Event": event,
        "X-GitHub-Delivery": guid,
        "X-GitHub-Hook-ID": str(hook["id"]),
        "X-GitHub-Hook-Installation-Target-ID": str(hook["repo"]),
        "X-GitHub-Hook-Installation-Target-Type": "repository",
        "X-GitHub-Enterprise-Host": tracker.base.partition("//")[2],
        "X-GitHub-Enterprise-Version": "3.19.0",
    }
    if config.get("secret"):
        secret = config["secret"].encode()
        headers["X-Hub-Signature"] = "sha1=" + hmac.new(secret, body, hashlib.sha1).hexdigest()
        headers["X-Hub-Signature-256"] = "sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest()
    tracker.deliveries.send(Delivery(hook["id"], event, config["url"], headers, body, action=action, guid=guid))


def _wants(hook: Doc, event: str) -> bool:
    return event in hook["events"] or "*" in hook["events"]


def _frame(tracker: GitHub, links: render.Links, repo: Doc, sender: str) -> Doc:
    owner = render.user(links, tracker.owner)
    api = f"{links.api}/orgs/{owner['login']}"
    return {
        "repository": render.repo(tracker, links, repo),
        "organization": {
            "login": owner["login"],
            "id": owner["id"],
            "node_id": owner["node_id"],
            "url": api,
            "repos_url": f"{api}/repos",
            "events_url": f"{api}/events",
            "hooks_url": f"{api}/hooks",
            "issues_url": f"{api}/issues",
            "members_url": f"{api}/members{{/member}}",
            "public_members_url": f"{api}/public_members{{/member}}",
            "avatar_url": owner["avatar_url"],
            "description": "",
        },
        "sender": render.user(links, tracker.user(sender)),
    }
