"""Laws of the pure engine under Hypothesis: two sides, people on both, deliveries late, repeated and reordered."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from exalate.errors import DataError
from syncjobs.engine import delivery
from syncjobs.engine import registers as r
from syncjobs.engine.observe import Seen, SeenComment, comment_mark, observe
from syncjobs.engine.plan import Abilities, Wanted, plan
from syncjobs.engine.registers import Register, combine
from syncjobs.engine.settle import absorb, settle
from syncjobs.engine.state import State, from_json, to_json

VALUES = st.sampled_from(["a", "b", "c", "d"])
POLICIES = st.sampled_from(["newest", "A", "B"])


@st.composite
def registers(draw: st.DrawFn) -> Register:
    """A register that a real history could have made: its own event is in its vector, and one event has one value."""
    rid = draw(st.sampled_from(["A", "B"]))
    n = draw(st.integers(1, 4))
    vv = {rid: n}
    other = "B" if rid == "A" else "A"
    if draw(st.booleans()):
        vv[other] = draw(st.integers(1, 5))
    return Register(f"{rid}{n}", vv, rid, n, ts=n * 10 + (3 if rid == "B" else 0), side=rid)


@st.composite
def histories(draw: st.DrawFn) -> tuple[Register, Register]:
    """Two registers of one key that can meet: two events cannot each have known the other."""
    x, y = draw(registers()), draw(registers())
    assume(x.dot == y.dot or not (r.knows(y.vv, x) and r.knows(x.vv, y)))
    return x, y


@given(histories(), POLICIES)
def test_combining_does_not_depend_on_the_order(both: tuple[Register, Register], policy: str) -> None:
    x, y = both
    one, first = combine("f/summary", x, y, policy)
    two, second = combine("f/summary", y, x, policy)
    assert (one.val, one.vv, one.dot, one.ts) == (two.val, two.vv, two.dot, two.ts)
    assert (first is None) == (second is None)


@given(histories(), POLICIES)
def test_combining_again_changes_nothing(both: tuple[Register, Register], policy: str) -> None:
    x, y = both
    once, _ = combine("f/summary", x, y, policy)
    again, clash = combine("f/summary", once, y, policy)
    assert (again.val, again.vv, again.dot) == (once.val, once.vv, once.dot)
    assert clash is None or clash.winner.val == once.val


@given(histories(), POLICIES)
def test_a_value_is_replaced_silently_only_by_somebody_who_knew_it(both: tuple[Register, Register], policy: str) -> None:
    x, y = both
    got, clash = combine("f/summary", x, y, policy)
    gone = [one for one in (x, y) if one.dot != got.dot]
    for one in gone:
        known = r.knows((x if one is y else y).vv, one)
        assert known or clash is not None


def test_one_event_with_two_values_is_a_data_error() -> None:
    x = Register("one", {"A": 1}, "A", 1)
    with pytest.raises(DataError):
        combine("f/summary", x, replace(x, val="two"), "newest")


@given(st.sampled_from(["newest", "A", "B"]), registers(), registers())
def test_a_deletion_beats_everything_concurrent(policy: str, x: Register, y: Register) -> None:
    key = r.entity("comment", "alive", "A:1")
    x, y = replace(x, val=False, rid="A", vv={"A": x.n}, side="A"), replace(y, val=True, rid="B", vv={"B": y.n}, side="B")
    got, _ = combine(key, x, y, policy)
    assert got.val is False


# ------------------------------------------------------------------ two sides and a wire
class Side:
    """A tracker with one field, labels and comments, and the engine's half beside it."""

    def __init__(self, side: str, policy: str) -> None:
        self.state = State(
            side=side, local=f"{side}-issue", policies={"summary": policy, "comments": policy, "comment_deletes": "both"}
        )
        self.summary, self.labels = "start", set()
        self.comments: dict[str, tuple[str, str, str]] = {}  # id -> author, body, mark
        self.clock, self.serial, self.clashes, self.writes = 0, 0, [], 0

    def look(self) -> None:
        comments = [SeenComment(i, body, who == "proxy", mark, self.clock) for i, (who, body, mark) in self.comments.items()]
        found = observe(
            self.state, Seen({"summary": self.summary}, {"labels": frozenset(self.labels)}, comments, ts=self.clock), "pair"
        )
        self.clashes += found.clashes

    def write(self) -> None:
        current = {"summary": self.summary, "labels": self.labels}
        todo = plan(self.state, lambda hub, value: Wanted(hub, value, value), current.__getitem__, Abilities(), "pair")
        absorb(self.state, todo.absorbed)
        for step in todo.steps:
            self.writes += 1
            local = ""
            if step.kind == "update":
                self.summary = step.fields.get("summary", self.summary)
                change = step.fields.get("labels", {"add": [], "remove": []})
                self.labels = (self.labels | set(change["add"])) - set(change["remove"])
            elif step.kind == "add_comment":
                local = self.new_comment("proxy", step.body, step.mark)
            elif step.kind == "edit_comment":
                self.comments[step.comment] = ("proxy", step.body, self.comments[step.comment][2])
            else:
                self.comments.pop(step.comment)
            settle(self.state, step, {}, local=local)

    def new_comment(self, who: str, body: str, mark: str = "") -> str:
        self.serial += 1
        self.comments[f"{self.state.side}{self.serial}"] = (who, body, mark)
        return f"{self.state.side}{self.serial}"


