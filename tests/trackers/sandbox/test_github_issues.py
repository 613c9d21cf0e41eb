"""The simulated GitHub's calls about issues behave as reference and recordings say."""

import pytest

ISSUES = "/repos/acme/demo/issues"


def new(who, **fields):
    answer = who.post(ISSUES, json={"title": "New", **fields})
    assert answer.status_code == 201, answer.text
    return answer.json()


def test_a_created_issue_reads_back_and_names_its_author(proxy):
    text = 'Zürich "quoted" 日本 🎉 عربى\r\nsecond line'
    made = new(proxy, title="Ünïcode 🎉", body=text, labels=["bug", "Brand new"], assignees=["alice"])
    read = proxy.get(f"{ISSUES}/{made['number']}").json()
    assert (read["title"], read["body"], read["user"]["login"]) == ("Ünïcode 🎉", text, "proxy")
    assert [label["name"] for label in read["labels"]] == ["bug", "Brand new"]
    assert read["labels"][1]["color"] == "ededed"
    assert [one["login"] for one in read["assignees"]] == ["alice"]
    assert read == made


def test_time_stamps_are_whole_seconds(proxy):
    made = new(proxy)
    assert len(made["updated_at"]) == len("2026-11-24T02:00:00Z")


@pytest.mark.parametrize("prefix", ["", "/api/v3"])
def test_both_bases_answer_and_point_to_themselves(github, proxy, prefix):
    read = proxy.get(f"{prefix}{ISSUES}/1").json()
    assert read["url"] == f"{github.url}{prefix}{ISSUES}/1"
    assert read["html_url"] == f"{github.url}/acme/demo/issues/1"


def test_a_repository_answers_by_its_number_too(proxy):
    assert proxy.get("/repositories/900001").json()["full_name"] == "acme/demo"
    assert proxy.get("/repositories/900001/issues/1").json()["number"] == 1
    assert proxy.get("/repositories/1").status_code == 404


def test_labels_and_assignees_of_a_patch_replace_the_sets(proxy):
    made = new(proxy, labels=["bug", "question"], assignees=["alice", "bob"])
    edited = proxy.patch(f"{ISSUES}/{made['number']}", json={"labels": ["QUESTION", "x"], "assignees": []}).json()
    assert [label["name"] for label in edited["labels"]] == ["question", "x"]
    assert edited["assignees"] == []
    untouched = proxy.patch(f"{ISSUES}/{made['number']}", json={"title": "Other"}).json()
    assert [label["name"] for label in untouched["labels"]] == ["question", "x"]


def test_closing_keeps_a_reason_and_a_reason_alone_does_nothing(proxy):
    where = f"{ISSUES}/{new(proxy)['number']}"
    closed = proxy.patch(where, json={"state": "closed", "state_reason": "not_planned"}).json()
    assert (closed["state"], closed["state_reason"], closed["closed_by"]["login"]) == ("closed", "not_planned", "proxy")
    assert proxy.patch(where, json={"state": "closed", "state_reason": "completed"}).json()["state_reason"] == "not_planned"
    opened = proxy.patch(where, json={"state": "open"}).json()
    assert (opened["state"], opened["state_reason"], opened["closed_at"]) == ("open", "reopened", None)
    assert proxy.patch(where, json={"state": "closed"}).json()["state_reason"] == "completed"


def test_clearing_the_body_makes_it_null(proxy):
    made = new(proxy, body="text")
    assert proxy.patch(f"{ISSUES}/{made['number']}", json={"body": ""}).json()["body"] is None


def test_an_edit_that_changes_nothing_leaves_no_trace(proxy):
    made = new(proxy, body="same")
    proxy.patch(f"{ISSUES}/{made['number']}", json={"title": "New", "body": "same", "labels": [], "state": "open"})
    assert proxy.get(f"{ISSUES}/{made['number']}/events").json() == []


