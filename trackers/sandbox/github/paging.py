"""Pages of a list as GitHub cuts them: per_page, page, and a Link header that names the repository by number."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from trackers.sandbox.github.errors import invalid
from trackers.sandbox.routes import Ask
from trackers.sandbox.store import Doc
from trackers.sandbox.wire import Request, Response


def paged(ask: Ask, rows: Sequence[Doc], show: Callable[[Doc], Any], wrap: Callable[[list[Any]], Any] | None = None) -> Response:
    request = ask.request
    size = max(1, request.number("per_page", 30, 100))
    page = max(1, request.number("page", 1))
    last = max(1, -(-len(rows) // size))
    shown = [show(row) for row in rows[(page - 1) * size : page * size]]
    headers = {}
    rels: dict[str, int] = {}
    if page > 1:
        rels |= {"prev": min(page - 1, last), "first": 1}
    if page < last:
        rels |= {"next": page + 1, "last": last}
    if rels:
        headers["Link"] = ", ".join(f'<{_url(ask, number)}>; rel="{rel}"' for rel, number in rels.items())
    return Response.json(200, wrap(shown) if wrap else shown, headers)


def since(request: Request) -> int:
    """The `since` parameter in seconds, 0 without one."""
    text = request.arg("since")
    if not text:
        return 0
    try:
        return int(datetime.fromisoformat(text.replace(" ", "+")).timestamp())
    except ValueError:
        raise invalid("Issue", "since", "invalid", value=text) from None


def _url(ask: Ask, page: int) -> str:
    path = ask.request.path
    if "owner" in ask.args:
        repo = ask.tracker.repo_named(ask.args["owner"], ask.args["repo"])
        prefix = "/api/v3" if path.startswith("/api/v3/") else ""
        tail = path.removeprefix(prefix).split("/", 4)[4:] if path.removeprefix(prefix).startswith("/repos/") else None
        if repo and tail is not None:
            path = f"{prefix}/repositories/{repo['id']}" + "".join(f"/{part}" for part in tail)
    query = {name: values[-1] for name, values in ask.request.query.items()} | {"page": page}
    return f"{ask.request.base}{path}?{urlencode(query)}"
