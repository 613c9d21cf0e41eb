"""GitHub's endpoints, one small method each, vendor JSON out. Reference: https://docs.github.com/en/rest
(version 2022-11-28, pinned: a floating one would change answers under us)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any
from urllib.parse import quote, urlsplit

from exalate.errors import BadCredentials, ExalateError, NotFound, Rejected, UnexpectedAnswer
from trackers.github.mapping import TO_CANONICAL, Json
from trackers.session import Answer, Session

VERSION = "2022-11-28"
PAGE = 100
_NEXT = re.compile(r'<([^>]+)>;\s*rel="next"')


def api_base(url: str) -> str:
    """The address of the REST API for the address that an admin gives: github.com and data-residency hosts have an api
    host of their own; an Enterprise Server has /api/v3; an address with a port or a path is taken as the API itself, as
    emulators and proxies serve it."""
    parts = urlsplit(url.rstrip("/"))
    host = (parts.hostname or "").lower()
    if host in ("github.com", "www.github.com", "api.github.com"):
        return "https://api.github.com"
    if host.endswith(".ghe.com"):
        return f"https://{host if host.startswith('api.') else 'api.' + host}"
    if parts.path.strip("/") or parts.port:
        return url.rstrip("/")
    return f"{parts.scheme}://{host}/api/v3"


def page_base(api: str) -> str:
    """Where people see issues."""
    parts = urlsplit(api)
    host = (parts.netloc or "").removeprefix("api.")
    return f"{parts.scheme}://{host}{parts.path.removesuffix('/api/v3')}".rstrip("/")


def classify(answer: Answer) -> ExalateError | None:
    """What GitHub does oddly: the missing permission is in a header, deleted issues and switched-off issues are a 410."""
    if answer.status == 403 and answer.headers.get("X-GitHub-SSO"):
        return BadCredentials("The token must be authorised for the organisation's single sign-on (SSO).", field="credentials")
    if answer.status == 403 and "login attempts" in answer.text:
        return BadCredentials("GitHub has locked the account for a while after too many failed logins.", field="credentials")
    if answer.status == 422:
        return refusal(answer.body)
    return None


def refusal(body: Any) -> Rejected | None:
    """{"message", "errors": [{resource, field, code, message}]}, or errors as plain strings."""
    if not isinstance(body, dict):
        return None
    errors = [one for one in body.get("errors") or () if one]
    told = [
        one if isinstance(one, str) else one.get("message") or f"{one.get('field', '')}: {one.get('code', '')}" for one in errors
    ]
    field = next((str(one.get("field") or "") for one in errors if isinstance(one, dict)), "")
    return Rejected(
        "GitHub refused: " + "; ".join([str(body.get("message") or "invalid"), *told]), field=TO_CANONICAL.get(field, field)
    )


class GitHubClient:
    def __init__(self, settings: Mapping[str, Any]) -> None:
        self.settings = settings
        self.base = api_base(str(settings["url"]))
        self.pages = page_base(self.base)

    @cached_property
    def session(self) -> Session:
        """Made at the first call, so that a connector without credentials can still verify a delivery."""
        token = self.settings.get("token") or ""
        if not token:
            raise BadCredentials("Enter an access token of the proxy user.", field="token")
        headers = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": VERSION, "Authorization": f"Bearer {token}"}
        return Session(self.settings, base=self.base, headers=headers, classify=classify)

    # ------------------------------------------------------------------ who and where
    def user(self) -> Answer:
        """https://docs.github.com/en/rest/users/users#get-the-authenticated-user"""
        return self.session.call("GET", "/user", what="say who the proxy user is")

    def meta(self) -> Json:
        """https://docs.github.com/en/rest/meta/meta#get-github-meta-information"""
        found: Json = self.session.call("GET", "/meta", what="tell its version").body or {}
        return found

    def repo(self, repo: str) -> Json:
        """https://docs.github.com/en/rest/repos/repos#get-a-repository"""
        return an_object(self.session.call("GET", f"/repos/{repo}", what=f"read the repository {repo}"))

    def repos(self) -> Iterator[Json]:
        """https://docs.github.com/en/rest/repos/repos#list-repositories-for-the-authenticated-user"""
        return self._all("/user/repos", {"per_page": PAGE, "sort": "full_name"}, "list its repositories")

    def assignees(self, repo: str) -> Iterator[Json]:
        """https://docs.github.com/en/rest/issues/assignees#list-assignees"""
        return self._all(f"/repos/{repo}/assignees", {"per_page": PAGE}, f"list who can be assigned in {repo}")

    # ------------------------------------------------------------------ issues
    def issue(self, repo: str, number: str) -> Json:
        """https://docs.github.com/en/rest/issues/issues#get-an-issue"""
        raw = an_object(self.session.call("GET", f"/repos/{repo}/issues/{number}", what=f"read {repo}#{number}"))
        if raw.get("pull_request"):
            raise NotFound(f"{repo}#{number} is a pull request, not an issue.")
        return raw

    def issues(self, repo: str, params: Mapping[str, Any]) -> tuple[list[Json], str]:
        """One page and the address of the next. https://docs.github.com/en/rest/issues/issues#list-repository-issues"""
        answer = self.session.call("GET", f"/repos/{repo}/issues", params=dict(params), what=f"list the issues of {repo}")
        return a_list(answer), next_page(answer)

    def page(self, url: str) -> tuple[list[Json], str]:
        """The next page that a Link header named."""
        answer = self.session.call("GET", url, what="read the next page")
        return a_list(answer), next_page(answer)

    def create(self, repo: str, body: Json) -> Json:
        """https://docs.github.com/en/rest/issues/issues#create-an-issue"""
        raw: Json = self.session.call(
            "POST", f"/repos/{repo}/issues", json=body, ok=(201,), what=f"create an issue in {repo}"
        ).body
        return raw

    def edit(self, repo: str, number: str, body: Json) -> Json:
        """https://docs.github.com/en/rest/issues/issues#update-an-issue"""
        raw: Json = self.session.call(
            "PATCH", f"/repos/{repo}/issues/{number}", json=body, ok=(200,), what=f"change {repo}#{number}"
        ).body
        return raw

    def add_labels(self, repo: str, number: str, labels: list[str]) -> None:
        """https://docs.github.com/en/rest/issues/labels#add-labels-to-an-issue"""
        path = f"/repos/{repo}/issues/{number}/labels"
        self.session.call("POST", path, json={"labels": labels}, ok=(200,), what=f"label {repo}#{number}")

    def remove_label(self, repo: str, number: str, label: str) -> None:
        """https://docs.github.com/en/rest/issues/labels#remove-a-label-from-an-issue : gone already is fine."""
        path = f"/repos/{repo}/issues/{number}/labels/{quote(label, safe='')}"
        self.session.call("DELETE", path, ok=(200, 204, 404), what=f"take a label off {repo}#{number}")

    def events(self, repo: str, number: str) -> Iterator[Json]:
        """https://docs.github.com/en/rest/issues/events#list-issue-events"""
        return self._all(f"/repos/{repo}/issues/{number}/events", {"per_page": PAGE}, f"read the history of {repo}#{number}")

    # ------------------------------------------------------------------ comments
    def comments(self, repo: str, number: str) -> Iterator[Json]:
        """https://docs.github.com/en/rest/issues/comments#list-issue-comments"""
        return self._all(f"/repos/{repo}/issues/{number}/comments", {"per_page": PAGE}, f"read the comments of {repo}#{number}")

    def add_comment(self, repo: str, number: str, body: str) -> Json:
        """https://docs.github.com/en/rest/issues/comments#create-an-issue-comment"""
        path = f"/repos/{repo}/issues/{number}/comments"
        return an_object(self.session.call("POST", path, json={"body": body}, ok=(201,), what=f"comment on {repo}#{number}"))

    def edit_comment(self, repo: str, comment_id: str, body: str) -> Json:
        """https://docs.github.com/en/rest/issues/comments#update-an-issue-comment"""
        path = f"/repos/{repo}/issues/comments/{comment_id}"
        return an_object(self.session.call("PATCH", path, json={"body": body}, ok=(200,), what=f"edit a comment in {repo}"))

    def remove_comment(self, repo: str, comment_id: str) -> None:
        """https://docs.github.com/en/rest/issues/comments#delete-an-issue-comment"""
        self.session.call("DELETE", f"/repos/{repo}/issues/comments/{comment_id}", ok=(204,), what=f"delete a comment in {repo}")

    # ------------------------------------------------------------------ search and webhooks
    def search(self, query: str, page: int) -> Json:
        """https://docs.github.com/en/rest/search/search#search-issues-and-pull-requests"""
        params = {"q": query, "per_page": PAGE, "page": page, "sort": "created", "order": "asc"}
        return an_object(self.session.call("GET", "/search/issues", params=params, what="search"))

    def hooks(self, repo: str) -> Iterator[Json]:
        """https://docs.github.com/en/rest/repos/webhooks#list-repository-webhooks"""
        return self._all(f"/repos/{repo}/hooks", {"per_page": PAGE}, f"list the webhooks of {repo}")

    def create_hook(self, repo: str, body: Json) -> Json:
        """https://docs.github.com/en/rest/repos/webhooks#create-a-repository-webhook"""
        raw: Json = self.session.call(
            "POST", f"/repos/{repo}/hooks", json=body, ok=(201,), what=f"register a webhook in {repo}"
        ).body
        return raw

    def edit_hook(self, repo: str, hook_id: str, body: Json) -> Json:
        """https://docs.github.com/en/rest/repos/webhooks#update-a-repository-webhook"""
        raw: Json = self.session.call(
            "PATCH", f"/repos/{repo}/hooks/{hook_id}", json=body, what=f"change a webhook of {repo}"
        ).body
        return raw

    def remove_hook(self, repo: str, hook_id: str) -> None:
        """https://docs.github.com/en/rest/repos/webhooks#delete-a-repository-webhook"""
        self.session.call("DELETE", f"/repos/{repo}/hooks/{hook_id}", ok=(204,), what=f"remove a webhook of {repo}")

    def _all(self, path: str, params: Mapping[str, Any], what: str) -> Iterator[Json]:
        answer = self.session.call("GET", path, params=dict(params), what=what)
        while True:
            yield from a_list(answer)
            following = next_page(answer)
            if not following:
                return
            answer = self.session.call("GET", following, what=what)


def an_object(answer: Answer) -> Json:
    """Raises UnexpectedAnswer when GitHub answered with something else."""
    if not isinstance(answer.body, dict):
        raise UnexpectedAnswer("The address answered with something that is not GitHub's data.", field="url")
    return answer.body


def a_list(answer: Answer) -> list[Json]:
    if not isinstance(answer.body, list):
        raise UnexpectedAnswer("The address answered with something that is not GitHub's data.", field="url")
    return answer.body


def next_page(answer: Answer) -> str:
    found = _NEXT.search(answer.headers.get("Link", ""))
    return found.group(1) if found else ""
