"""The interface that every tracker's connector has. Its conformance suite: tests/conformance/contract.py.

Core code asks `connector.features`, never the kind. A feature that stands for methods cannot be claimed without
them: the class fails at import. Errors are those of exalate/errors.py. PURE but for the settings it is given.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Literal, TypeVar

from exalate.errors import Unsupported
from trackers.issue import Comment, Doc, Issue, Parts, User

T = TypeVar("T")


@dataclass(frozen=True)
class Features:
    # each of these stands for methods; claim and method must agree
    webhooks: bool = False  # parse_webhook
    subscribes: bool = False  # subscribe, unsubscribe: registers its own webhook
    attachments: bool = False  # attach, open_attachment
    deletes_comments: bool = False  # remove_comment
    marks: bool = False  # find_by_mark: a creation in doubt can be looked up
    # behaviours that the planner and the console read
    edits_comments: bool = False
    internal_comments: bool = False
    custom_fields: bool = False
    conditional_update: bool = False  # update(base=...) is refused with Stale when the issue changed since base
    history: bool = False  # read(parts=HISTORY) tells who changed what from what
    history_calls: int = 1  # how many calls more than a plain read that costs; 0 = it comes along
    priority: bool = False
    types: bool = False
    status: Literal["free", "workflow", "open_closed"] = "free"
    body: Literal["adf", "wiki", "html", "markdown", "plain"] = "plain"
    max_title: int = 255  # characters
    max_body: int = 32_767  # characters
    granularity_ms: int = 1000  # of the tracker's time stamps
    index_lag_s: int = 0  # how long find_by_mark and changes may lag behind a write


FEATURE_METHODS = {
    "webhooks": ("parse_webhook",),
    "subscribes": ("subscribe", "unsubscribe"),
    "attachments": ("attach", "open_attachment"),
    "deletes_comments": ("remove_comment",),
    "marks": ("find_by_mark",),
}


@dataclass(frozen=True)
class Setting:
    """One input of the credentials form. `secret` ones are write-only."""

    name: str
    label: str
    secret: bool = False
    required: bool = True
    help: str = ""


@dataclass(frozen=True)
class Permission:
    """One line of Test connection. `granted` None: could not be told. `need`: the part of the product that needs it:
    "always", "comments", "attachments", "worklogs", "links", "security", "service_desk", "webhooks"."""

    name: str
    granted: bool | None
    need: str = "always"
    fix: str = ""


@dataclass(frozen=True)
class Account:
    """What Test connection found: who the proxy user is and what it may do."""

    user: User
    version: str = ""
    permissions: tuple[Permission, ...] = ()
    groups: tuple[str, ...] = ()
    is_admin: bool = False  # an administrator's account: what it creates is not synced
    time_zone: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Project:
    key: str
    name: str
    id: str = ""


@dataclass(frozen=True)
class Status:
    """`category`: "new", "active" or "done"."""

    name: str
    category: Literal["new", "active", "done"] = "new"


@dataclass(frozen=True)
class Field:
    id: str
    name: str
    kind: str = "string"
    required: bool = False
    options: tuple[str, ...] = ()


@dataclass(frozen=True)
class Schema:
    types: tuple[str, ...] = ()
    statuses: tuple[Status, ...] = ()
    priorities: tuple[str, ...] = ()
    users: tuple[User, ...] = ()  # who can be assigned
    fields: tuple[Field, ...] = ()
    default_type: str = ""
    default_status: str = ""


@dataclass(frozen=True)
class IssueEvent:
    """Something happened to an issue: a hint to look at it, never content to sync. Either `issue_id` or `key` is set."""

    kind: str  # the vendor's name of the event
    issue_id: str = ""
    key: str = ""
    project: str = ""
    parts: Parts = Parts.ALL
    by: User | None = None
    at: int = 0
    stamp: str = ""  # the issue's `updated` as the tracker gave it, to compare with Issue.stamp
    delivery: str = ""  # the vendor's id of the delivery, or a hash of it


@dataclass(frozen=True)
class Page(Generic[T]):
    items: tuple[T, ...]
    cursor: str = ""  # where the next call goes on; keep it once the items are safe
    more: bool = False  # another page is waiting now


@dataclass(frozen=True)
class Written:
    """What stands in the tracker after our write: from the vendor's answer, or, where it answers nothing, the values
    we sent turned once through the vendor's text form."""

    id: str
    key: str
    url: str = ""
    stamp: str = ""
    issue: Issue | None = None  # after create and update; comments are None
    comment: Comment | None = None  # after comment


@dataclass(frozen=True)
class Subscription:
    id: str
    url: str = ""
    active: bool = True


