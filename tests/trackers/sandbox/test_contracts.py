"""What the sandboxes answer and send fits the vendors' own descriptions, known defects of those aside."""

import gzip
import json

import pytest
import requests

from tests.trackers.sandbox.contracts import CONTRACTS, described, fits, github, github_event, jira_bean

REPO = "/repos/{owner}/{repo}"
ISSUE = REPO + "/issues/{issue_number}"


def check(answer, path, method="get"):
    """The answer's status is declared for that operation, and its body fits."""
    fits(answer.json() if answer.content else None, github(path, method, answer.status_code))
    return answer


@pytest.mark.parametrize(
    ("path", "operation"),
    [
        ("/user", "/user"),
        ("/user/repos", "/user/repos"),
        ("/users/bob", "/users/{username}"),
        ("/meta", "/meta"),
        ("/rate_limit", "/rate_limit"),
        ("/repos/acme/demo", REPO),
        ("/repos/acme/none", REPO),
        ("/repos/acme/demo/labels", REPO + "/labels"),
        ("/repos/acme/demo/labels/bug", REPO + "/labels/{name}"),
        ("/repos/acme/demo/assignees", REPO + "/assignees"),
        ("/repos/acme/demo/assignees/bob", REPO + "/assignees/{assignee}"),
        ("/repos/acme/demo/collaborators/bob/permission", REPO + "/collaborators/{username}/permission"),
        ("/repos/acme/demo/issues?state=all", REPO + "/issues"),
        ("/repos/acme/demo/issues?state=odd", REPO + "/issues"),
        ("/repos/acme/demo/issues/1", ISSUE),
        ("/repos/acme/demo/issues/999", ISSUE),
        ("/repos/acme/demo/issues/1/labels", ISSUE + "/labels"),
        ("/repos/acme/demo/issues/1/comments", ISSUE + "/comments"),
        ("/repos/acme/demo/issues/1/events", ISSUE + "/events"),
        ("/repos/acme/demo/issues/1/timeline", ISSUE + "/timeline"),
        ("/repos/acme/demo/issues/comments", REPO + "/issues/comments"),
        ("/repos/acme/demo/issues/events", REPO + "/issues/events"),
        ("/search/issues?q=repo:acme/demo+is:issue", "/search/issues"),
        ("/search/issues?q=is:odd", "/search/issues"),
    ],
)
def test_githubs_reads_fit(proxy, path, operation):
    check(proxy.get(f"/api/v3{path}"), operation)


def test_githubs_writes_fit(proxy):
    made = check(proxy.post("/repos/acme/demo/issues", json={"title": "x", "labels": ["bug", "own"]}), REPO + "/issues", "post")
    where = f"/repos/acme/demo/issues/{made.json()['number']}"
    change = {"title": "y", "state": "closed", "assignees": ["bob"], "labels": ["own"]}
    check(proxy.patch(where, json=change), ISSUE, "patch")
    check(proxy.patch(where, json={"title": "y" * 300}), ISSUE, "patch")
    check(proxy.patch(where, json={"state": "open", "assignees": []}), ISSUE, "patch")
    check(proxy.post(f"{where}/labels", json={"labels": ["bug"]}), ISSUE + "/labels", "post")
    check(proxy.delete(f"{where}/labels/bug"), ISSUE + "/labels/{name}", "delete")
    check(proxy.delete(f"{where}/labels/bug"), ISSUE + "/labels/{name}", "delete")
    check(proxy.put(f"{where}/lock", json={}), ISSUE + "/lock", "put")
    comment = check(proxy.post(f"{where}/comments", json={"body": "x"}), ISSUE + "/comments", "post")
    one = f"/repos/acme/demo/issues/comments/{comment.json()['id']}"
    check(proxy.patch(one, json={"body": "y"}), REPO + "/issues/comments/{comment_id}", "patch")
    check(proxy.delete(one), REPO + "/issues/comments/{comment_id}", "delete")
    check(proxy.get(f"{where}/events"), ISSUE + "/events")
    check(proxy.get(f"{where}/timeline"), ISSUE + "/timeline")
    assert proxy.post(f"{where.rpartition('/')[0]}/1/labels", json={"labels": ["x" * 60]}).status_code == 422


