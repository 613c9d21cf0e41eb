"""Jira Server's endpoints, one small method each, vendor JSON out. Jira's odd ways of failing are told apart here.
Reference: https://docs.atlassian.com/software/jira/docs/api/REST/9.17.0/ and https://developer.atlassian.com/server/jira/platform/rest/"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any
from urllib.parse import quote

from exalate.errors import BadCredentials, ExalateError, NotFound, Rejected, UnexpectedAnswer
from trackers.jira_server.mapping import MARK, TO_CANONICAL, Json
from trackers.session import Answer, Session

API = "/rest/api/2"
WEBHOOKS_10 = "/rest/jira-webhook/1.0/webhooks"
WEBHOOKS_9 = "/rest/webhooks/1.0/webhook"
CAPTCHA = (
    "Jira asks the proxy user to solve a CAPTCHA after failed logins: log in once as this user in a browser, "
    "then enter the right credentials; every further try prolongs the lock"
)
PAGE = 100


def classify(answer: Answer) -> ExalateError | None:
    """What Jira does oddly: anonymous answers to a wrong login, a CAPTCHA behind a 403, an error per field."""
    header = answer.headers.get
    if answer.status == 403 and "CAPTCHA" in (header("X-Authentication-Denied-Reason") or "").upper():
        return BadCredentials(CAPTCHA)
    if answer.status < 500 and (header("X-Seraph-LoginReason") or "").upper() in (
        "AUTHENTICATED_FAILED",
        "AUTHENTICATION_DENIED",
    ):
        return BadCredentials("Jira did not accept the proxy user's credentials and answered as to an unknown visitor")
    if answer.status < 400 and (header("X-AUSERNAME") or "").lower() == "anonymous":
        return BadCredentials("Jira answered as to an unknown visitor: the credentials were not accepted")
    if answer.status == 400:
        return refusal(answer.body)
    return None


def refusal(body: Any) -> Rejected | None:
    """{"errorMessages": [...], "errors": {field: message}}; None when it says nothing."""
    if not isinstance(body, dict):
        return None
    errors = body.get("errors") if isinstance(body.get("errors"), dict) else {}
    told = [str(message) for message in body.get("errorMessages") or ()]
    told += [f"{field}: {message}" for field, message in (errors or {}).items()]
    if not told:
        return None
    field = next(iter(errors or {}), "")
    return Rejected("Jira refused: " + "; ".join(told), field=TO_CANONICAL.get(field, field))


class JiraClient:
    def __init__(self, settings: Mapping[str, Any]) -> None:
        self.settings = settings
        self.base = str(settings["url"]).rstrip("/")

    @cached_property
    def session(self) -> Session:
        """Made at the first call, so that a connector without credentials can still verify a delivery."""
        headers = {"Accept": "application/json", "X-Atlassian-Token": "no-check"}
        token, login = self.settings.get("token") or "", self.settings.get("username") or ""
        if not token and not (login and self.settings.get("password")):
            raise BadCredentials("Enter a personal access token, or a user name and its password")
        if token:
            return Session(
                self.settings, base=self.base, headers={**headers, "Authorization": f"Bearer {token}"}, classify=classify
            )
        return Session(self.settings, base=self.base, headers=headers, auth=(login, self.settings["password"]), classify=classify)

    def get(self, path: str, *, what: str, **params: Any) -> Any:
        return self.session.call("GET", path, params=params or None, ok=(200,), what=what).body

    def get_object(self, path: str, *, what: str, **params: Any) -> Json:
        found = self.get(path, what=what, **params)
        if not isinstance(found, dict):
            raise UnexpectedAnswer(f"Jira answered something else than an object when asked to {what}")
        return found

    def get_list(self, path: str, *, what: str, **params: Any) -> list[Json]:
        found = self.get(path, what=what, **params)
        if not isinstance(found, list):
            raise UnexpectedAnswer(f"Jira answered something else than a list when asked to {what}")
        return found

    def pages(self, path: str, name: str, *, what: str, **params: Any) -> Iterator[Json]:
        """Every element of a list that comes in pages; the maxResults that Jira answers is the one that counts."""
        start = 0
        while True:
            page = self.get_object(path, what=what, startAt=start, maxResults=PAGE, **params)
            values = page.get(name) or []
            yield from values
            start += len(values)
            total = page.get("total")
            if not values or page.get("isLast") is True or (total is not None and start >= total):
                return
            if total is None and "isLast" not in page:
                return

    # ------------------------------------------------------------------ instance
    def server_info(self) -> Json:
        return self.get_object(f"{API}/serverInfo", what="tell its version")

    def myself(self) -> Json:
        return self.get_object(f"{API}/myself", what="say who the proxy user is", expand="groups")

    def permissions(self, project: str) -> Json:
        params = {"projectKey": project} if project else {}
        found = self.get_object(f"{API}/mypermissions", what="list the proxy user's permissions", **params)
        return found.get("permissions") or {}

    # ------------------------------------------------------------------ projects
    def projects(self) -> list[Json]:
        return self.get_list(f"{API}/project", what="list its projects")

    def statuses(self, project: str) -> list[Json]:
        """Issue types, each with its statuses."""
        return self.get_list(f"{API}/project/{quote(project, safe='')}/statuses", what=f"list the statuses of {project}")

    def issue_types(self, project: str) -> list[Json]:
        """Those the proxy user may create (8.4 and later)."""
        path = f"{API}/issue/createmeta/{quote(project, safe='')}/issuetypes"
        return list(self.pages(path, "values", what=f"list the issue types of {project}"))

    def create_fields(self, project: str, type_id: str) -> list[Json]:
        path = f"{API}/issue/createmeta/{quote(project, safe='')}/issuetypes/{quote(type_id, safe='')}"
        return list(self.pages(path, "values", what=f"list the fields of {project}"))

    def priorities(self) -> list[Json]:
        return self.get_list(f"{API}/priority", what="list its priorities")

    def assignable(self, project: str) -> list[Json]:
        path = f"{API}/user/assignable/search"
        return self.get_list(path, what=f"list who can be assigned in {project}", project=project, maxResults=1000)

    def users(self, text: str) -> list[Json]:
        return self.get_list(f"{API}/user/search", what="find a user", username=text, maxResults=50)

    def user(self, key: str) -> Json:
        return self.get_object(f"{API}/user", what="find a user", key=key)

    # ------------------------------------------------------------------ issues
    def issue(self, key: str, *, fields: str, expand: str = "", properties: str = "") -> Json:
        params = {"fields": fields, "expand": expand, "properties": properties}
        path = f"{API}/issue/{quote(key, safe='')}"
        raw = self.get_object(path, what=f"read {key}", **{name: value for name, value in params.items() if value})
        if "id" not in raw or "key" not in raw:
            raise UnexpectedAnswer(f"Jira answered something else than the issue {key}")
        return raw

    def create(self, body: Json, project: str) -> Json:
        raw = self.session.call("POST", f"{API}/issue", json=body, ok=(201,), what=f"create an issue in {project}").body
        if not isinstance(raw, dict) or "id" not in raw or "key" not in raw:
            raise UnexpectedAnswer(f"Jira did not say which issue it created in {project}")
        return raw

    def edit(self, key: str, body: Json) -> None:
        self.session.call("PUT", f"{API}/issue/{quote(key, safe='')}", json=body, ok=(204,), what=f"edit {key}")

    def transit(self, key: str, transition: str, status: str) -> None:
        path, body = f"{API}/issue/{quote(key, safe='')}/transitions", {"transition": {"id": transition}}
        self.session.call("POST", path, json=body, ok=(204,), what=f'move {key} to "{status}"')

    def comments(self, key: str) -> list[Json]:
        """Every comment with its properties, oldest first."""
        path = f"{API}/issue/{quote(key, safe='')}/comment"
        return list(self.pages(path, "comments", what=f"list the comments of {key}", expand="properties", orderBy="created"))

    def add_comment(self, key: str, body: str, mark: str) -> Json:
        path = f"{API}/issue/{quote(key, safe='')}/comment"
        sent: Json = {"body": body, "properties": [{"key": MARK, "value": mark}]} if mark else {"body": body}
        return self._comment(self.session.call("POST", path, json=sent, ok=(201,), what=f"comment on {key}"), key)

    def edit_comment(self, key: str, comment: str, body: str) -> Json:
        path = f"{API}/issue/{quote(key, safe='')}/comment/{quote(comment, safe='')}"
        return self._comment(self.session.call("PUT", path, json={"body": body}, ok=(200,), what=f"edit a comment on {key}"), key)

    def remove_comment(self, key: str, comment: str) -> None:
        path = f"{API}/issue/{quote(key, safe='')}/comment/{quote(comment, safe='')}"
        self.session.call("DELETE", path, ok=(204,), what=f"delete a comment on {key}")

    @staticmethod
    def _comment(answer: Answer, key: str) -> Json:
        if not isinstance(answer.body, dict) or "id" not in answer.body:
            raise UnexpectedAnswer(f"Jira did not say which comment on {key} it wrote")
        return answer.body

    def search(self, jql: str, *, fields: list[str], start: int = 0, limit: int = PAGE, expand: list[str] | None = None) -> Json:
        """POST: a long query breaks at proxies when it stands in the address. A malformed one is Rejected with field "query"."""
        body: Json = {"jql": jql, "startAt": start, "maxResults": limit, "fields": fields}
        body |= {"expand": expand} if expand else {}
        try:
            answer = self.session.call("POST", f"{API}/search", json=body, ok=(200,), what="search")
        except Rejected as error:
            raise Rejected(error.message, field="query") from error
        if not isinstance(answer.body, dict) or not isinstance(answer.body.get("issues"), list):
            raise UnexpectedAnswer("Jira answered a search with something else than issues")
        return {**answer.body, "date": answer.headers.get("Date")}

    # ------------------------------------------------------------------ webhooks (Jira administrators only)
    def webhooks(self) -> tuple[str, list[Json]]:
        """Which of the two resources this Jira has (10.x, 9.x), and what is registered there."""
        try:
            return WEBHOOKS_10, self.get_list(WEBHOOKS_10, what="list its webhooks")
        except NotFound:
            return WEBHOOKS_9, self.get_list(WEBHOOKS_9, what="list its webhooks")

    def put_webhook(self, path: str, webhook: str, body: Json) -> Json:
        """Change the webhook called `webhook`, or register a new one when it is empty."""
        method, address = ("PUT", f"{path}/{quote(webhook, safe='')}") if webhook else ("POST", path)
        found = self.session.call(method, address, json=body, ok=(200, 201), what="register a webhook").body
        if not isinstance(found, dict):
            raise UnexpectedAnswer("Jira did not say which webhook it registered")
        return found

    def delete_webhook(self, path: str, webhook: str) -> None:
        self.session.call("DELETE", f"{path}/{quote(webhook, safe='')}", ok=(200, 204), what="remove a webhook")
