"""The simulated Jira's calls about issues behave as reference and recordings say."""

import pytest

PAY = {"project": {"key": "PAY"}, "issuetype": {"name": "Task"}}


def new(who, **fields):
    answer = who.post("/issue", json={"fields": {**PAY, "summary": "New", **fields}})
    assert answer.status_code == 201, answer.text
    return answer.json()


def fields_of(who, key, **params):
    return who.get(f"/issue/{key}", params=params).json()["fields"]


def test_a_created_issue_reads_back_in_all_its_fields(jproxy):
    text = 'h1. Zürich\r\n* "quoted" 日本 🎉 عربى'
    made = new(
        jproxy,
        summary="Ünïcode 🎉",
        description=text,
        priority={"name": "High"},
        labels=["b", "a"],
        assignee={"name": "alice"},
        issuetype={"id": "10004"},
    )
    assert set(made) == {"id", "key", "self"}
    for key in (made["id"], made["key"], made["key"].lower()):
        fields = fields_of(jproxy, key)
        assert (fields["summary"], fields["description"]) == ("Ünïcode 🎉", text)
        assert (fields["priority"]["name"], fields["labels"]) == ("High", ["a", "b"])
        assert (fields["assignee"]["name"], fields["issuetype"]["name"]) == ("alice", "Bug")
        assert (fields["status"]["name"], fields["creator"]["key"]) == ("To Do", "JIRAUSER10100")


def test_time_stamps_have_milliseconds_and_no_colon_in_the_offset(jproxy):
    stamp = fields_of(jproxy, "PAY-1")["updated"]
    assert len(stamp) == len("2026-11-24T02:00:00.123+0000")
    assert stamp.endswith("+0000")


def test_fields_and_expansions_are_those_asked_for(jproxy):
    assert set(fields_of(jproxy, "PAY-1", fields="summary,status")) == {"summary", "status"}
    assert "comment" in fields_of(jproxy, "PAY-1")
    assert "comment" not in fields_of(jproxy, "PAY-1", fields="*navigable")
    assert "comment" not in fields_of(jproxy, "PAY-1", fields="*all,-comment")
    whole = jproxy.get("/issue/PAY-1", params={"expand": "transitions,changelog,names,schema,editmeta"}).json()
    assert [one["to"]["name"] for one in whole["transitions"]] == ["To Do", "In Progress", "Done"]
    assert whole["names"]["summary"] == "Summary"
    assert whole["changelog"]["histories"][0]["items"][0]["toString"] == "In Progress"
    assert "summary" in whole["editmeta"]["fields"]
    assert whole["schema"]["labels"] == {"type": "array", "items": "string", "system": "labels"}


def test_an_edit_sets_fields_and_carries_out_verbs(jproxy):
    key = new(jproxy, labels=["one", "two"], assignee={"name": "bob"})["key"]
    body = {
        "fields": {"summary": "Other", "assignee": None, "description": None},
        "update": {"labels": [{"add": "three"}, {"remove": "one"}], "priority": [{"set": {"id": "1"}}]},
    }
    answer = jproxy.put(f"/issue/{key}", json=body)
    assert (answer.status_code, answer.content) == (204, b"")
    fields = fields_of(jproxy, key)
    assert (fields["summary"], fields["assignee"], fields["labels"]) == ("Other", None, ["three", "two"])
    assert fields["priority"]["name"] == "Highest"
    jproxy.put(f"/issue/{key}", json={"fields": {"assignee": {"name": "alice"}}})
    jproxy.put(f"/issue/{key}", json={"fields": {"assignee": {"name": None}}})
    assert fields_of(jproxy, key)["assignee"] is None