def test_githubs_hooks_fit(github_hooks):
    proxy, hook = github_hooks
    one = f"/repos/acme/demo/hooks/{hook['id']}"
    check(proxy.get("/repos/acme/demo/hooks"), REPO + "/hooks")
    check(proxy.get(one), REPO + "/hooks/{hook_id}")
    check(proxy.patch(one, json={"add_events": ["label"]}), REPO + "/hooks/{hook_id}", "patch")
    check(proxy.get(f"{one}/deliveries"), REPO + "/hooks/{hook_id}/deliveries")
    check(proxy.post("/repos/acme/demo/hooks", json={"config": {}}), REPO + "/hooks", "post")


@pytest.fixture
def github_hooks(github, proxy, listener):
    config = {"url": listener.url, "content_type": "json", "secret": "x"}
    events = ["issues", "issue_comment", "label"]
    made = proxy.post("/repos/acme/demo/hooks", json={"config": config, "events": events})
    check(made, REPO + "/hooks", "post")
    return proxy, made.json()


def test_githubs_webhooks_fit(github, github_hooks, listener):
    proxy, _ = github_hooks
    number = proxy.post("/repos/acme/demo/issues", json={"title": "x", "body": "y", "labels": ["own"]}).json()["number"]
    where = f"/repos/acme/demo/issues/{number}"
    proxy.patch(where, json={"title": "z", "labels": ["bug"], "assignees": ["bob"], "state": "closed"})
    proxy.patch(where, json={"assignees": [], "state": "open"})
    comment = proxy.post(f"{where}/comments", json={"body": "one"}).json()["id"]
    proxy.patch(f"/repos/acme/demo/issues/comments/{comment}", json={"body": "two"})
    proxy.delete(f"/repos/acme/demo/issues/comments/{comment}")
    requests.post(f"{github.url}/acme/demo/issues/{number}/delete", timeout=5)
    github.sandbox.deliveries.wait_idle()
    told = set()
    for one in listener.heard:
        payload = json.loads(one.body)
        event = one.headers["X-GitHub-Event"].replace("_", "-")
        name = f"webhook-{event}-{payload['action']}" if "action" in payload else f"webhook-{event}"
        fits(payload, github_event(name))
        told.add(name.removeprefix("webhook-"))
    assert told == {
        "ping",
        "label-created",
        *(
            f"issues-{one}"
            for one in ("opened", "labeled", "unlabeled", "edited", "assigned", "unassigned", "closed", "reopened")
        ),
        "issues-deleted",
        *(f"issue-comment-{one}" for one in ("created", "edited", "deleted")),
    }


def test_githubs_errors_look_like_the_recorded_ones(proxy):
    """Octokit's recording of a label with a wrong colour."""
    described("github/openapi-ghes-3.19-issues.json.gz")
    recorded = json.loads(gzip.decompress((CONTRACTS / "github/recorded-octokit-fixtures.json.gz").read_bytes()))
    [theirs] = [one["response"] for one in recorded["errors"]["raw"] if one["status"] == 422]
    ours = proxy.post("/repos/acme/demo/labels", json={"name": "foo", "color": "invalid"}).json()
    assert (ours["message"], ours["errors"]) == (theirs["message"], theirs["errors"])


def test_githubs_issues_have_all_keys_of_the_recorded_ones(proxy):
    described("github/openapi-ghes-3.19-issues.json.gz")
    recorded = json.loads(gzip.decompress((CONTRACTS / "github/recorded-octokit-fixtures.json.gz").read_bytes()))
    theirs = next(one["response"] for one in recorded["add-labels-to-issue"]["raw"] if one["path"].endswith("/issues"))
    assert set(theirs) <= set(proxy.get("/repos/acme/demo/issues/1").json())


@pytest.mark.parametrize(
    ("path", "bean", "many"),
    [
        ("/serverInfo", "ServerInfoBean", False),
        ("/myself", "UserBean", False),
        ("/mypermissions", "PermissionsJsonBean", False),
        ("/configuration", "ConfigurationBean", False),
        ("/project", "ProjectBean", True),
        ("/project/PAY", "ProjectBean", False),
        ("/project/PAY/statuses", "IssueTypeWithStatusJsonBean", True),
        ("/priority", "PriorityJsonBean", True),
        ("/priority/1", "PriorityJsonBean", False),
        ("/issuetype", "IssueTypeJsonBean", True),
        ("/status", "StatusJsonBean", True),
        ("/field", "FieldBean", True),
        ("/user?username=bob", "UserBean", False),
        ("/user/search?username=.", "UserBean", True),
        ("/user/assignable/search?project=PAY", "UserBean", True),
        ("/issue/PAY-1?expand=changelog,transitions,names,schema,editmeta", "IssueBean", False),
        ("/issue/PAY-1/transitions", "TransitionsMetaBean", False),
        ("/issue/PAY-1/comment", "CommentsWithPaginationJsonBean", False),
        ("/issue/PAY-1/properties", "EntityPropertiesKeysBean", False),
        ("/issue/PAY-1/editmeta", "EditMetaBean", False),
        ("/search?jql=project=PAY", "SearchResultsBean", False),
        ("/search?jql=project=", "ErrorCollection", False),
        ("/issue/PAY-99", "ErrorCollection", False),
    ],
)
def test_jiras_reads_fit(jproxy, path, bean, many):
    fits(jproxy.get(path).json(), jira_bean(bean, many=many))