def test_without_push_labels_and_assignees_are_dropped_in_silence(bob, proxy):
    answer = bob.post("/repos/acme/website/issues", json={"title": "By bob", "labels": ["bug"], "assignees": ["bob"]})
    assert (answer.status_code, answer.json()["labels"], answer.json()["assignees"]) == (201, [], [])
    number = answer.json()["number"]
    assert bob.patch(f"/repos/acme/website/issues/{number}", json={"title": "Still his own"}).status_code == 200
    assert bob.patch("/repos/acme/website/issues/1", json={"title": "Not his"}).status_code == 403
    assert bob.post("/repos/acme/website/issues/1/labels", json={"labels": ["bug"]}).status_code == 403


def test_people_who_cannot_be_assigned_are_dropped_in_silence(proxy):
    assert new(proxy, assignees=["alice", "nobody"])["assignees"][0]["login"] == "alice"
    assert len(new(proxy, assignees=["nobody"])["assignees"]) == 0


@pytest.mark.parametrize(
    ("body", "field", "code"),
    [
        ({}, "title", "missing_field"),
        ({"title": " "}, "title", "missing_field"),
        ({"title": "x" * 257}, "title", "custom"),
        ({"title": "x", "body": "y" * 65_537}, "body", "custom"),
        ({"title": "x", "labels": ["l" * 51]}, "name", "invalid"),
    ],
)
def test_what_is_over_a_limit_is_422_with_the_field(proxy, body, field, code):
    answer = proxy.post(ISSUES, json=body)
    error = answer.json()
    assert (answer.status_code, error["status"], error["message"]) == (422, "422", "Validation Failed")
    assert (error["errors"][0]["field"], error["errors"][0]["code"]) == (field, code)
    assert error["documentation_url"].startswith("https://docs.github.com/")


def test_what_is_at_a_limit_passes(proxy):
    made = new(proxy, title="x" * 256, body="y" * 65_536)
    assert (len(made["title"]), len(made["body"])) == (256, 65_536)


@pytest.mark.parametrize(("body", "status"), [(b"{", 400), (b"[1]", 400), (b'{"title": 5}', 422), (b'{"title": "\\ud800"}', 400)])
def test_bodies_that_are_no_issue_are_refused(proxy, body, status):
    assert proxy.post(ISSUES, data=body).status_code == status


def test_unknown_things_are_404_and_deleted_issues_410(github, proxy):
    for path in ("/repos/acme/nothing", f"{ISSUES}/999", f"{ISSUES}/x", f"{ISSUES}/comments/1", "/nothing", "/graphql"):
        assert proxy.get(path).status_code == 404, path
    assert proxy.post("/graphql", json={"query": "{viewer{login}}"}).status_code == 404
    number = new(proxy)["number"]
    assert proxy.post(f"{github.url}/acme/demo/issues/{number}/delete").status_code == 303
    gone = proxy.get(f"{ISSUES}/{number}")
    assert (gone.status_code, gone.json()["message"]) == (410, "This issue was deleted")
    assert proxy.post(f"{ISSUES}/{number}/comments", json={"body": "x"}).status_code == 410
    assert number not in [one["number"] for one in proxy.get(ISSUES, params={"state": "all"}).json()]


def test_listing_filters_and_sorts(proxy, bob):
    mine = new(proxy, title="mine", labels=["question"])
    proxy.patch(f"{ISSUES}/{mine['number']}", json={"state": "closed"})

    def numbers(**params):
        return [one["number"] for one in proxy.get(ISSUES, params=params).json()]

    assert numbers() == [2, 1]
    assert numbers(state="all", sort="created", direction="asc") == [1, 2, mine["number"]]
    assert numbers(state="closed") == [mine["number"]]
    assert numbers(state="all", creator="proxy") == [mine["number"]]
    assert numbers(state="all", labels="question") == [mine["number"]]
    assert numbers(assignee="bob") == [1]
    assert numbers(since="2099-01-01T00:00:00Z") == []
    assert numbers(since=mine["updated_at"], state="all")[0] == mine["number"]
    assert proxy.get(ISSUES, params={"state": "odd"}).status_code == 422
    assert proxy.get(ISSUES, params={"since": "yesterday"}).status_code == 422


