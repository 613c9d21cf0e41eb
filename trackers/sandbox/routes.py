"""From method and path to the function that answers; shared by both simulators."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

from trackers.sandbox.faults import Allowance
from trackers.sandbox.store import Store
from trackers.sandbox.webhooks import Deliveries
from trackers.sandbox.wire import Request, Response


class Refusal(Exception):
    """The call is answered with `response` and has changed nothing."""

    def __init__(self, response: Response) -> None:
        super().__init__(f"{response.status} {response.body[:200]!r}")
        self.response = response


@dataclass
class Ask:
    """One call on its way: who asks what of which tracker. `args` are the path's named parts."""

    tracker: Any
    request: Request
    user: str
    args: dict[str, str] = field(default_factory=dict)


Handler = Callable[[Ask], Response]


class Router:
    """Patterns such as "/repos/{owner}/{repo}": a braced part matches anything, the first pattern that fits answers."""

    def __init__(self) -> None:
        self._patterns: dict[tuple[str, int], list[tuple[tuple[str, ...], Handler]]] = {}

    def route(self, method: str, pattern: str) -> Callable[[Handler], Handler]:
        parts = tuple(part for part in pattern.split("/") if part)

        def keep(handler: Handler) -> Handler:
            self._patterns.setdefault((method, len(parts)), []).append((parts, handler))
            return handler

        return keep

    def get(self, pattern: str) -> Callable[[Handler], Handler]:
        return self.route("GET", pattern)

    def post(self, pattern: str) -> Callable[[Handler], Handler]:
        return self.route("POST", pattern)

    def put(self, pattern: str) -> Callable[[Handler], Handler]:
        return self.route("PUT", pattern)

    def delete(self, pattern: str) -> Callable[[Handler], Handler]:
        return self.route("DELETE", pattern)

    def find(self, method: str, parts: tuple[str, ...]) -> tuple[Handler, dict[str, str]] | None:
        for pattern, handler in self._patterns.get((method, len(parts)), ()):
            args = _match(pattern, parts)
            if args is not None:
                return handler, args
        return None

    def knows(self, parts: tuple[str, ...]) -> bool:
        """Whether any method is answered at this path."""
        return any(self.find(method, parts) for method in ("GET", "POST", "PUT", "PATCH", "DELETE"))


def _match(pattern: tuple[str, ...], parts: tuple[str, ...]) -> dict[str, str] | None:
    args = {}
    for wanted, part in zip(pattern, parts, strict=True):
        if wanted[0] == "{":
            args[wanted[1:-1]] = part
        elif wanted != part:
            return None
    return args


class Tracker(ABC):
    """One simulated product. The server calls these with the store's lock held."""

    kind: ClassVar[str]
    product: ClassVar[str]

    def __init__(self, store: Store, deliveries: Deliveries, base: str, panel: str = "") -> None:
        self.store, self.deliveries, self.base, self.panel = store, deliveries, base, panel.rstrip("/")
        if not store.table("users"):
            self.seed()
        self.index()

    @abstractmethod
    def seed(self) -> None:
        """Fill an empty store."""

    @abstractmethod
    def index(self) -> None:
        """Rebuild what is derived from the store, after it was loaded or seeded."""

    @abstractmethod
    def is_api(self, request: Request) -> bool: ...

    def is_write(self, request: Request) -> bool:
        return request.method not in ("GET", "HEAD")

    @abstractmethod
    def authenticate(self, request: Request) -> str:
        """The caller's login; Refusal when it is nobody."""

    @abstractmethod
    def respond(self, request: Request, user: str) -> Response: ...

    @abstractmethod
    def dress(self, request: Request, response: Response, user: str, allowance: Allowance) -> None:
        """Add the headers that this product puts on every answer."""

    @abstractmethod
    def limited(self, user: str, allowance: Allowance) -> Response: ...

    @abstractmethod
    def outage(self, status: int) -> Response: ...

    @abstractmethod
    def page(self, request: Request) -> Response: ...
