"""Jira's error bodies, as Refusals to raise."""

from __future__ import annotations

from trackers.sandbox.routes import Refusal
from trackers.sandbox.wire import Response


def refuse(status: int, message: str = "", fields: dict[str, str] | None = None) -> Refusal:
    """`message` for people, `fields` by field id; Jira sends one or the other."""
    return Refusal(Response.json(status, {"errorMessages": [message] if message else [], "errors": fields or {}}))


def no_issue() -> Refusal:
    return refuse(404, "Issue Does Not Exist")


def no_project(key: str) -> Refusal:
    return refuse(404, f"No project could be found with key '{key}'.")


def no_comment(comment_id: str) -> Refusal:
    return refuse(404, f"Can not find a comment for the id: {comment_id}.")


def denied(what: str) -> Refusal:
    return refuse(403, f"You do not have permission to {what}.")
