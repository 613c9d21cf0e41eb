"""GitHub's JSON for what the store keeps."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from trackers.sandbox.store import Doc

if TYPE_CHECKING:
    from trackers.sandbox.github.tracker import GitHub

LEVELS = ("none", "read", "triage", "write", "maintain", "admin")
REACTIONS = ("+1", "-1", "laugh", "hooray", "confused", "heart", "rocket", "eyes")
# what a repository's JSON names besides itself, as GitHub spells it
REPO_URLS = {
    "forks": "/forks",
    "keys": "/keys{/key_id}",
    "collaborators": "/collaborators{/collaborator}",
    "teams": "/teams",
    "hooks": "/hooks",
    "issue_events": "/issues/events{/number}",
    "events": "/events",
    "assignees": "/assignees{/user}",
    "branches": "/branches{/branch}",
    "tags": "/tags",
    "blobs": "/git/blobs{/sha}",
    "git_tags": "/git/tags{/sha}",
    "git_refs": "/git/refs{/sha}",
    "trees": "/git/trees{/sha}",
    "statuses": "/statuses/{sha}",
    "languages": "/languages",
    "stargazers": "/stargazers",
    "contributors": "/contributors",
    "subscribers": "/subscribers",
    "subscription": "/subscription",
    "commits": "/commits{/sha}",
    "git_commits": "/git/commits{/sha}",
    "comments": "/comments{/number}",
    "issue_comment": "/issues/comments{/number}",
    "contents": "/contents/{+path}",
    "compare": "/compare/{base}...{head}",
    "merges": "/merges",
    "archive": "/{archive_format}{/ref}",
    "downloads": "/downloads",
    "issues": "/issues{/number}",
    "pulls": "/pulls{/number}",
    "milestones": "/milestones{/number}",
    "notifications": "/notifications{?since,all,participating}",
    "labels": "/labels{/name}",
    "releases": "/releases{/id}",
    "deployments": "/deployments",
}


@dataclass(frozen=True)
class Links:
    """Where the addresses in an answer point: as the caller reached us."""

    web: str
    api: str


def stamp(ms: int | None) -> str | None:
    """Whole seconds, as GitHub keeps them."""
    return _stamp(ms // 1000) if ms is not None else None


@lru_cache(maxsize=4096)
def _stamp(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def node_id(prefix: str, number: int) -> str:
    return f"{prefix}_kwDO{base64.urlsafe_b64encode(number.to_bytes(6, 'big')).decode()}"


def user(links: Links, doc: Doc) -> Doc:
    login, api = doc["login"], f"{links.api}/users/{quote(doc['login'])}"
    return {
        "login": login,
        "id": doc["id"],
        "node_id": node_id("U", doc["id"]),
        "avatar_url": f"{links.web}/avatars/u/{doc['id']}",
        "gravatar_id": "",
        "url": api,
        "html_url": f"{links.web}/{login}",
        "followers_url": f"{api}/followers",
        "following_url": f"{api}/following{{/other_user}}",
        "gists_url": f"{api}/gists{{/gist_id}}",
        "starred_url": f"{api}/starred{{/owner}}{{/repo}}",
        "subscriptions_url": f"{api}/subscriptions",
        "organizations_url": f"{api}/orgs",
        "repos_url": f"{api}/repos",
        "events_url": f"{api}/events{{/privacy}}",
        "received_events_url": f"{api}/received_events",
        "type": doc.get("type", "User"),
        "site_admin": doc.get("site_admin", False),
    }


def whole_user(links: Links, doc: Doc) -> Doc:
    """What GET /user and GET /users/{login} tell."""
    return {
        **user(links, doc),
        "user_view_type": "public",
        "name": doc["name"],
        "company": None,
        "blog": "",
        "location": None,
        "email": doc["email"],
        "hireable": None,
        "bio": None,
        "twitter_username": None,
        "public_repos": 0,
        "public_gists": 0,
        "followers": 0,
        "following": 0,
        "created_at": stamp(doc["created"]),
        "updated_at": stamp(doc["created"]),
    }


def permissions(level: str) -> Doc:
    rank = LEVELS.index(level)
    return {name: rank >= LEVELS.index(needs) for name, needs in _PERMISSIONS.items()}


_PERMISSIONS = {"admin": "admin", "maintain": "maintain", "push": "write", "triage": "triage", "pull": "read"}


def repo(tracker: GitHub, links: Links, doc: Doc, viewer: str = "") -> Doc:
    api, web = repo_url(links, doc), f"{links.web}/{doc['full_name']}"
    shown = {
        "id": doc["id"],
        "node_id": node_id("R", doc["id"]),
        "name": doc["name"],
        "full_name": doc["full_name"],
        "private": True,
        "owner": user(links, tracker.owner),
        "html_url": web,
        "description": doc["description"],
        "fork": False,
        "url": api,
        **{f"{name}_url": api + path for name, path in REPO_URLS.items()},
        "created_at": stamp(doc["created"]),
        "updated_at": stamp(doc["created"]),
        "pushed_at": stamp(doc["created"]),
        "git_url": web.replace("http", "git", 1) + ".git",
        "ssh_url": f"git@localhost:{doc['full_name']}.git",
        "clone_url": web + ".git",
        "svn_url": web,
        "homepage": None,
        "language": None,
        "mirror_url": None,
        "license": None,
        "default_branch": "main",
        "visibility": "private",
        "topics": [],
        **dict.fromkeys(("size", "stargazers_count", "watchers_count", "forks_count", "forks", "watchers"), 0),
        "has_issues": doc["has_issues"],
        **dict.fromkeys(("has_projects", "has_downloads", "has_wiki"), True),
        **dict.fromkeys(("has_pages", "has_discussions", "is_template", "disabled", "web_commit_signoff_required"), False),
        "archived": doc["archived"],
        "allow_forking": True,
        "open_issues_count": tracker.open_count(doc["id"]),
        "open_issues": tracker.open_count(doc["id"]),
    }
    if viewer:
        level = tracker.access(viewer, doc)
        shown |= {"permissions": permissions(level), "role_name": level}
    return shown


def whole_repo(tracker: GitHub, links: Links, doc: Doc, viewer: str) -> Doc:
    return {
        **repo(tracker, links, doc, viewer),
        "organization": user(links, tracker.owner),
        "network_count": 0,
        "subscribers_count": 0,
    }


def repo_url(links: Links, doc: Doc) -> str:
    return f"{links.api}/repos/{doc['full_name']}"


def label(links: Links, repo_doc: Doc, doc: Doc) -> Doc:
    return {
        "id": doc["id"],
        "node_id": node_id("LA", doc["id"]),
        "url": f"{repo_url(links, repo_doc)}/labels/{quote(doc['name'], safe='')}",
        "name": doc["name"],
        "color": doc["color"],
        "default": doc["default"],
        "description": doc["description"],
    }


def issue(tracker: GitHub, links: Links, doc: Doc) -> Doc:
    repo_doc = tracker.repos[doc["repo"]]
    url = f"{repo_url(links, repo_doc)}/issues/{doc['number']}"
    assignees = [user(links, tracker.user(login)) for login in doc["assignees"]]
    return {
        "url": url,
        "repository_url": repo_url(links, repo_doc),
        "labels_url": f"{url}/labels{{/name}}",
        "comments_url": f"{url}/comments",
        "events_url": f"{url}/events",
        "html_url": issue_page(links, repo_doc, doc),
        "id": doc["id"],
        "node_id": node_id("I", doc["id"]),
        "number": doc["number"],
        "title": doc["title"],
        "user": user(links, tracker.user(doc["user"])),
        "labels": [label(links, repo_doc, one) for one in tracker.labels_on(doc)],
        "state": doc["state"],
        "locked": doc["locked"],
        "assignee": assignees[0] if assignees else None,
        "assignees": assignees,
        "milestone": None,
        "comments": len(tracker.comments_of.get(doc["id"], ())),
        "created_at": stamp(doc["created"]),
        "updated_at": stamp(doc["updated"]),
        "closed_at": stamp(doc["closed"]),
        "author_association": tracker.association(doc["user"], repo_doc),
        "active_lock_reason": doc["lock_reason"],
        "body": doc["body"],
        "closed_by": user(links, tracker.user(doc["closed_by"])) if doc["closed_by"] else None,
        "reactions": reactions(url),
        "timeline_url": f"{url}/timeline",
        "performed_via_github_app": None,
        "state_reason": doc["state_reason"],
    }


def issue_page(links: Links, repo_doc: Doc, doc: Doc) -> str:
    return f"{links.web}/{repo_doc['full_name']}/issues/{doc['number']}"


def comment(tracker: GitHub, links: Links, doc: Doc) -> Doc:
    issue_doc = tracker.issues[doc["issue"]]
    repo_doc = tracker.repos[issue_doc["repo"]]
    url = f"{repo_url(links, repo_doc)}/issues/comments/{doc['id']}"
    return {
        "url": url,
        "html_url": f"{issue_page(links, repo_doc, issue_doc)}#issuecomment-{doc['id']}",
        "issue_url": f"{repo_url(links, repo_doc)}/issues/{issue_doc['number']}",
        "id": doc["id"],
        "node_id": node_id("IC", doc["id"]),
        "user": user(links, tracker.user(doc["user"])),
        "created_at": stamp(doc["created"]),
        "updated_at": stamp(doc["updated"]),
        "author_association": tracker.association(doc["user"], repo_doc),
        "body": doc["body"],
        "reactions": reactions(url),
        "performed_via_github_app": None,
    }


def reactions(url: str) -> Doc:
    return {"url": f"{url}/reactions", "total_count": 0, **dict.fromkeys(REACTIONS, 0)}


def event(tracker: GitHub, links: Links, doc: Doc) -> Doc:
    repo_doc = tracker.repos[tracker.issues[doc["issue"]]["repo"]]
    shown: dict[str, Any] = {
        "id": doc["id"],
        "node_id": node_id("EV", doc["id"]),
        "url": f"{repo_url(links, repo_doc)}/issues/events/{doc['id']}",
        "actor": user(links, tracker.user(doc["actor"])),
        "event": doc["event"],
        "commit_id": None,
        "commit_url": None,
        "created_at": stamp(doc["created"]),
        "performed_via_github_app": None,
    }
    shown |= {name: doc[name] for name in ("label", "rename", "state_reason", "lock_reason") if name in doc}
    if "assignee" in doc:
        shown |= {"assignee": user(links, tracker.user(doc["assignee"])), "assigner": shown["actor"]}
    return shown


def hook(links: Links, repo_doc: Doc, doc: Doc) -> Doc:
    url = f"{repo_url(links, repo_doc)}/hooks/{doc['id']}"
    config = dict(doc["config"])
    if config.get("secret"):
        config["secret"] = "********"
    return {
        "type": "Repository",
        "id": doc["id"],
        "name": "web",
        "active": doc["active"],
        "events": doc["events"],
        "config": config,
        "updated_at": stamp(doc["updated"]),
        "created_at": stamp(doc["created"]),
        "url": url,
        "test_url": f"{url}/test",
        "ping_url": f"{url}/pings",
        "deliveries_url": f"{url}/deliveries",
        "last_response": {"code": None, "status": "unused", "message": None},
    }