class Connector(ABC):
    """One logged-in tracker. Made by `Instance.connector()`; safe to use from several threads.

    Every method may raise Unavailable, RateLimited, BadCredentials, Forbidden, UnexpectedAnswer; those that address an
    issue may raise NotFound. Methods that write raise Rejected (with `field`) when the tracker refuses a value.
    `settings`: the instance's URL ("url"), credentials by `Setting.name`, "timeout" (s), "webhook_secret", "proxy_id".
    """

    kind: ClassVar[str]
    label: ClassVar[str]
    features: ClassVar[Features]
    settings_form: ClassVar[tuple[Setting, ...]] = ()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        features = cls.__dict__.get("features")
        if features is None:
            return
        for flag, methods in FEATURE_METHODS.items():
            for method in methods:
                has = getattr(cls, method) is not getattr(Connector, method)
                if getattr(features, flag) != has:
                    raise TypeError(f"{cls.__name__}: features.{flag} is {not has} but {method} is {'' if has else 'not '}defined")

    # ------------------------------------------------------------------ required
    @abstractmethod
    def check(self, project: str = "") -> Account:
        """Who the proxy user is, the tracker's version, and its permissions (in `project` where they differ)."""

    @abstractmethod
    def projects(self) -> Iterator[Project]:
        """Every project (repository) that the proxy user can see."""

    @abstractmethod
    def schema(self, project: str) -> Schema:
        """Types, statuses, priorities and assignable users of a project. NotFound when it does not exist."""

    @abstractmethod
    def search(self, query: str, cursor: str = "") -> Page[str]:
        """Keys of the issues that the tracker's own query finds. Rejected with field "query" when it is malformed."""

    @abstractmethod
    def changes(self, project: str, cursor: str = "") -> Page[IssueEvent]:
        """Issues of `project` changed since `cursor` ("" = from now on), oldest first, at least once: a page boundary
        between equal time stamps loses nothing; an old cursor repeats, never skips."""

    @abstractmethod
    def read(self, key: str, parts: Parts = Parts.ALL) -> Issue:
        """The snapshot by key or immutable id; every page of every part asked for, or an error. Parts.COMMENTS alone
        may leave the fields at their defaults: look at `Issue.parts`."""

    @abstractmethod
    def find_user(self, email: str) -> User | None: ...

    @abstractmethod
    def create(self, project: str, fields: Mapping[str, Any], mark: str, *, repeat: bool = False) -> Written:
        """Create an issue that carries `mark`. `fields`: canonical names to canonical values (User for assignee, Doc for
        description, an iterable of labels). `repeat`: look for the mark first and return what is found."""

    @abstractmethod
    def update(self, key: str, fields: Mapping[str, Any], *, base: Issue | None = None) -> Written:
        """Write `fields` (labels as SetChange) in as few calls as the tracker allows; a status is reached through the
        workflow. `base`: the snapshot this was planned on; spares reads, and is the condition where the tracker has
        conditional updates (Stale)."""

    @abstractmethod
    def comment(self, key: str, body: Doc, *, mark: str = "", edit: str = "", internal: bool = False) -> Written:
        """Add a comment that carries `mark`, or replace the body of comment `edit`."""

    @abstractmethod
    def parse_key(self, text: str, project: str) -> str:
        """The key that a person means by `text` (a key, a number, or the address of the issue's page) in `project`, or ""
        when it cannot be one of this instance's. Makes no call."""

    @abstractmethod
    def issue_url(self, key: str) -> str:
        """The page where a person sees the issue. Makes no call."""

    # ------------------------------------------------------------------ behind a feature
    def parse_webhook(self, headers: Mapping[str, str], body: bytes) -> tuple[IssueEvent, ...]:
        """Verify, then parse; () for events that do not matter. WebhookRefused when the signature is wrong."""
        raise Unsupported(f"{self.label} sends no webhooks")

    def subscribe(self, project: str, url: str, secret: str) -> Subscription:
        """Register a webhook; finds and reuses one with the same address."""
        raise Unsupported(f"{self.label} cannot register webhooks by itself")

    def unsubscribe(self, project: str, subscription: Subscription) -> None:
        raise Unsupported(f"{self.label} cannot remove webhooks by itself")

    def find_by_mark(self, project: str, mark: str, since: int) -> Written | None:
        """The issue created with `mark` at or after `since` (ms), with `features.index_lag_s` of delay."""
        raise Unsupported(f"{self.label} keeps no marks")

    def remove_comment(self, key: str, comment_id: str) -> None:
        """Delete a comment; one that is gone already is no error."""
        raise Unsupported(f"{self.label} cannot delete comments")

    def attach(self, key: str, filename: str, content: Any) -> Written:
        raise Unsupported(f"{self.label} takes no attachments")

    def open_attachment(self, attachment_id: str) -> Any:
        raise Unsupported(f"{self.label} has no attachments")
