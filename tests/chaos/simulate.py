"""The real engine modules in the faulty world of world.py: `python -m tests.chaos.simulate --seeds N [--first S]`.

The node here is the thinnest shell around syncjobs/engine that can crash at every boundary; syncjobs/flow.py is the one
that ships. Ends in one line `simulate: n seeds, k failures`; exit code 1 when k > 0."""

from __future__ import annotations

import argparse
import copy
import itertools
import sys
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from syncjobs.engine import delivery, settle
from syncjobs.engine import registers as r
from syncjobs.engine.observe import Seen, SeenChange, SeenComment, observe
from syncjobs.engine.plan import Abilities, Step, Wanted, plan, step_from_json
from syncjobs.engine.state import State, from_json, to_json
from tests.chaos.world import POOR, PROXY, Crash, Refused, TimedOut, Tracker, World

QUIET = 12  # ticks: longer than an abandoned call may take, plus the lag of the index
BACK = {"open": "To Do", "closed": "Done"}


class Defer(Exception):
    pass


class Pair:
    def __init__(self, uid: str, side: str, policy: str) -> None:
        self.uid = uid
        self.state = State(side=side, policies={"summary": policy, "priority": policy, "status": policy, "comments": policy})
        self.state.policies["comment_deletes"] = "both"
        self.dirty, self.next_send, self.audit, self.seen_history = True, 0, False, 0
        self.intents: dict[int, dict[str, Any]] = {}

    def saved(self) -> None:
        """Through JSON and back, as the database would."""
        s = self.state
        columns = {
            "epoch": s.epoch,
            "local": s.local,
            "policies": s.policies,
            "out_seq": s.out_seq,
            "acked": s.acked,
            "in_seq": s.in_seq,
        }
        self.state = from_json(to_json(s), side=s.side, **columns)