PERSON = st.one_of(
    st.tuples(st.just("summary"), VALUES),
    st.tuples(st.just("label"), st.sampled_from(["red", "blue"])),
    st.tuples(st.just("comment"), VALUES),
    st.tuples(st.just("edit"), VALUES),
    st.tuples(st.just("delete"), st.just("")),
)
EVENT = st.tuples(
    st.sampled_from("AB"), st.one_of(PERSON, st.tuples(st.sampled_from(["look", "write", "send", "again"]), st.just("")))
)


def act(side: Side, what: str, value: str) -> None:
    side.clock += 1
    mine = [i for i, (who, _, _) in side.comments.items() if who != "proxy"]
    if what == "summary":
        side.summary = f"{value}{side.state.side}{side.clock}"
    elif what == "label":
        side.labels ^= {value}
    elif what == "comment" and len(side.comments) < 4:
        side.new_comment("alice", f"{value}{side.clock}")
    elif what == "edit" and side.comments:
        i = sorted(side.comments)[-1]
        side.comments[i] = (side.comments[i][0], f"{value}{side.clock}", side.comments[i][2])
    elif what == "delete" and mine:
        side.comments.pop(mine[-1])


def deliver(sender: Side, receiver: Side, message: dict[str, Any]) -> None:
    got = delivery.receive(receiver.state, json.loads(json.dumps(message)))
    receiver.clashes += got.clashes
    delivery.acknowledge(sender.state, got.ack)


def drain(sides: dict[str, Side]) -> int:
    """Until nothing moves; how many deliveries and writes that took."""
    moved = 0
    for _ in range(20):
        before = sum(side.writes for side in sides.values())
        sent = 0
        for one, other in (("A", "B"), ("B", "A")):
            sides[one].look()
            sides[one].write()
            if delivery.has_news(sides[one].state):
                sent += 1
                deliver(sides[one], sides[other], delivery.message(sides[one].state))
        step = sent + sum(side.writes for side in sides.values()) - before
        moved += step
        if not step:
            return moved
    raise AssertionError("the sides keep writing to each other")


@settings(max_examples=150, deadline=None)
@given(POLICIES, st.lists(EVENT, max_size=40))
def test_both_sides_end_equal_and_fall_silent(policy: str, events: list[Any]) -> None:
    sides = {"A": Side("A", policy), "B": Side("B", policy)}
    old: list[tuple[str, dict[str, Any]]] = []
    sides["A"].look()
    deliver(sides["A"], sides["B"], delivery.message(sides["A"].state))
    for name, (what, value) in events:
        side, other = sides[name], sides["B" if name == "A" else "A"]
        if what == "look":
            side.look()
        elif what == "write":
            side.look()
            side.write()
        elif what == "send" and delivery.has_news(side.state):
            message = json.loads(json.dumps(delivery.message(side.state)))
            old.append((name, message))
            deliver(side, other, message)
        elif what == "again" and old:  # a repeated, overtaken message
            sender, message = old[len(events) % len(old)]
            deliver(sides[sender], sides["B" if sender == "A" else "A"], message)
        else:
            act(side, what, value)
    drain(sides)
    a, b = sides["A"], sides["B"]
    assert a.summary == b.summary
    assert a.labels == b.labels
    assert sorted(body for _, body, _ in a.comments.values()) == sorted(body for _, body, _ in b.comments.values())
    assert drain(sides) == 0  # no delivery and no write without an edit