def test_pages_are_linked_by_repository_number(proxy):
    for _ in range(5):
        new(proxy)
    first = proxy.get(ISSUES, params={"per_page": 3, "state": "all", "direction": "asc"})
    assert set(first.links) == {"next", "last"}
    assert "/repositories/900001/issues?" in first.links["next"]["url"]
    seen, page = [one["number"] for one in first.json()], first
    while "next" in page.links:
        page = proxy.get(page.links["next"]["url"])
        seen += [one["number"] for one in page.json()]
    assert seen == list(range(1, 8))
    assert set(page.links) == {"prev", "first"}


def test_an_unchanged_list_is_304_and_free_of_charge(proxy):
    first = proxy.get(ISSUES)
    again = proxy.get(ISSUES, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["X-RateLimit-Used"] == first.headers["X-RateLimit-Used"]
    new(proxy)
    assert proxy.get(ISSUES, headers={"If-None-Match": first.headers["ETag"]}).status_code == 200


def test_labels_are_added_and_removed_one_by_one(proxy):
    where = f"{ISSUES}/{new(proxy, labels=['bug'])['number']}/labels"
    added = proxy.post(where, json={"labels": ["two words/slash", "BUG"]})
    assert (added.status_code, [one["name"] for one in added.json()]) == (200, ["bug", "two words/slash"])
    left = proxy.delete(f"{where}/two%20words%2Fslash")
    assert (left.status_code, [one["name"] for one in left.json()]) == (200, ["bug"])
    missing = proxy.delete(f"{where}/question")
    assert (missing.status_code, missing.json()["message"]) == (404, "Label does not exist")
    assert [one["name"] for one in proxy.put(where, json={"labels": ["question"]}).json()] == ["question"]
    assert proxy.delete(where).status_code == 204
    assert proxy.get(where).json() == []


def test_labels_of_a_repository_are_kept_by_name_whatever_the_case(proxy):
    labels = "/repos/acme/demo/labels"
    assert proxy.post(labels, json={"name": "Risk", "color": "ff0000"}).status_code == 201
    again = proxy.post(labels, json={"name": "risk"})
    assert (again.status_code, again.json()["errors"][0]["code"]) == (422, "already_exists")
    assert proxy.post(labels, json={"name": "x", "color": "invalid"}).json()["errors"][0]["field"] == "color"
    issue = new(proxy, labels=["RISK"])
    assert proxy.patch(f"{labels}/Risk", json={"new_name": "Danger"}).json()["name"] == "Danger"
    assert proxy.get(f"{ISSUES}/{issue['number']}").json()["labels"][0]["name"] == "Danger"
    assert proxy.delete(f"{labels}/danger").status_code == 204
    assert proxy.get(f"{ISSUES}/{issue['number']}").json()["labels"] == []
    assert proxy.get(f"{labels}/danger").status_code == 404


def test_assignees_are_checked_one_by_one(proxy):
    assert {one["login"] for one in proxy.get("/repos/acme/demo/assignees").json()} == {"proxy", "alice", "bob"}
    assert proxy.get("/repos/acme/demo/assignees/alice").status_code == 204
    assert proxy.get("/repos/acme/demo/assignees/nobody").status_code == 404


def test_comments_are_written_edited_and_deleted(proxy, bob):
    where = f"{ISSUES}/{new(proxy)['number']}"
    made = proxy.post(f"{where}/comments", json={"body": "first\r\nsecond 🎉"})
    assert (made.status_code, made.json()["body"]) == (201, "first\r\nsecond 🎉")
    assert made.json()["issue_url"].endswith(where)
    one = f"{ISSUES}/comments/{made.json()['id']}"
    assert proxy.patch(one, json={"body": "edited"}).json()["body"] == "edited"
    assert proxy.get(where).json()["comments"] == 1
    assert [each["body"] for each in proxy.get(f"{where}/comments").json()] == ["edited"]
    assert proxy.delete(one).status_code == 204
    assert proxy.get(one).status_code == 404
    assert proxy.delete(one).status_code == 404


@pytest.mark.parametrize("body", [{"body": ""}, {"body": "x" * 65_537}, {}, {"body": 5}])
def test_comments_without_text_or_too_long_are_422(proxy, body):
    assert proxy.post(f"{ISSUES}/1/comments", json=body).status_code == 422


def test_all_comments_of_a_repository_are_one_list(proxy):
    proxy.post(f"{ISSUES}/2/comments", json={"body": "later"})
    found = proxy.get(f"{ISSUES}/comments", params={"sort": "updated", "direction": "asc"}).json()
    assert [one["issue_url"].rpartition("/")[2] for one in found] == ["1", "2"]
    assert proxy.get(f"{ISSUES}/comments", params={"since": "2099-01-01T00:00:00Z"}).json() == []


def test_a_locked_issue_takes_comments_only_of_those_who_may_write(proxy, bob):
    assert proxy.put("/repos/acme/website/issues/1/lock", json={"lock_reason": "resolved"}).status_code == 204
    assert bob.post("/repos/acme/website/issues/1/comments", json={"body": "x"}).status_code == 403
    assert proxy.post("/repos/acme/website/issues/1/comments", json={"body": "x"}).status_code == 201
    assert proxy.delete("/repos/acme/website/issues/1/lock").status_code == 204
    assert bob.post("/repos/acme/website/issues/1/comments", json={"body": "x"}).status_code == 201


def test_events_tell_who_did_what(proxy, bob):
    where = f"{ISSUES}/{new(proxy, labels=['bug'])['number']}"
    change = {"title": "Other", "labels": ["question"], "assignees": ["alice"], "state": "closed"}
    bob.patch(where, json=change)
    bob.patch(where, json={"assignees": [], "state": "open"})
    events = proxy.get(f"{where}/events").json()
    told = [(one["actor"]["login"], one["event"]) for one in events]
    assert told == [
        ("proxy", "labeled"),
        *(("bob", one) for one in ("renamed", "unlabeled", "labeled", "assigned", "closed", "unassigned", "reopened")),
    ]
    assert events[1]["rename"] == {"from": "New", "to": "Other"}
    assert events[4]["assignee"]["login"] == "alice"
    bob.post(f"{where}/comments", json={"body": "and a comment"})
    assert proxy.get(f"{where}/timeline").json()[-1]["event"] == "commented"
    assert proxy.get(f"{ISSUES}/events").json()[0]["issue"]["number"] == int(where.rpartition("/")[2])


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("repo:acme/demo is:issue", {1, 2}),
        ("repo:acme/demo is:issue gift", {1}),
        ('repo:acme/demo "tax rate"', {2}),
        ("repo:acme/demo is:closed", set()),
        ("repo:acme/demo label:bug", {1}),
        ("repo:acme/demo -label:bug", {2}),
        ("repo:acme/demo author:bob state:open", {2}),
        ("repo:acme/demo updated:>=2099-01-01", set()),
        ("repo:acme/demo created:>2026-01-01T00:00:00Z NaN", {1}),
    ],
)
def test_search_reads_qualifiers_and_words(proxy, query, numbers):
    answer = proxy.get("/search/issues", params={"q": query})
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert {one["number"] for one in found["items"]} == numbers
    assert (found["total_count"], found["incomplete_results"]) == (len(numbers), False)


@pytest.mark.parametrize("query", ["", "repo:acme/other is:issue", 'unfinished "text', "is:odd", "updated:>=soon", "x" * 257])
def test_a_search_that_cannot_be_read_is_422(proxy, query):
    answer = proxy.get("/search/issues", params={"q": query})
    assert (answer.status_code, answer.json()["errors"][0]["resource"]) == (422, "Search")
