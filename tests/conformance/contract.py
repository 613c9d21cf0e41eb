"""What every connector must pass: the points of the interface, one test or a few each. A tracker's file gives the `world`.

A test is left out only by a feature that is not claimed (`@needs`); a known flaw of a vendor stands in the class's `flaws`,
by test name with its reason. Point 7, 8 and 12: events_contract.py; 13: http_contract.py; 11 comes with the first
connector that claims attachments."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest

from exalate.errors import NotFound, Rejected, Stale, Unavailable
from tests.conformance import world as w
from tests.conformance.events_contract import EventsContract, needs
from tests.conformance.world import World, doc, fresh, paragraph, said, text, words_of
from trackers.connector import Features
from trackers.issue import Issue, Parts, SetChange

VALUES = ("status", "body", "max_title", "max_body")  # claims that are no yes or no


def claims(features: Features) -> set[str]:
    """What must be exercised."""
    yes = {field.name for field in dataclasses.fields(features) if getattr(features, field.name) is True}
    return yes | set(VALUES)


class ConnectorContract(EventsContract):
    flaws: ClassVar[dict[str, str]] = {}

    @pytest.fixture
    def world(self) -> Iterator[World]:
        raise NotImplementedError

    @pytest.fixture(autouse=True)
    def _only_what_is_claimed(self, request: pytest.FixtureRequest, world: World) -> None:
        for marker in request.node.iter_markers("needs"):
            for flag in marker.args:
                if not getattr(world.tracker.features, flag):
                    pytest.skip(f"{world.tracker.label} does not claim {flag}")

    @pytest.fixture
    def issue(self, world: World) -> Issue:
        """One that alice wrote."""
        made = world.alice.create(world.project, {"summary": "Printer on fire", "description": said("It burns.")}, fresh())
        return world.tracker.read(made.key)

    # ------------------------------------------------------------------ 0. who, where, what
    def test_check_says_who_the_proxy_user_is_and_what_it_may(self, world: World) -> None:
        account = world.tracker.check(world.project)
        assert account.user.id
        assert account.user.id != world.alice_id
        assert account.version
        assert any(permission.granted for permission in account.permissions if permission.name == "Create issue")

    def test_projects_and_the_schema_of_one(self, world: World) -> None:
        assert world.project in [project.key for project in world.tracker.projects()]
        schema = world.tracker.schema(world.project)
        assert schema.statuses
        assert len({status.name for status in schema.statuses}) == len(schema.statuses)
        assert world.alice_id in [user.id for user in schema.users]

    def test_a_project_that_does_not_exist(self, world: World) -> None:
        with pytest.raises(NotFound):
            world.tracker.schema(world.no_project)

    def test_a_user_is_found_by_e_mail_only_when_it_is_this_one(self, world: World) -> None:
        assert world.tracker.find_user("nobody@nowhere.example") is None
        found = world.tracker.find_user(world.email) if world.email else None
        assert (found.id if found else "") == (world.alice_id if world.email else "")

    def test_search_speaks_the_language_of_the_tracker(self, world: World) -> None:
        made = world.alice.create(world.project, {"summary": f"needle{fresh()}"}, fresh())
        assert world.tracker.search(world.query(world.tracker.read(made.key))).items == (made.key,)
        if world.bad_query:
            with pytest.raises(Rejected) as refused:
                world.tracker.search(world.bad_query)
            assert refused.value.field == "query"

    def test_keys_are_understood_as_people_write_them(self, world: World, issue: Issue) -> None:
        parse = world.tracker.parse_key
        assert parse(issue.key, world.project) == issue.key
        assert parse(f"  {world.tracker.issue_url(issue.key)} ", world.project) == issue.key
        assert parse(issue.url, world.project) == issue.key
        for nonsense in ("", "what is this", "https://elsewhere.example.com/browse/X-1", "-1", "0"):
            assert parse(nonsense, world.project) == ""

    # ------------------------------------------------------------------ 1. round trip
    @needs("body")
    @pytest.mark.parametrize("name", w.TEXTS)
    def test_texts_come_back_as_written(self, world: World, name: str) -> None:
        words = w.TEXTS[name]
        body = doc(paragraph(words), paragraph("line", {"type": "hardBreak"}, "break"))
        written = world.tracker.create(world.project, {"summary": words, "description": body}, fresh())
        issue = world.tracker.read(written.key)
        assert issue.summary == words
        assert words_of(issue.description) == words_of(body)

    def test_what_is_created_reads_back_as_the_answer_said(self, world: World) -> None:
        schema = world.tracker.schema(world.project)
        alice = next(user for user in schema.users if user.id == world.alice_id)
        fields = {"summary": "New", "description": w.RICH, "assignee": alice, "labels": {"red", "green-ish"}}
        written = world.tracker.create(world.project, fields, fresh())
        issue = world.tracker.read(written.key)
        assert (written.id, written.key) == (issue.id, issue.key)
        assert written.issue is not None
        assert written.issue.comments is None
        self._same(written.issue, issue, fields)
        assert issue.labels == {"red", "green-ish"}
        assert issue.assignee is not None
        assert issue.assignee.id == world.alice_id
        assert issue.project == world.project
        assert issue.comments == ()
        assert issue.created > 1_000_000_000_000

    def test_what_is_updated_reads_back_as_the_answer_said(self, world: World, issue: Issue) -> None:
        fields = {"summary": "Printer cooled", "description": w.RICH, "labels": SetChange(add=("hot", "it"))}
        written = world.tracker.update(issue.key, fields, base=issue)
        again = world.tracker.read(issue.key)
        assert written.issue is not None
        self._same(written.issue, again, fields)
        assert again.labels == {"hot", "it"}

    def test_a_read_by_id_is_a_read_by_key(self, world: World, issue: Issue) -> None:
        assert world.tracker.read(issue.id, Parts.FIELDS).key == issue.key

    def test_labels_are_added_and_removed_and_nothing_else(self, world: World, issue: Issue) -> None:
        world.alice.update(issue.key, {"labels": SetChange(add=("hers", "old"))}, base=issue)
        base = world.tracker.read(issue.key)
        world.alice.update(issue.key, {"labels": SetChange(add=("meanwhile",))}, base=base)
        base = world.tracker.read(issue.key) if world.tracker.features.conditional_update else base
        world.tracker.update(issue.key, {"labels": SetChange(add=("ours",), remove=("old",))}, base=base)
        assert world.tracker.read(issue.key).labels == {"hers", "meanwhile", "ours"}

    def test_a_label_that_the_tracker_does_not_take_is_refused_by_name(self, world: World, issue: Issue) -> None:
        if not world.no_label_with:
            return
        with pytest.raises(Rejected) as refused:
            world.tracker.update(issue.key, {"labels": SetChange(add=(world.no_label_with,))}, base=issue)
        assert refused.value.field == "labels"
        assert world.no_label_with[:20] in refused.value.message

    def test_fields_are_cleared(self, world: World) -> None:
        schema = world.tracker.schema(world.project)
        alice = next(user for user in schema.users if user.id == world.alice_id)
        made = world.tracker.create(world.project, {"summary": "s", "description": said("d"), "assignee": alice}, fresh())
        base = world.tracker.read(made.key)
        assert base.assignee is not None
        world.tracker.update(made.key, {"assignee": None, "description": doc()}, base=base)
        issue = world.tracker.read(made.key)
        assert issue.assignee is None
        assert words_of(issue.description).strip() == ""

    @needs("types")
    def test_types(self, world: World) -> None:
        names = world.tracker.schema(world.project).types
        keys = [world.tracker.create(world.project, {"summary": name, "type": name}, fresh()).key for name in names]
        assert [world.tracker.read(key).type for key in keys] == list(names)
        with pytest.raises(Rejected) as refused:
            world.tracker.create(world.project, {"summary": "x", "type": "No such type"}, fresh())
        assert refused.value.field == "type"

    @needs("priority")
    def test_priorities(self, world: World, issue: Issue) -> None:
        for name in world.tracker.schema(world.project).priorities:
            world.tracker.update(issue.key, {"priority": name}, base=world.tracker.read(issue.key))
            assert world.tracker.read(issue.key).priority == name
        with pytest.raises(Rejected) as refused:
            world.tracker.update(issue.key, {"priority": "No such priority"}, base=world.tracker.read(issue.key))
        assert refused.value.field == "priority"

    @needs("custom_fields")
    def test_custom_fields(self, world: World) -> None:
        made = world.tracker.create(world.project, {"summary": "s", "severity": "high"}, fresh())
        assert world.tracker.read(made.key).value("severity") == "high"

    @needs("conditional_update")
    def test_an_update_on_an_old_snapshot_is_stale(self, world: World, issue: Issue) -> None:
        world.alice.update(issue.key, {"summary": "Hers"}, base=issue)
        with pytest.raises(Stale):
            world.tracker.update(issue.key, {"summary": "Ours"}, base=issue)
        assert world.tracker.read(issue.key).summary == "Hers"

    @needs("history")
    def test_history_tells_who_changed_what(self, world: World, issue: Issue) -> None:
        world.alice.update(issue.key, {"summary": "Hers", "labels": SetChange(add=("one",))}, base=issue)
        base = world.tracker.read(issue.key)
        world.tracker.update(issue.key, {"summary": "Ours"}, base=base)
        history = world.tracker.read(issue.key, Parts.FIELDS | Parts.HISTORY).history or ()
        told = [(change.field, change.old, change.new, bool(change.by and change.by.id == world.alice_id)) for change in history]
        assert ("summary", "Printer on fire", "Hers", True) in told
        assert ("summary", "Hers", "Ours", False) in told
        assert ("labels", "", "one", True) in told
        assert [change.at for change in history] == sorted(change.at for change in history)

    # ------------------------------------------------------------------ 2. fixed point
    @needs("body")
    def test_writing_back_what_was_read_changes_nothing(self, world: World) -> None:
        made = world.alice.create(world.project, {"summary": "Echo?", "description": w.RICH, "labels": {"a"}}, fresh())
        first = world.tracker.read(made.key)
        world.tracker.update(made.key, {"summary": first.summary, "description": first.description}, base=first)
        second = world.tracker.read(made.key)
        assert (second.summary, second.description, second.labels) == (first.summary, first.description, first.labels)

    # ------------------------------------------------------------------ 3. text
    @needs("body")
    @pytest.mark.parametrize("mark", w.MARKS)
    def test_each_mark_survives_or_is_declared_as_dropped(self, world: World, mark: str) -> None:
        body = doc(paragraph("before ", text("within", mark), " after"))
        made = world.tracker.create(world.project, {"summary": mark, "description": body}, fresh())
        found = world.tracker.read(made.key).description
        assert words_of(found).split()[:3] == ["before", "within", "after"]
        assert (mark in w.marks_of(found)) == (mark not in world.drops)

    @needs("body")
    def test_headings_lists_code_and_tables_survive(self, world: World) -> None:
        made = world.tracker.create(world.project, {"summary": "rich", "description": w.RICH}, fresh())
        found = world.tracker.read(made.key).description
        assert w.kinds_of(w.RICH) <= w.kinds_of(found)
        assert words_of(found).split() == words_of(w.RICH).split()
        assert "if (a < b) {\n    return *p;\n}" in words_of(found)

    # ------------------------------------------------------------------ 4. limits
    @needs("max_title", "max_body")
    def test_texts_at_the_limit_pass_whole(self, world: World) -> None:
        title, body = "t" * world.tracker.features.max_title, "b" * world.tracker.features.max_body
        made = world.tracker.create(world.project, {"summary": title, "description": said(body)}, fresh())
        issue = world.tracker.read(made.key)
        assert issue.summary == title
        assert words_of(issue.description).strip() == body
        comment = world.tracker.comment(made.key, said(body), mark=fresh()).comment
        assert comment is not None
        assert words_of(comment.body).strip() == body

    @needs("max_title", "max_body")
    def test_texts_above_the_limit_are_refused_by_field(self, world: World, issue: Issue) -> None:
        title, body = "t" * (world.tracker.features.max_title + 1), said("b" * (world.tracker.features.max_body + 1))
        with pytest.raises(Rejected) as long_title:
            world.tracker.create(world.project, {"summary": title}, fresh())
        with pytest.raises(Rejected) as long_text:
            world.tracker.update(issue.key, {"description": body}, base=issue)
        with pytest.raises(Rejected) as long_comment:
            world.tracker.comment(issue.key, body, mark=fresh())
        fields = (long_title.value.field, long_text.value.field, long_comment.value.field)
        assert fields == ("summary", "description", "comment")
        again = world.tracker.read(issue.key)
        assert (again.description, again.comments) == (issue.description, ())

    # ------------------------------------------------------------------ 5. safe repeat
    @needs("marks")
    def test_one_mark_is_one_issue(self, world: World) -> None:
        mark = fresh()
        first = world.tracker.create(world.project, {"summary": "once"}, mark)
        second = world.tracker.create(world.project, {"summary": "once"}, mark, repeat=True)
        found = world.tracker.find_by_mark(world.project, mark, world.tracker.read(first.key).created - 1000)
        assert found is not None
        assert first.id == second.id == found.id
        assert world.tracker.find_by_mark(world.project, fresh(), 0) is None

    @needs("marks")
    def test_a_creation_whose_answer_was_lost_is_found_by_its_mark(self, world: World) -> None:
        mark = fresh()
        with world.lost_answer(), pytest.raises(Unavailable) as lost:
            world.tracker.create(world.project, {"summary": "lost"}, mark)
        assert lost.value.in_doubt
        found = world.tracker.create(world.project, {"summary": "lost"}, mark, repeat=True)
        again = world.tracker.create(world.project, {"summary": "lost"}, mark, repeat=True)
        assert found.id == again.id
        assert world.tracker.read(found.key).summary == "lost"

    def test_the_mark_of_a_comment_can_be_read(self, world: World, issue: Issue) -> None:
        mark = fresh()
        with world.lost_answer(), pytest.raises(Unavailable):
            world.tracker.comment(issue.key, said("mine"), mark=mark)
        world.alice.comment(issue.key, said("hers"))
        found = world.tracker.read(issue.key, Parts.COMMENTS | Parts.MARKS).comments or ()
        assert [(words_of(comment.body).strip(), comment.mark) for comment in found] == [("mine", mark), ("hers", "")]

    # ------------------------------------------------------------------ 6. missing
    def test_what_is_missing_is_not_found(self, world: World) -> None:
        self._not_found(world, world.missing)

    def test_what_was_deleted_is_not_found(self, world: World, issue: Issue) -> None:
        if world.delete is None:
            return
        world.delete(issue.key)
        self._not_found(world, issue.key)
        self._not_found(world, issue.id)

    # ------------------------------------------------------------------ 9. status
    @needs("status")
    def test_each_status_is_reached_or_refused_by_name(self, world: World, issue: Issue) -> None:
        reached = []
        for status in world.tracker.schema(world.project).statuses:
            base = world.tracker.read(issue.key)
            told, field = self._moved(world, base, status.name)
            stands = world.tracker.read(issue.key).status
            assert (stands, field) in ((status.name, ""), (base.status, "status"))
            assert stands == told
            reached.append(stands)
        assert len(set(reached)) > 1

    @needs("status")
    def test_a_status_that_the_tracker_does_not_have_is_refused(self, world: World, issue: Issue) -> None:
        with pytest.raises(Rejected) as refused:
            world.tracker.update(issue.key, {"status": "No such status"}, base=issue)
        assert refused.value.field == "status"
        assert world.tracker.read(issue.key).status == issue.status

    @needs("status")
    def test_a_status_goes_with_other_fields(self, world: World, issue: Issue) -> None:
        wanted = next(status.name for status in world.tracker.schema(world.project).statuses if status.name != issue.status)
        world.tracker.update(issue.key, {"summary": "both", "status": wanted}, base=issue)
        again = world.tracker.read(issue.key)
        assert (again.summary, again.status) == ("both", wanted)

    # ------------------------------------------------------------------ 10. comments
    def test_comments_keep_order_and_author(self, world: World, issue: Issue) -> None:
        first = world.alice.comment(issue.key, said("one"))
        second = world.tracker.comment(issue.key, said("two"), mark=fresh())
        third = world.alice.comment(issue.key, w.RICH)
        found = world.tracker.read(issue.key, Parts.COMMENTS).comments or ()
        assert [comment.id for comment in found] == [entry.comment.id for entry in (first, second, third) if entry.comment]
        assert [comment.author.id == world.alice_id for comment in found if comment.author] == [True, False, True]
        assert words_of(found[2].body).split() == words_of(w.RICH).split()
        assert second.comment is not None
        assert found[1].body == second.comment.body, "what the answer said is what stands"
        assert world.tracker.read(issue.key, Parts.FIELDS).comments is None

    @needs("edits_comments")
    def test_an_edit_keeps_the_comment(self, world: World, issue: Issue) -> None:
        mark = fresh()
        made = world.tracker.comment(issue.key, said("one"), mark=mark).comment
        assert made is not None
        edited = world.tracker.comment(issue.key, said("uno"), edit=made.id, mark=mark).comment
        assert edited is not None
        assert edited.id == made.id
        found = world.tracker.read(issue.key, Parts.COMMENTS | Parts.MARKS).comments or ()
        assert [(comment.id, words_of(comment.body).strip(), comment.mark) for comment in found] == [(made.id, "uno", mark)]

    @needs("deletes_comments")
    def test_a_comment_is_deleted_once_and_twice(self, world: World, issue: Issue) -> None:
        made = world.tracker.comment(issue.key, said("one"), mark=fresh()).comment
        assert made is not None
        world.tracker.remove_comment(issue.key, made.id)
        world.tracker.remove_comment(issue.key, made.id)
        assert world.tracker.read(issue.key).comments == ()

    @needs("internal_comments")
    def test_internal_stays_internal(self, world: World, issue: Issue) -> None:
        world.tracker.comment(issue.key, said("between us"), internal=True)
        world.tracker.comment(issue.key, said("for all"))
        assert [comment.internal for comment in world.tracker.read(issue.key).comments or ()] == [True, False]

    # ------------------------------------------------------------------ 14. claims
    def test_every_claim_is_exercised(self, world: World) -> None:
        """Tests are left out by missing claims only, so a claim that a test needs is a claim that is exercised."""
        exercised: set[str] = set()
        for name in dir(type(self)):
            if name.startswith("test_") and name not in self.flaws:
                marks = getattr(getattr(self, name), "pytestmark", ())
                exercised.update(flag for mark in marks if mark.name == "needs" for flag in mark.args)
        assert claims(world.tracker.features) <= exercised

    # ------------------------------------------------------------------ helpers
    @staticmethod
    def _same(told: Issue, found: Issue, fields: Any) -> None:
        for name in fields:
            one, other = told.value(name), found.value(name)
            if name == "assignee":
                one, other = one and one.id, other and other.id
            assert one == other, name

    @staticmethod
    def _moved(world: World, base: Issue, status: str) -> tuple[str, str]:
        """Where the answer says the issue stands, and the field that was refused."""
        try:
            written = world.tracker.update(base.key, {"status": status}, base=base)
        except Rejected as error:
            return base.status, error.field if status in error.message else "a refusal that does not name the status"
        return (written.issue.status if written.issue else "not told"), ""

    @staticmethod
    def _not_found(world: World, key: str) -> None:
        blank = Issue("", key)
        for call in (
            lambda: world.tracker.read(key),
            lambda: world.tracker.read(key, Parts.COMMENTS),
            lambda: world.tracker.update(key, {"summary": "x"}),
            lambda: world.tracker.update(
                key, {"summary": "x"}, base=blank if not world.tracker.features.conditional_update else None
            ),
            lambda: world.tracker.comment(key, said("x"), mark=fresh()),
        ):
            with pytest.raises(NotFound):
                call()