def test_jiras_pages_of_create_fields_fit(jproxy):
    for path, bean in (("", "IssueTypeJsonBean"), ("/10002", "FieldMetaBean")):
        page = jproxy.get(f"/issue/createmeta/PAY/issuetypes{path}").json()
        assert set(page) == {"maxResults", "startAt", "total", "isLast", "values"}
        fits(page["values"], jira_bean(bean, many=True))


def test_jiras_writes_fit(jproxy):
    fields = {"project": {"key": "PAY"}, "issuetype": {"name": "Task"}, "summary": "x"}
    made = jproxy.post("/issue", json={"fields": fields}).json()
    fits(made, jira_bean("IssueCreateResponse"))
    comment = jproxy.post(f"/issue/{made['key']}/comment?expand=properties", json={"body": "x"}).json()
    fits(comment, jira_bean("CommentJsonBean"))
    jproxy.put(f"/issue/{made['key']}/properties/a", json={"x": 1})
    fits(jproxy.get(f"/issue/{made['key']}/properties/a").json(), jira_bean("EntityPropertyBean"))


def test_jiras_fields_are_those_of_the_recorded_issue(jproxy):
    recorded = CONTRACTS / "jira-server/samples/rest/jira-ruby/issue__10002.json"
    if not recorded.exists():
        pytest.skip(f"{recorded} is not there")
    theirs, ours = json.loads(recorded.read_text())["fields"], jproxy.get("/issue/PAY-1").json()["fields"]
    assert set(theirs) - set(ours) == set()
    for name in ("issuetype", "priority", "status", "reporter", "project", "comment", "votes"):
        assert set(theirs[name]) - set(ours[name]) == set(), name


@pytest.mark.parametrize(
    ("sample", "event"),
    [
        ("issue-updated-many-fields", "jira:issue_updated"),
        ("issue-updated-commented-1", "issue_commented"),
        ("issue-updated-comment-deleted", "issue_comment_deleted"),
        ("comment-created", "comment_created"),
        ("comment-updated", "comment_updated"),
        ("comment-deleted", "comment_deleted"),
    ],
)
def test_jiras_webhooks_have_the_keys_of_the_recorded_ones(jira, jproxy, listener, sample, event):
    recorded = CONTRACTS / f"jira-server/samples/webhooks/mattermost/webhook-server-{sample}.json"
    if not recorded.exists():
        pytest.skip(f"{recorded} is not there")
    events = ["jira:issue_updated", "comment_created", "comment_updated", "comment_deleted"]
    body = {"name": "x", "url": listener.url, "events": events}
    jproxy.post(f"{jira.url}/rest/jira-webhook/1.0/webhooks", json=body)
    jproxy.put("/issue/PAY-1", json={"fields": {"labels": ["x"]}})
    made = jproxy.post("/issue/PAY-1/comment", json={"body": "x"}).json()["id"]
    jproxy.put(f"/issue/PAY-1/comment/{made}", json={"body": "y"})
    jproxy.delete(f"/issue/PAY-1/comment/{made}")
    jira.sandbox.deliveries.wait_idle()
    told = [json.loads(one.body) for one in listener.heard]
    ours = next(
        one
        for one in told
        if event in (one["webhookEvent"], one.get("issue_event_type_name"))
        and ("changelog" in one) == (sample == "issue-updated-many-fields")
    )
    theirs = json.loads(recorded.read_text())
    assert set(ours) == set(theirs)
    for part in {"comment", "user", "changelog"} & set(theirs):
        assert set(theirs[part]) <= set(ours[part]), part
    if "changelog" in theirs:
        assert set(theirs["changelog"]["items"][0]) == set(ours["changelog"]["items"][0])