def test_an_edit_that_changes_nothing_moves_no_time_stamp(jproxy):
    before = fields_of(jproxy, "PAY-2")
    assert jproxy.put("/issue/PAY-2", json={"fields": {"summary": before["summary"], "labels": []}}).status_code == 204
    assert fields_of(jproxy, "PAY-2")["updated"] == before["updated"]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"summary": ""}, "summary"),
        ({"summary": "x" * 256}, "summary"),
        ({"summary": "two\nlines"}, "summary"),
        ({"summary": 5}, "summary"),
        ({"description": "x" * 32_768}, "description"),
        ({"labels": ["two words"]}, "labels"),
        ({"labels": "one"}, "labels"),
        ({"assignee": {"name": "nobody"}}, "assignee"),
        ({"priority": {"name": "Urgent"}}, "priority"),
        ({"issuetype": {"name": "Epic"}}, "issuetype"),
        ({"project": {"key": "NONE"}}, "project"),
        ({"status": {"name": "Done"}}, "status"),
        ({"customfield_10000": 1}, "customfield_10000"),
    ],
)
def test_a_wrong_value_is_400_under_its_field_and_changes_nothing(jproxy, fields, field):
    before = jproxy.get("/search").json()["total"]
    created = jproxy.post("/issue", json={"fields": {**PAY, "summary": "x", **fields}})
    edited = jproxy.put("/issue/PAY-2", json={"fields": {"environment": "changed", **fields}})
    for answer in (created, edited):
        assert (answer.status_code, answer.json()["errorMessages"]) == (400, [])
        assert list(answer.json()["errors"]) == [field]
    assert jproxy.get("/search").json()["total"] == before
    assert fields_of(jproxy, "PAY-2")["environment"] is None


def test_what_is_at_a_limit_passes(jproxy):
    key = new(jproxy, summary="x" * 255, description="y" * 32_767)["key"]
    assert len(fields_of(jproxy, key)["description"]) == 32_767


def test_bodies_without_fields_are_400(jproxy):
    assert set(jproxy.post("/issue", json={"fields": {}}).json()["errors"]) == {"project", "issuetype", "summary"}
    nothing = jproxy.put("/issue/PAY-1", json={})
    assert (nothing.status_code, nothing.json()["errorMessages"]) == (400, ["one of 'fields' or 'update' required"])
    assert jproxy.put("/issue/PAY-1", data=b"{").status_code == 400
    twice = {"fields": {"labels": []}, "update": {"labels": [{"add": "x"}]}}
    assert jproxy.put("/issue/PAY-1", json=twice).json()["errors"]["labels"].startswith("Field 'labels' cannot appear")


def test_unknown_and_deleted_issues_are_404(jproxy):
    missing = jproxy.get("/issue/PAY-999")
    assert (missing.status_code, missing.json()["errorMessages"]) == (404, ["Issue Does Not Exist"])
    made = new(jproxy)
    assert jproxy.delete(f"/issue/{made['key']}").status_code == 204
    for key in (made["key"], made["id"]):
        assert jproxy.get(f"/issue/{key}").status_code == 404
    assert jproxy.post(f"/issue/{made['key']}/comment", json={"body": "x"}).status_code == 404
    assert jproxy.get("/nothing").status_code == 404
    assert jproxy.patch("/issue/PAY-1", json={}).status_code == 405


def test_transitions_move_and_set_the_resolution(jproxy):
    key = new(jproxy)["key"]
    offered = {one["name"]: one["id"] for one in jproxy.get(f"/issue/{key}/transitions").json()["transitions"]}
    for name, resolution in (("Done", "Done"), ("To Do", None), ("In Progress", None)):
        moved = jproxy.post(f"/issue/{key}/transitions", json={"transition": {"id": offered[name]}})
        assert (moved.status_code, moved.content) == (204, b"")
        fields = fields_of(jproxy, key)
        assert fields["status"]["name"] == name
        assert (fields["resolution"] or {}).get("name") == resolution
        assert bool(fields["resolutiondate"]) == bool(resolution)
    wrong = jproxy.post(f"/issue/{key}/transitions", json={"transition": {"id": "999"}})
    assert (wrong.status_code, "not valid for the current state" in wrong.text) == (400, True)
    assert jproxy.post(f"/issue/{key}/transitions", json={}).status_code == 400


