"""One tracker's HTTP session: pacing by its rate headers, Retry-After, status code -> error. Both ways of saying "slow
down" (a refusal, or a budget that is used up) end in RateLimited without a call. The bottom layer is exalate/http.py."""

from __future__ import annotations

import base64
import contextvars
import json as json_module
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from exalate import http
from exalate.errors import (
    BadCredentials,
    ExalateError,
    Forbidden,
    NotFound,
    RateLimited,
    Rejected,
    Stale,
    Unavailable,
    UnexpectedAnswer,
)
from exalate.secrets import redact, remember

if TYPE_CHECKING:
    from trackers.models import Instance

KEPT_EVERY = 10.0  # s between two rows of RateBudget
SECONDARY = 60.0  # s to wait when a tracker limits us without saying how long


@dataclass(frozen=True)
class Answer:
    """`body`: the parsed JSON, or None when the answer has none."""

    status: int
    headers: Mapping[str, str]
    body: Any
    text: str
    url: str = ""


@dataclass(frozen=True)
class CallNote:
    method: str
    path: str
    status: int  # 0 when no answer came
    ms: float

    def as_json(self) -> list[Any]:
        return [self.method, self.path, self.status, self.ms]


_tally: contextvars.ContextVar[list[CallNote] | None] = contextvars.ContextVar("tally", default=None)


@contextmanager
def tally() -> Iterator[list[CallNote]]:
    """Every call made inside the block in this thread, for the history."""
    calls: list[CallNote] = []
    outer = _tally.set(calls)
    try:
        yield calls
    finally:
        _tally.reset(outer)


def settings_of(instance: Instance) -> dict[str, Any]:
    """The plain settings that a connector is made of."""
    proxy = getattr(instance, "proxy", None)
    credentials = proxy.credentials if proxy else {}
    for value in credentials.values():
        remember(value)
    return {
        **credentials,
        "url": instance.url,
        "timeout": float(instance.call_timeout),
        "proxy_id": proxy.user_id if proxy else "",
        "proxy_login": proxy.login if proxy else "",
        "webhook_secret": instance.webhook_secret,
        "instance_id": instance.pk,
    }


class Session:
    """`classify(answer)` is the connector's word on what its vendor does oddly; it comes before the common table."""

    def __init__(
        self,
        settings: Mapping[str, Any],
        *,
        base: str,
        headers: Mapping[str, str],
        auth: tuple[str, str] | None = None,
        classify: Callable[[Answer], ExalateError | None] | None = None,
    ) -> None:
        self.base = base.rstrip("/")
        self.headers = dict(headers)
        if auth:
            token = base64.b64encode(f"{auth[0]}:{auth[1]}".encode()).decode()
            remember(token)
            self.headers["Authorization"] = f"Basic {token}"
        self.timeout = float(settings.get("timeout") or http.READ_SECONDS)
        self.instance_id = settings.get("instance_id")
        self.classify = classify
        self._lock = threading.Lock()
        self._blocked_until: dict[str, float] = {}  # rate scope -> time.time()
        self._kept_at = 0.0

    def call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        ok: tuple[int, ...] = (200, 201, 202, 204),
        headers: Mapping[str, str] | None = None,
        what: str = "",
    ) -> Answer:
        """`path` is relative to the base, or an absolute address of the same origin (paging). `what`: the sentence part
        for people ("close PAY-12"). Raises the classes of exalate/errors.py."""
        url = self._url(path)
        self._wait_or_refuse("search" if "/search" in path else "core")
        answer = self._send(method, url, params, json, headers)
        self._note_rates(answer, "search" if "/search" in path else "core")
        if answer.status in ok and not _missing_json(answer):
            return answer
        error = (self.classify(answer) if self.classify else None) or error_of(answer, what or f"{method} {path}")
        if isinstance(error, RateLimited):
            self._block("search" if "/search" in path else "core", error.after or SECONDARY)
        raise error

    # ------------------------------------------------------------------ the exchange
    def _url(self, path: str) -> str:
        if not path.startswith(("http://", "https://")):
            return f"{self.base}/{path.lstrip('/')}"
        if _origin(path) != _origin(self.base):
            raise UnexpectedAnswer("The tracker's answer points to another host.")
        return path

    def _send(self, method: str, url: str, params: Any, json: Any, headers: Mapping[str, str] | None) -> Answer:
        began, status = time.monotonic(), 0
        try:
            reply = http.send(
                method, url, headers={**self.headers, **(headers or {})}, params=params, json=json, timeout=self.timeout
            )
            status = reply.status
        finally:
            calls = _tally.get()
            if calls is not None:
                calls.append(CallNote(method, urlsplit(url).path, status, round((time.monotonic() - began) * 1000, 1)))
        return Answer(reply.status, reply.headers, _json(reply.content), reply.text, reply.url)

    # ------------------------------------------------------------------ pacing
    def _wait_or_refuse(self, scope: str) -> None:
        left = self._blocked_until.get(scope, 0.0) - time.time()
        if left > 0:
            raise RateLimited(f"The tracker's limit is used up; it opens again in {left:.0f} seconds.", after=left)

    def _block(self, scope: str, seconds: float) -> None:
        with self._lock:
            self._blocked_until[scope] = max(self._blocked_until.get(scope, 0.0), time.time() + seconds)

    def _note_rates(self, answer: Answer, scope: str) -> None:
        limit, remaining = _number(answer, "x-ratelimit-limit"), _number(answer, "x-ratelimit-remaining")
        if remaining is None:
            return
        resets = _number(answer, "x-ratelimit-reset")
        if remaining == 0 and resets and resets > time.time():
            self._block(scope, resets - time.time())
        self._keep(answer.headers.get("x-ratelimit-resource") or scope, limit, remaining, resets)

    def _keep(self, scope: str, limit: int | None, remaining: int, resets: int | None) -> None:
        """For the instance's page; at most one row each ten seconds."""
        with self._lock:
            due = self.instance_id is not None and time.monotonic() - self._kept_at > KEPT_EVERY
            if due:
                self._kept_at = time.monotonic()
        if not due:
            return
        from trackers.models import RateBudget

        values = {
            "limit": limit,
            "remaining": remaining,
            "resets_at": datetime.fromtimestamp(resets, UTC) if resets else None,
            "seen_at": datetime.now(UTC),
        }
        RateBudget.objects.update_or_create(instance_id=self.instance_id, scope=scope[:40], defaults=values)