@settings(max_examples=100, deadline=None)
@given(POLICIES, VALUES, VALUES)
def test_a_lost_edit_stands_in_the_conflict_list(policy: str, left: str, right: str) -> None:
    sides = {"A": Side("A", policy), "B": Side("B", policy)}
    drain(sides)
    sides["A"].summary, sides["B"].summary = f"{left} of A", f"{right} of B"
    sides["A"].clock = sides["B"].clock = 5
    drain(sides)
    assert sides["A"].summary == sides["B"].summary
    lost = {f"{left} of A", f"{right} of B"} - {sides["A"].summary}
    assert lost <= {clash.loser.val for side in sides.values() for clash in side.clashes}


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("AB"), PERSON), max_size=15))
def test_the_kept_document_is_the_state(events: list[Any]) -> None:
    sides = {"A": Side("A", "newest"), "B": Side("B", "newest")}
    for name, (what, value) in events:
        act(sides[name], what, value)
        drain(sides)
    state = sides["A"].state
    columns = {
        "local": state.local,
        "policies": state.policies,
        "out_seq": state.out_seq,
        "acked": state.acked,
        "in_seq": state.in_seq,
    }
    assert from_json(json.loads(json.dumps(to_json(state))), side="A", **columns) == state


@pytest.mark.parametrize(
    "doc",
    [
        {"regs": {"f/summary": ["x"]}},
        {"regs": 3},
        {"last": {"f/x": [{"same": 1}, {}, "", 0]}},
        {"regs": {"f/x": [1, 2, 3, 4, 5, 6, 7, 8]}},
    ],
)
def test_a_damaged_document_is_a_data_error(doc: dict[str, Any]) -> None:
    with pytest.raises(DataError):
        from_json(doc, side="A")


def test_a_comment_by_the_proxy_user_is_not_sent() -> None:
    side = Side("A", "newest")
    side.new_comment("proxy", "typed while logged in as the proxy user")
    side.look()
    assert not any(key.startswith("e/") for key in side.state.regs)


def test_our_own_copy_is_adopted_by_its_mark_and_not_made_twice() -> None:
    sides = {"A": Side("A", "newest"), "B": Side("B", "newest")}
    sides["A"].new_comment("alice", "hello")
    drain(sides)
    b = sides["B"]
    b.state.twins.clear()
    b.state.last = {key: last for key, last in b.state.last.items() if not key.startswith("e/")}
    assert next(iter(b.comments.values()))[2] == comment_mark("pair", "A:A1")
    drain(sides)
    assert [body for _, body, _ in b.comments.values()] == ["hello"]


def test_a_deleted_copy_is_not_made_again_and_not_sent_back_by_default() -> None:
    sides = {"A": Side("A", "newest"), "B": Side("B", "newest")}
    for side in sides.values():
        side.state.policies.pop("comment_deletes")
    sides["A"].new_comment("alice", "hello")
    drain(sides)
    sides["B"].comments.clear()
    drain(sides)
    assert (len(sides["A"].comments), len(sides["B"].comments)) == (1, 0)
    sides["A"].comments = {"A1": ("alice", "hello again", "")}
    drain(sides)
    assert not sides["B"].comments


def test_a_value_that_is_not_mapped_holds_nobody_else() -> None:
    state = State(side="B", local="B-issue")
    state.regs = {"f/status": Register("Blocked", {"A": 1}, "A", 1), "f/summary": Register("new", {"A": 1}, "A", 1)}
    wants = {"status": Wanted("status", problem="not mapped"), "summary": Wanted("summary", "new", "new")}
    todo = plan(state, lambda hub, value: wants[hub], {"summary": "old", "status": "To Do"}.get, Abilities(), "pair")
    assert [dict(step.fields) for step in todo.steps] == [{"summary": "new"}]
    assert [problem.key for problem in todo.problems] == ["f/status"]


def test_a_refused_value_is_not_tried_again_until_it_changes() -> None:
    state = State(side="B", local="B-issue")
    state.regs = {"f/summary": Register("too long", {"A": 1}, "A", 1)}
    state.refuse("f/summary", "too long", "Rejected", "summary")
    assert state.pending() == []
    delivery.merge(state, "f/summary", Register("short", {"A": 2}, "A", 2))
    assert state.pending() == ["f/summary"]


def test_fewer_values_on_one_side_make_no_echo() -> None:
    """In Progress becomes open; reading open back is no change, and closing it is one."""
    state = State(side="B", local="B-issue", fresh=True)
    state.regs = {"f/status": Register("In Progress", {"A": 1}, "A", 1)}
    observe(state, Seen({"status": "To Do"}), "pair")
    todo = plan(state, lambda hub, value: Wanted("status", "open", "To Do"), {"status": "open"}.get, Abilities(), "pair")
    assert not todo.steps
    absorb(state, todo.absorbed)
    assert not observe(state, Seen({"status": "To Do"}), "pair").changed
    assert observe(state, Seen({"status": "Done"}), "pair").changed
    assert state.regs["f/status"].val == "Done"
