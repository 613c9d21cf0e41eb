"""The control interface under /_sandbox/: what tests, benchmarks and demonstrations steer a sandbox with. No log-in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trackers.sandbox.faults import BadFault
from trackers.sandbox.wire import NotJson, Request, Response

if TYPE_CHECKING:
    from trackers.sandbox.server import Sandbox

USER_SETTINGS = {"admin": bool, "active": bool, "denied": list, "access": dict}


def answer(sandbox: Sandbox, request: Request) -> Response:
    """GET health, calls, faults, deliveries, users; PUT faults, users; DELETE calls; POST reset."""
    verb = (request.method, "/".join(request.parts[1:]))
    handler = VERBS.get(verb)
    if handler is None:
        return _refused(404, f"There is no {verb[0]} /_sandbox/{verb[1]}; there are {_verbs()}.")
    try:
        return handler(sandbox, request)
    except NotJson:
        return _refused(400, "The body is not JSON.")
    except BadFault as error:
        return _refused(400, str(error))


def _health(sandbox: Sandbox, request: Request) -> Response:
    return Response.json(200, {"kind": sandbox.tracker.kind, "url": sandbox.server.url})


def _calls(sandbox: Sandbox, request: Request) -> Response:
    return Response.json(200, {"calls": sandbox.calls.shown()})


def _forget_calls(sandbox: Sandbox, request: Request) -> Response:
    sandbox.calls.clear()
    return Response.json(200, {})


def _faults(sandbox: Sandbox, request: Request) -> Response:
    return Response.json(200, sandbox.faults.values)


def _set_faults(sandbox: Sandbox, request: Request) -> Response:
    sandbox.faults.change(request.json())
    return _faults(sandbox, request)


def _deliveries(sandbox: Sandbox, request: Request) -> Response:
    return Response.json(200, {"deliveries": sandbox.deliveries.shown()})


def _users(sandbox: Sandbox, request: Request) -> Response:
    with sandbox.store.lock:
        return Response.json(200, sandbox.store.table("users"))


def _set_users(sandbox: Sandbox, request: Request) -> Response:
    """{"proxy": {"admin": false, "denied": ["ADD_COMMENTS"]}}: what Test connection then finds missing."""
    given = request.json()
    with sandbox.store.lock:
        for login, settings in given.items() if isinstance(given, dict) else [("", None)]:
            _check_user(sandbox, login, settings)
        for login, settings in given.items():
            user = sandbox.store.table("users")[login]
            sandbox.store.put("users", login, {**user, **settings})
        sandbox.store.commit()
    return _users(sandbox, request)


def _check_user(sandbox: Sandbox, login: str, settings: Any) -> None:
    if login not in sandbox.store.table("users") or not isinstance(settings, dict):
        raise BadFault("Send {login: {setting: value}} with the login of a user there is.")
    for name, value in settings.items():
        kind = USER_SETTINGS.get(name)
        if kind is None or not isinstance(value, kind):
            raise BadFault(f"{name!r} is no setting of a user, or of the wrong type; there are {', '.join(USER_SETTINGS)}.")


def _reset(sandbox: Sandbox, request: Request) -> Response:
    given = request.json()
    hooks = isinstance(given, dict) and given.get("hooks") is True
    sandbox.reset(hooks=hooks)
    return Response.json(200, {})


def _refused(status: int, sentence: str) -> Response:
    return Response.json(status, {"error": sentence})


def _verbs() -> str:
    return ", ".join(f"{method} {path}" for method, path in VERBS)


VERBS = {
    ("GET", "health"): _health,
    ("GET", "calls"): _calls,
    ("DELETE", "calls"): _forget_calls,
    ("GET", "faults"): _faults,
    ("PUT", "faults"): _set_faults,
    ("GET", "deliveries"): _deliveries,
    ("GET", "users"): _users,
    ("PUT", "users"): _set_users,
    ("POST", "reset"): _reset,
}
