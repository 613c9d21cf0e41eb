"""The pages: a person lists, opens, creates, edits and comments issues, as alice or as bob."""

from html.parser import HTMLParser
from urllib.parse import quote

import pytest
import requests

from trackers.sandbox import start


class Page(HTMLParser):
    """Forms with their fields, labelled controls, and what else a test asks of a page."""

    def __init__(self, text):
        super().__init__()
        self.forms, self.labels, self.ids, self.tags, self.controls, self.frames = [], set(), [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.tags.append(tag)
        if "id" in given:
            self.ids.append(given["id"])
        if tag == "form":
            self.forms.append(given)
        if tag == "label":
            self.labels.add(given["for"])
        if tag == "iframe":
            self.frames.append(given)
        if tag in ("input", "select", "textarea") and given.get("type") != "hidden":
            self.controls.append(given)


@pytest.fixture(params=["github", "jira_server"])
def place(request):
    running = start(request.param)
    yield running, ("/acme/demo/issues" if request.param == "github" else "/projects/PAY")
    running.stop()


def issue_page(running, number=1):
    return f"/acme/demo/issues/{number}" if running.kind == "github" else f"/browse/PAY-{number}"


def told(running, number):
    """The issue as its API tells it: title, text, author, labels, state, comments."""
    if running.kind == "github":
        who = {"Authorization": "Bearer sandbox-proxy"}
        url = f"{running.url}/repos/acme/demo/issues/{number}"
        issue = requests.get(url, headers=who, timeout=5).json()
        comments = requests.get(f"{url}/comments", headers=who, timeout=5).json()
        labels = [one["name"] for one in issue["labels"]]
        state = issue["state_reason"] if issue["state"] == "closed" else "open"
        return (
            issue["title"],
            issue["body"],
            issue["user"]["login"],
            labels,
            state,
            [(c["user"]["login"], c["body"]) for c in comments],
        )
    url = f"{running.url}/rest/api/2/issue/PAY-{number}"
    fields = requests.get(url, auth=("proxy", "sandbox-proxy"), timeout=5).json()["fields"]
    comments = [(one["author"]["name"], one["body"]) for one in fields["comment"]["comments"]]
    return (
        fields["summary"],
        fields["description"],
        fields["creator"]["name"],
        fields["labels"],
        fields["status"]["name"],
        comments,
    )


def post(running, path, **fields):
    answer = requests.post(running.url + path, data=fields, allow_redirects=False, timeout=5)
    assert answer.status_code == 303, answer.text
    return answer


def names(running):
    return ("title", "body") if running.kind == "github" else ("summary", "description")


def test_every_page_is_whole_and_labelled(place):
    running, listing = place
    for path in ("/", listing, f"{listing}/new", issue_page(running)):
        answer = requests.get(running.url + path, timeout=5)
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8"), path
        page = Page(answer.text)
        assert page.tags.count("main") == 1
        assert page.tags.count("h1") == 1
        assert len(page.ids) == len(set(page.ids))
        assert {one["id"] for one in page.controls} <= page.labels
        assert "script" not in page.tags
        assert "src=" not in answer.text


def test_a_form_creates_an_issue_by_alice(place):
    running, listing = place
    title, text = names(running)
    answer = post(running, listing, **{title: "By hand <b>", text: "line one\r\nline two 🎉", "labels": "bug"})
    where = answer.headers["Location"]
    assert where == issue_page(running, 3)
    assert told(running, 3)[:4] == ("By hand <b>", "line one\r\nline two 🎉", "alice", ["bug"])
    shown = requests.get(running.url + where, timeout=5).text
    assert "By hand &lt;b&gt;" in shown
    assert "By hand &lt;b&gt;" in requests.get(running.url + listing, timeout=5).text


def test_fields_are_edited_one_by_one(place):
    running, _ = place
    title, text = names(running)
    edit = issue_page(running) + "/edit"
    before = told(running, 1)
    post(running, edit, **{title: "Other"})
    assert told(running, 1) == ("Other", *before[1:])
    post(running, edit, **{text: "new text"})
    post(running, edit, labels="question, help wanted" if running.kind == "github" else "two labels")
    post(running, edit, state="not_planned", status="10001")
    labels = ["question", "help wanted"] if running.kind == "github" else ["labels", "two"]
    state = "not_planned" if running.kind == "github" else "Done"
    assert told(running, 1)[:5] == ("Other", "new text", "alice", labels, state)
    post(running, edit, state="open", status="10000", labels="")
    assert told(running, 1)[3:5] == ([], "open" if running.kind == "github" else "To Do")
    post(running, edit, assignees="alice", assignee="alice", priority="1", issuetype="10001")
    assert ">Alice Ek</option>" in requests.get(running.url + issue_page(running), timeout=5).text or running.kind == "github"


def test_comments_are_added_edited_and_deleted(place):
    running, _ = place
    base = issue_page(running, 2)
    where = post(running, f"{base}/comments", body="from alice").headers["Location"]
    number = where.rpartition("-")[2]
    assert told(running, 2)[5] == [("alice", "from alice")]
    assert f'id="{where.partition("#")[2]}"' in requests.get(running.url + base, timeout=5).text
    post(running, f"{base}/comments/{number}/edit", body="edited")
    assert told(running, 2)[5] == [("alice", "edited")]
    post(running, f"{base}/comments/{number}/delete")
    assert told(running, 2)[5] == []


def test_the_switch_makes_the_pages_act_as_bob(place):
    running, listing = place
    browser = requests.Session()
    answer = browser.post(f"{running.url}/switch-user", data={"person": "bob", "back": listing}, timeout=5)
    assert (answer.status_code, answer.url) == (200, running.url + listing)
    assert '<option value="bob" selected>' in answer.text
    browser.post(f"{running.url}{issue_page(running, 2)}/comments", data={"body": "from bob"}, timeout=5)
    post(running, f"{issue_page(running, 2)}/comments", body="bob by field", **{"as": "bob"})
    assert told(running, 2)[5] == [("bob", "from bob"), ("bob", "bob by field")]
    away = browser.post(f"{running.url}/switch-user", data={"back": "//elsewhere.example"}, allow_redirects=False, timeout=5)
    assert away.headers["Location"] == "/"


def test_people_send_webhooks_too(github, proxy, listener):
    proxy.post("/repos/acme/demo/hooks", json={"events": ["issues"], "config": {"url": listener.url, "content_type": "json"}})
    post(github, "/acme/demo/issues/1/edit", title="Edited on the page")
    github.sandbox.deliveries.wait_idle()
    edited = listener.heard[-1]
    assert b'"sender":{"login":"alice"' in edited.body


def test_what_is_refused_is_said_in_words(place):
    running, listing = place
    title, _ = names(running)
    answer = requests.post(running.url + listing, data={title: " "}, timeout=5)
    assert answer.status_code in (400, 422)
    assert 'role="alert"' in answer.text
    assert title in answer.text
    assert requests.get(running.url + issue_page(running, 99), timeout=5).status_code == 404
    assert requests.get(f"{running.url}/favicon.ico", timeout=5).status_code == 404


def test_bob_may_not_delete_what_only_administrators_delete(github):
    answer = requests.post(f"{github.url}/acme/demo/issues/1/delete", data={"as": "bob"}, timeout=5)
    assert answer.status_code == 403


@pytest.mark.parametrize("kind", ["github", "jira_server"])
def test_the_panel_is_shown_where_the_consoles_address_is_known(kind):
    running = start(kind, panel="http://127.0.0.1:8000/")
    page = f"{running.url}{issue_page(running)}"
    [frame] = Page(requests.get(page, timeout=5).text).frames
    running.stop()
    assert frame == {"title": "Exalate", "src": f"http://127.0.0.1:8000/panel/?url={quote(page, safe='')}"}