# ------------------------------------------------------------------ status -> error
def error_of(answer: Answer, what: str) -> ExalateError:
    """The common table; a connector's `classify` comes before it."""
    said = _said(answer)
    status = answer.status
    message = redact(f"The tracker refused to {what}: {said}" if said else f"The tracker refused to {what} (status {status}).")
    if _missing_json(answer):
        page = "a web page" if "html" in answer.headers.get("Content-Type", "").lower() else "something that is not JSON"
        return UnexpectedAnswer(f"The address answered with {page} instead of the tracker's data.", field="url")
    if status == 429 or (status == 503 and answer.headers.get("Retry-After")) or (status == 403 and _limited(answer)):
        return RateLimited("The tracker asked us to slow down.", after=wait_of(answer))
    if status == 401:
        return BadCredentials("The tracker does not accept the proxy user's credentials.", field="credentials")
    if status == 403:
        return Forbidden(message)
    if status in (404, 410):
        return NotFound(f"The tracker cannot {what}: it does not exist or the proxy user may not see it.")
    if status in (409, 412):
        return Stale(message)
    if status in (400, 405, 413, 415, 422):
        return Rejected(message, field=field_of(answer.body))
    if status >= 500:
        return Unavailable(f"The tracker answered with an error of its own (status {status}).")
    return UnexpectedAnswer(f"The tracker answered with the unexpected status {status}.")


def wait_of(answer: Answer) -> float:
    """Seconds to wait: Retry-After (seconds or a date), else until the reset of the limit, else a minute."""
    text = answer.headers.get("Retry-After", "")
    if text.isdigit():
        return float(text)
    if text:
        try:
            return max(1.0, parsedate_to_datetime(text).timestamp() - time.time())
        except (TypeError, ValueError):
            return SECONDARY
    resets = _number(answer, "x-ratelimit-reset")
    if _number(answer, "x-ratelimit-remaining") == 0 and resets and resets > time.time():
        return resets - time.time()
    return SECONDARY


def field_of(body: Any) -> str:
    """The field a vendor names: Jira's errors map, GitHub's errors list."""
    errors = body.get("errors") if isinstance(body, dict) else None
    if isinstance(errors, dict) and errors:
        return str(next(iter(errors)))
    if isinstance(errors, list) and errors and isinstance(errors[0], dict):
        return str(errors[0].get("field") or "")
    return ""


def _said(answer: Answer) -> str:
    body = answer.body
    if not isinstance(body, dict):
        return ""
    parts = [str(body.get("message") or "")]
    parts += [str(one) for one in body.get("errorMessages") or []]
    errors = body.get("errors")
    if isinstance(errors, dict):
        parts += [f"{name}: {text}" for name, text in errors.items()]
    elif isinstance(errors, list):
        parts += [
            one if isinstance(one, str) else f"{one.get('field', '')} {one.get('message') or one.get('code', '')}".strip()
            for one in errors
        ]
    return "; ".join(part for part in parts if part)[:400]


def _limited(answer: Answer) -> bool:
    return (
        bool(answer.headers.get("Retry-After"))
        or _number(answer, "x-ratelimit-remaining") == 0
        or "rate limit" in answer.text.lower()
    )


def _missing_json(answer: Answer) -> bool:
    return answer.status in (200, 201) and answer.body is None and bool(answer.text.strip())


def _json(content: bytes) -> Any:
    try:
        return json_module.loads(content) if content.strip() else None
    except ValueError:
        return None


def _number(answer: Answer, name: str) -> int | None:
    text = answer.headers.get(name, "")
    try:
        return int(float(text)) if text else None
    except ValueError:
        return None


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return (parts.scheme, parts.hostname, parts.port)