class Node:
    def __init__(self, world: World, side: str, tracker: Tracker, policy: str) -> None:
        self.world, self.side, self.tracker, self.policy = world, side, tracker, policy
        self.pairs: dict[str, Pair] = {}
        self.conflicts: list[Any] = []
        self.epoch, self.peer_epoch, self.backup, self.quiet_until, self.op = 0, 0, None, 0, 0
        self.stat: dict[str, int] = defaultdict(int)
        self.options = world.options

    # ---- what the world asks
    def uids(self) -> set[str]:
        return set(self.pairs)

    def local_of(self, uid: str) -> str:
        return self.pairs[uid].state.local

    def twins_of(self, uid: str) -> dict[str, str]:
        return self.pairs[uid].state.twins

    def busy(self) -> bool:
        return any(p.dirty or p.intents or delivery.has_news(p.state) for p in self.pairs.values())

    def mark(self, local: str) -> None:
        for pair in self.pairs.values():
            if pair.state.local == local:
                pair.dirty = True

    def exalate(self, local: str) -> None:
        if not any(p.state.local == local for p in self.pairs.values()):
            self.new_pair(f"P{self.side}{local}", local)

    def new_pair(self, uid: str, local: str) -> Pair:
        pair = Pair(uid, self.side, self.policy)
        pair.state.local, pair.state.epoch, pair.state.peer_epoch = local, self.epoch, self.peer_epoch
        self.pairs[uid] = pair
        return pair

    def take_backup(self) -> None:
        self.backup = copy.deepcopy((self.pairs, self.peer_epoch))

    def restore(self) -> None:
        self.pairs, self.peer_epoch = copy.deepcopy(self.backup)  # type: ignore[misc]
        self.stat["restores"] += 1
        self.epoch += 1
        self.quiet_until = self.world.now + QUIET
        for pair in self.pairs.values():
            pair.state.epoch = self.epoch - 1
            delivery.restored(pair.state)
            pair.dirty = pair.audit = True
            for intent in pair.intents.values():
                intent["quiet"] = self.world.now + QUIET

    def run(self) -> None:
        for pair in list(self.pairs.values()):
            if pair.dirty and self.world.rng.random() < 0.7:
                self.work(pair)
            else:
                self.send(pair)

    # ---- the wire
    def send(self, pair: Pair) -> None:
        if not delivery.has_news(pair.state) or self.world.now < pair.next_send:
            return
        pair.next_send = self.world.now + 4
        self.world.send(self.side, {"kind": "delivery", "uid": pair.uid, **delivery.message(pair.state)})

    def receive(self, message: dict[str, Any]) -> None:
        if message["epoch"] > self.peer_epoch:
            self.peer_epoch = message["epoch"]
            for pair in self.pairs.values():
                delivery.peer_restored(pair.state, self.peer_epoch)
        pair = self.pairs.get(message["uid"])
        if message["kind"] == "ack":
            if pair:
                delivery.acknowledge(pair.state, message)
                if message["gap"]:
                    pair.next_send = 0
            return
        if pair is None:  # a pair that started here and was lost in a restore is linked, not created
            own = message["uid"][2:] if message["uid"][1] == self.side else ""
            pair = self.new_pair(message["uid"], own)
        got = delivery.receive(pair.state, message)
        self.note(pair, got.clashes)
        pair.dirty = pair.dirty or not got.ack["gap"]
        self.crash()
        self.world.send(self.side, {"kind": "ack", "uid": pair.uid, **got.ack})

    def note(self, pair: Pair, clashes: tuple[r.Clash, ...]) -> None:
        self.conflicts += [(pair.uid, c.key, c.winner.val, c.loser.val) for c in clashes]

    # ---- faults
    def crash(self) -> None:
        if self.world.faults and self.world.rng.random() < self.world.p_crash:
            self.stat["crashes"] += 1
            raise Crash

    def call(self, fn: Callable[..., Any], *args: Any, write: bool = False, **kw: Any) -> Any:
        self.crash()
        self.world.perturb()
        self.stat["calls"] += 1
        if write and self.world.faults:
            x = self.world.rng.random()
            if x < 0.05:
                raise TimedOut  # never arrived
            if x < 0.10:
                fn(*args, **kw)
                raise TimedOut  # arrived, the answer was lost
            if x < 0.15:
                self.world.later(self.world.rng.randint(1, 6), self.late(fn, args, kw))
                raise TimedOut
        result = fn(*args, **kw)
        self.world.perturb()
        self.crash()
        return result

    def late(self, fn: Callable[..., Any], args: Any, kw: Any) -> Callable[[], Any]:
        """Comment edits and deletes have neither history nor condition in any tracker: a person's edit during the flight
        of an abandoned call is the documented residual window."""
        if fn.__name__ not in ("edit_comment", "remove_comment"):
            return lambda: fn(*args, **kw)
        comment = self.tracker.issues[args[1]]["comments"].get(args[2])
        was = comment and comment["body"]

        def land() -> None:
            now = self.tracker.issues[args[1]]["comments"].get(args[2])
            if now and now["body"] != was:
                self.world.overwritten.add(now["body"])
            fn(*args, **kw)

        return land

    # ---- rules: this tracker may have two statuses only
    def seen(self, raw: dict[str, Any]) -> Seen:
        fields = dict(raw["fields"])
        if self.tracker.poor:
            fields["status"] = BACK[fields["status"]]
        comments = [
            SeenComment(c["id"], c["body"], c["who"] == PROXY, c["mark"] or "", raw["ts"].get(("c", c["id"]), 0))
            for c in raw["comments"].values()
        ]
        history = [self.seen_change(h) for h in raw["hist"] if h[1][0] != "c"] if self.tracker.cap == "log" else None
        times = {
            (r.element("labels", k[1]) if isinstance(k, tuple) else r.scalar(k)): t for k, t in raw["ts"].items() if k[0] != "c"
        }
        return Seen(fields, {"labels": frozenset(raw["labels"])}, comments, history, raw["updated"], times)

    def seen_change(self, entry: Any) -> SeenChange:
        who, key, _, new, at = entry
        name = r.element("labels", key[1]) if isinstance(key, tuple) else r.scalar(key)
        return SeenChange(name, BACK[new] if key == "status" and self.tracker.poor else new, who == PROXY, at)

    def incoming(self, hub: str, value: Any) -> Wanted:
        if hub == "status" and self.tracker.poor:
            return Wanted("status", POOR[value], back=BACK[POOR[value]])
        return Wanted(hub, value, back=value)

    # ---- the work on one pair
    def work(self, pair: Pair) -> None:
        pair.dirty = False
        pair.saved()
        try:
            self.recover(pair)
            raw = self.look(pair) if pair.state.local else None
            self.apply(pair, raw)
        except (Defer, Crash, TimedOut):
            pair.dirty = True
        self.send(pair)

    def look(self, pair: Pair) -> dict[str, Any]:
        raw: dict[str, Any] = self.call(self.tracker.read, pair.state.local)
        self.note(pair, observe(pair.state, self.seen(raw), pair.uid).clashes)
        if pair.audit and self.tracker.cap == "log":
            self.audit(pair, raw)
        pair.audit, pair.seen_history = False, len(raw["hist"])
        return raw

    def audit(self, pair: Pair, raw: dict[str, Any]) -> None:
        """First look after a restore: writes that the lost journal was still checking may have covered a person's value."""
        by_key: dict[Any, list[Any]] = defaultdict(list)
        for entry in raw["hist"][pair.seen_history :]:
            by_key[entry[1]].append(entry)
        for key, entries in by_key.items():
            for a, b in itertools.pairwise(entries):
                if a[0] != PROXY and b[0] == PROXY:
                    self.conflicts.append((pair.uid, key, b[3], a[3]))

    def journal(self, pair: Pair, step: Step, since: int) -> int:
        self.op += 1
        pair.intents[self.op] = {"step": step.as_json(), "quiet": self.world.now + QUIET, "since": since}
        self.crash()
        return self.op

    def recover(self, pair: Pair) -> None:
        for op, intent in list(pair.intents.items()):
            if self.world.now < intent["quiet"]:
                raise Defer
            step = step_from_json(intent["step"])
            if step.kind == "create":
                found = self.call(self.tracker.search_mark, pair.uid)
                if found:
                    settle.settle(pair.state, step, {}, local=found[0])
            else:
                raw = self.call(self.tracker.read, pair.state.local)
                seen = self.seen(raw)
                if step.kind == "update":
                    settle.recover_update(pair.state, step, seen, intent["since"])
                elif (
                    settle.recover_comment(pair.state, step, seen.comments or ()) == settle.NOT_DONE
                    and step.kind == "add_comment"
                ):
                    self._created_and_deleted(pair, step, raw)
            pair.intents.pop(op, None)

    def _created_and_deleted(self, pair: Pair, step: Step, raw: dict[str, Any]) -> None:
        body = step.body
        gone = [h for h in raw["hist"] if h[0] != PROXY and h[1][0] == "c" and h[2] == body and h[3] is None]
        if gone:  # our copy was made and a person has deleted it since
            settle.settle(pair.state, step, {}, local=gone[0][1][1])

    def apply(self, pair: Pair, raw: dict[str, Any] | None) -> None:
        if self.epoch and self.world.now < self.quiet_until:
            raise Defer  # a write that the lost journal knew of may still land
        for _ in range(6):
            values = {**raw["fields"], "labels": raw["labels"]} if raw else None
            todo = plan(pair.state, self.incoming, values.__getitem__ if values else None, Abilities(), pair.uid)
            settle.absorb(pair.state, todo.absorbed)
            if not todo.steps:
                return
            version = raw["ver"] if raw else None
            for step in todo.steps:
                version = self.carry_out(pair, step, raw, version)
            if todo.steps[0].kind == "create":
                raw = self.look(pair)
            else:
                return

    def carry_out(self, pair: Pair, step: Step, raw: dict[str, Any] | None, version: int | None) -> int | None:
        t, local = self.tracker, pair.state.local
        since = raw["updated"] if raw else 0
        if step.kind == "create" and self.epoch:
            self.look_before_create(pair)
        op = self.journal(pair, step, since)
        if step.kind == "create":
            fields = {k: (v["add"] if k == "labels" else v) for k, v in step.fields.items()}
            made = self.call(t.create, PROXY, fields, mark=step.mark, write=True)
            settle.settle(pair.state, step, self.answer(step, made), local=made["id"])
        elif step.kind == "update":
            guard = version if t.cap == "cas" else None
            try:
                made = self.call(t.update, PROXY, local, dict(step.fields), if_ver=guard, write=True)
            except Refused:
                pair.intents.pop(op)
                raise Defer from None
            version = made["ver"]
            settle.settle(pair.state, step, self.answer(step, made), since=since, watched=t.cap == "log")
            if t.cap == "log":
                pair.dirty = True  # look at the history
        elif step.kind == "add_comment":
            cid = self.call(t.add_comment, PROXY, local, step.body, mark=step.mark, write=True)
            settle.settle(pair.state, step, {}, local=cid)
        elif step.kind == "edit_comment":
            self.call(t.edit_comment, PROXY, local, step.comment, step.body, write=True)
            settle.settle(pair.state, step, {})
        else:
            body = pair.state.last_of(r.entity("comment", "body", step.uid)).val
            self.conflicts.append((pair.uid, step.uid, None, body))  # the text is kept for people
            self.call(t.remove_comment, PROXY, local, step.comment, write=True)
            settle.settle(pair.state, step, {})
        pair.intents.pop(op, None)
        return version

    def look_before_create(self, pair: Pair) -> None:
        """After a restore "not in our journal" proves nothing."""
        found = self.call(self.tracker.search_mark, pair.uid)
        if found:
            pair.state.local = found[0]
            raise Defer

    def answer(self, step: Step, made: dict[str, Any]) -> dict[str, Any]:
        seen = self.seen(made)
        values = seen.values or {}
        return {key: (r.element_of(key) in made["labels"]) if r.is_element(key) else values[r.hub_of(key)] for key in step.regs}


def campaign(
    first: int, count: int, options: frozenset[str] = frozenset(), verbose: bool = True, make: Any = Node
) -> dict[int, str]:
    """Seed -> what it broke."""
    failures: dict[int, str] = {}
    for seed in range(first, first + count):
        world = World(seed, make, options)
        try:
            world.run()
        except Exception as error:  # a run may break in any way: every one of them is a finding
            failures[seed] = f"{type(error).__name__}: {error}"
            if verbose:
                print(seed, failures[seed][:200], flush=True)  # noqa: T201
    return failures


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--option", action="append", default=[])
    args = parser.parse_args()
    failures = campaign(args.first, args.seeds, frozenset(args.option))
    print(f"simulate: {args.seeds} seeds, {len(failures)} failures")  # noqa: T201
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