def test_the_changelog_tells_who_changed_what_from_what(jproxy, jbob):
    key = new(jproxy, labels=["old"])["key"]
    jbob.put(f"/issue/{key}", json={"fields": {"labels": ["new", "old"], "assignee": {"name": "alice"}}})
    [entry] = jproxy.get(f"/issue/{key}", params={"expand": "changelog"}).json()["changelog"]["histories"]
    assert entry["author"]["name"] == "bob"
    labels, assignee = entry["items"]
    assert (labels["field"], labels["fromString"], labels["toString"]) == ("labels", "old", "new old")
    assert (assignee["from"], assignee["to"], assignee["toString"]) == (None, "JIRAUSER10101", "Alice Ek")


def test_silent_edits_are_for_administrators(jproxy, jbob):
    edit = {"fields": {"summary": "quiet"}}
    assert jproxy.put("/issue/PAY-1", params={"notifyUsers": "false"}, json=edit).status_code == 204
    assert jbob.put("/issue/PAY-1", params={"notifyUsers": "false"}, json=edit).status_code == 403


def test_comments_are_written_edited_and_deleted(jproxy, jbob):
    key = new(jproxy)["key"]
    before = fields_of(jproxy, key)["updated"]
    marked = {"body": "first 🎉", "properties": [{"key": "mark", "value": {"op": 1}}]}
    made = jproxy.post(f"/issue/{key}/comment", json=marked)
    assert (made.status_code, made.json()["body"], "properties" in made.json()) == (201, "first 🎉", False)
    listed = jproxy.get(f"/issue/{key}/comment", params={"expand": "properties"}).json()
    assert listed["comments"][0]["properties"] == [{"key": "mark", "value": {"op": 1}}]
    one = f"/issue/{key}/comment/{made.json()['id']}"
    edited = jbob.put(one, json={"body": "by bob"})
    assert edited.status_code == 403
    edited = jproxy.put(one, json={"body": "second"}).json()
    assert (edited["body"], edited["updateAuthor"]["name"]) == ("second", "proxy")
    assert fields_of(jproxy, key)["comment"]["total"] == 1
    assert fields_of(jproxy, key)["updated"] >= before
    assert jproxy.delete(one).status_code == 204
    assert jproxy.get(one).status_code == 404


@pytest.mark.parametrize("body", ["", " ", None, "x" * 32_768])
def test_comments_without_text_or_too_long_are_400(jproxy, body):
    answer = jproxy.post("/issue/PAY-1/comment", json={"body": body})
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["comment"])


def test_properties_are_kept_and_do_not_move_the_time_stamp(jproxy):
    body = {"fields": {**PAY, "summary": "Marked"}, "properties": [{"key": "exalate.pair", "value": {"uid": "u1"}}]}
    key = jproxy.post("/issue", json=body).json()["key"]
    stamp = fields_of(jproxy, key)["updated"]
    read = jproxy.get(f"/issue/{key}", params={"properties": "*all"}).json()
    assert read["properties"] == {"exalate.pair": {"uid": "u1"}}
    where = f"/issue/{key}/properties"
    assert jproxy.put(f"{where}/a b", json=[1]).status_code == 201
    assert jproxy.put(f"{where}/a b", json=[2]).status_code == 200
    assert jproxy.get(f"{where}/a b").json() == {"key": "a b", "value": [2]}
    assert [one["key"] for one in jproxy.get(where).json()["keys"]] == ["exalate.pair", "a b"]
    assert jproxy.put(f"{where}/x", data=b"no json").status_code == 400
    assert jproxy.put(f"{where}/x", json="y" * 32_768).status_code == 400
    assert jproxy.delete(f"{where}/a b").status_code == 204
    assert jproxy.get(f"{where}/a b").status_code == 404
    assert fields_of(jproxy, key)["updated"] == stamp
