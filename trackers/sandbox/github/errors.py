"""GitHub's error bodies, as Refusals to raise."""

from __future__ import annotations

from typing import Any

from trackers.sandbox.routes import Refusal
from trackers.sandbox.wire import Response

DOCS = "https://docs.github.com/enterprise-server@3.19/rest"


def refuse(status: int, message: str, errors: list[Any] | None = None, headers: dict[str, str] | None = None) -> Refusal:
    body: dict[str, Any] = {"message": message}
    if errors is not None:
        body["errors"] = errors
    body |= {"documentation_url": DOCS, "status": str(status)}
    return Refusal(Response.json(status, body, headers))


def not_found() -> Refusal:
    return refuse(404, "Not Found")


def forbidden(permission: str = "issues=write") -> Refusal:
    return refuse(403, "Resource not accessible by personal access token", headers={"X-Accepted-GitHub-Permissions": permission})


def deleted() -> Refusal:
    return refuse(410, "This issue was deleted")


def invalid(resource: str, field: str, code: str, message: str = "", value: Any = None) -> Refusal:
    error: dict[str, Any] = {"resource": resource, "field": field, "code": code}
    if value is not None:
        error["value"] = value
    if message:
        error["message"] = message
    return refuse(422, "Validation Failed", [error])


def wrong_type(field: str, value: Any, kind: str) -> Refusal:
    return refuse(422, f"Invalid request.\n\nFor 'properties/{field}', {value!r} is not {kind}.")
