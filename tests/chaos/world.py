"""A faulty world in one process: two trackers, a lossy network, lossy webhooks, people editing both sides at any instant
(also between a read and its write), time-outs whose effect happens, does not happen or happens late, crashes at every
boundary between a commit and a call, and a node restored from a backup. One seed = one run, replayed from the seed."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable
from typing import Any

PROXY = "proxy"
FIELDS = ("summary", "priority", "status")
LABELS = ("red", "blue")
STATUSES = ("To Do", "In Progress", "Done")
POOR = {"To Do": "open", "In Progress": "open", "Done": "closed"}  # what a tracker with two statuses makes of them


class Crash(Exception):
    pass


class TimedOut(Exception):
    pass


class Refused(Exception):
    """The conditional write found another version."""


class Tracker:
    """`cap`: "cas" (conditional write), "log" (history with old values), "blind" (neither). `poor`: it has two statuses.
    `trims`: it normalises what is written, as trackers do."""

    def __init__(self, world: World, side: str, cap: str, lag: int, poor: bool, trims: bool) -> None:
        self.world, self.side, self.cap, self.lag, self.poor, self.trims = world, side, cap, lag, poor, trims
        self.issues: dict[str, dict[str, Any]] = {}
        self.n, self.skew = 0, world.rng.randint(-40, 40)

    def now(self) -> int:
        return max(0, self.world.now + self.skew)

    def new_id(self) -> str:
        self.n += 1
        return f"{self.side}{self.n}"

    def touch(self, issue: dict[str, Any], who: str, key: Any, old: Any, new: Any) -> None:
        issue["ver"] += 1
        issue["hist"].append((who, key, old, new, self.now()))
        issue["ts"][key] = self.now()
        issue["updated"] = self.now()
        if who != PROXY or self.world.rng.random() < 0.5:  # many trackers notify us of our own writes too
            self.world.webhook(self.side, issue["id"])

    def stored(self, value: Any) -> Any:
        return value.strip() if self.trims and isinstance(value, str) else value

    # ---- calls that both people and the proxy user make
    def create(self, who: str, fields: dict[str, Any], mark: str | None = None) -> dict[str, Any]:
        issue = {
            "id": self.new_id(),
            "fields": {
                k: self.stored(fields.get(k, "open" if self.poor else "To Do") if k == "status" else fields.get(k, ""))
                for k in FIELDS
            },
            "labels": set(fields.get("labels", ())),
            "comments": {},
            "ver": 1,
            "hist": [],
            "ts": {},
            "updated": self.now(),
            "mark": mark,
            "born": self.world.now,
        }
        self.issues[issue["id"]] = issue
        if who != PROXY:
            self.world.webhook(self.side, issue["id"])
        return copy.deepcopy(issue)

    def update(self, who: str, iid: str, fields: dict[str, Any], if_ver: int | None = None) -> dict[str, Any]:
        issue = self.issues[iid]
        if if_ver is not None and if_ver != issue["ver"]:
            raise Refused
        for key, value in fields.items():
            if key == "labels":
                self._labels(who, issue, value)
            else:
                old, issue["fields"][key] = issue["fields"][key], self.stored(value)
                self.touch(issue, who, key, old, issue["fields"][key])
        return copy.deepcopy(issue)

    def _labels(self, who: str, issue: dict[str, Any], change: dict[str, list[str]]) -> None:
        for label, on in [(x, True) for x in change["add"]] + [(x, False) for x in change["remove"]]:
            if (label in issue["labels"]) != on:
                (issue["labels"].add if on else issue["labels"].discard)(label)
                self.touch(issue, who, ("l", label), not on, on)

    def add_comment(self, who: str, iid: str, body: str, mark: str | None = None) -> str:
        issue = self.issues[iid]
        cid = self.new_id()
        issue["comments"][cid] = {"id": cid, "who": who, "body": body, "mark": mark}
        self.touch(issue, who, ("c", cid), None, body)
        return cid

    def edit_comment(self, who: str, iid: str, cid: str, body: str) -> None:
        issue = self.issues[iid]
        if cid in issue["comments"]:
            old, issue["comments"][cid]["body"] = issue["comments"][cid]["body"], body
            self.touch(issue, who, ("c", cid), old, body)

    def remove_comment(self, who: str, iid: str, cid: str) -> None:
        issue = self.issues[iid]
        gone = issue["comments"].pop(cid, None)
        if gone:
            self.touch(issue, who, ("c", cid), gone["body"], None)

    def read(self, iid: str) -> dict[str, Any]:
        return copy.deepcopy(self.issues[iid])

    def search_mark(self, mark: str) -> list[str]:  # an index that lags
        return [i["id"] for i in self.issues.values() if i["mark"] == mark and i["born"] + self.lag <= self.world.now]

    def search_updated(self) -> list[str]:
        return [
            i["id"]
            for i in self.issues.values()
            if max([i["born"]] + [h[4] - self.skew for h in i["hist"]]) + self.lag <= self.world.now
        ]


class World:
    """`make_node(world, side, tracker, policy)` gives the two nodes under test: see simulate.py."""

    def __init__(self, seed: int, make_node: Callable[..., Any], options: frozenset[str] = frozenset(), steps: int = 160) -> None:
        self.rng = random.Random(seed)
        r = self.rng
        self.now, self.tok, self.steps, self.faults, self.options = 0, 0, steps, True, options
        self.p_crash, self.p_human, self.in_perturb = r.choice([0, 0.02, 0.06]), r.choice([0.05, 0.2]), False
        self.timers: list[Any] = []
        self.wire: list[Any] = []
        self.hooks: list[Any] = []
        self.msgs, self.cut = 0, False
        self.edits: list[Any] = []
        self.overwritten: set[Any] = set()
        self.restores: dict[int, str] = {}
        self.ccreated: list[Any] = []
        self.cdeleted: set[Any] = set()
        self.status_edits = 0
        caps = [r.choice(["cas", "log"] + (["blind"] if "blind" in options else [])) for _ in "AB"]
        poor = r.choice([None, None, "A", "B"])
        trims = r.choice([None, "A", "B"])
        self.tr = {s: Tracker(self, s, c, r.choice([0, 0, 4]), s == poor, s == trims) for s, c in zip("AB", caps, strict=True)}
        policy = r.choice(["newest", "A", "B"])
        self.nodes = {s: make_node(self, s, self.tr[s], policy) for s in "AB"}
        if r.random() < 0.3:
            t = r.randint(10, steps - 40)
            self.restores = {t: "backup", t + r.randint(1, 30): "restore"}
            self.restore_side = r.choice("AB")

    def token(self) -> str:
        self.tok += 1
        return f"v{self.tok}"

    def later(self, delay: int, fn: Callable[[], Any]) -> None:
        self.timers.append((self.now + delay, fn))

    def send(self, side: str, message: dict[str, Any]) -> None:
        if message["kind"] == "delivery":
            self.msgs += 1
        to, n = "B" if side == "A" else "A", 1
        if self.faults:
            if self.cut or self.rng.random() < 0.15:
                n = 0
            elif self.rng.random() < 0.15:
                n = 2
        for _ in range(n):
            self.wire.append((self.now + (self.rng.randint(0, 8) if self.faults else 0), to, copy.deepcopy(message)))

    def webhook(self, side: str, iid: str) -> None:
        if self.faults and self.rng.random() < 0.25:
            return
        for _ in range(2 if self.faults and self.rng.random() < 0.2 else 1):
            self.hooks.append((self.now + (self.rng.randint(0, 6) if self.faults else 0), side, iid))

    # ------------------------------------------------------------------ people
    def human(self) -> None:
        r, side = self.rng, self.rng.choice("AB")
        tracker, node = self.tr[side], self.nodes[side]
        if not tracker.issues or (r.random() < 0.06 and len(tracker.issues) < 3):
            issue = tracker.create("human", {k: self.token() for k in FIELDS if k != "status"})
            node.exalate(issue["id"])
            return
        issue = r.choice(list(tracker.issues.values()))
        iid, x = issue["id"], r.random()
        if x < 0.42:
            key, value = r.choice(("summary", "priority")), self.token() + r.choice(["", " "])
            self.overwritten.add(issue["fields"][key])
            self.edits.append((side, iid, key, tracker.stored(value)))
            tracker.update("human", iid, {key: value})
        elif x < 0.5:
            tracker.update("human", iid, {"status": r.choice(("open", "closed") if tracker.poor else STATUSES)})
        elif x < 0.65:
            label, on = r.choice(LABELS), r.random() < 0.6
            tracker.update("human", iid, {"labels": {"add": [label] if on else [], "remove": [] if on else [label]}})
        elif x < 0.85 and len(issue["comments"]) < 5:
            body = self.token()
            self.ccreated.append((side, iid, tracker.add_comment("human", iid, body), body))
        elif issue["comments"] and not self.in_perturb:
            self._human_on_comment(side, iid, r.choice(list(issue["comments"].values())), x)

    def _human_on_comment(self, side: str, iid: str, comment: dict[str, Any], x: float) -> None:
        self.overwritten.add(comment["body"])
        if x < 0.95:
            value = self.token()
            self.edits.append((side, iid, ("c", comment["id"]), value))
            self.tr[side].edit_comment("human", iid, comment["id"], value)
        else:
            self.cdeleted.add((side, comment["id"]))
            self.tr[side].remove_comment("human", iid, comment["id"])

    def perturb(self) -> None:
        if not self.faults or self.in_perturb:
            return
        self.in_perturb = True
        if self.rng.random() < self.p_human:
            self.human()
        if self.rng.random() < 0.1:
            self.deliver()
        self.in_perturb = False

    # ------------------------------------------------------------------ time
    def deliver(self) -> None:
        due = [w for w in self.wire if w[0] <= self.now]
        self.wire = [w for w in self.wire if w[0] > self.now]
        self.rng.shuffle(due)
        for _, to, message in due:
            try:
                self.nodes[to].receive(message)
            except Crash:
                continue

    def tick(self) -> None:
        self.now += 1
        due = [t for t in self.timers if t[0] <= self.now]
        self.timers = [t for t in self.timers if t[0] > self.now]
        for _, fn in due:
            try:
                fn()
            except Refused:
                continue
        self.deliver()
        hooks = [h for h in self.hooks if h[0] <= self.now]
        self.hooks = [h for h in self.hooks if h[0] > self.now]
        for _, side, iid in hooks:
            if "no_webhooks" not in self.options:
                self.nodes[side].mark(iid)
        for node in self.nodes.values():
            node.run()

    def poll(self) -> None:
        if "no_poll" in self.options:
            return
        for node in self.nodes.values():
            for iid in node.tracker.search_updated():
                node.mark(iid)

    def run(self) -> None:
        for _ in range(self.steps):
            if self.rng.random() < 0.35:
                self.human()
            event = self.restores.get(self.now)
            if event == "backup":
                self.nodes[self.restore_side].take_backup()
            elif event == "restore" and self.nodes[self.restore_side].backup:
                self.nodes[self.restore_side].restore()
            if self.rng.random() < 0.03:
                self.cut = not self.cut
            if self.rng.random() < 0.05:
                self.poll()
            self.tick()
        self.faults, self.cut, before = False, False, self.msgs
        for tick in range(400):
            if tick % 15 == 0:
                self.poll()
            self.tick()
            if tick > 60 and not self.wire and not any(node.busy() for node in self.nodes.values()):
                break
        self.check(self.msgs - before)

    # ------------------------------------------------------------------ the promises
    def check(self, tail: int) -> None:
        a, b = self.nodes["A"], self.nodes["B"]
        assert not [node.side for node in (a, b) if node.busy()], "not quiescent"
        pairs = a.uids()
        assert pairs == b.uids(), "pair sets differ"
        assert tail <= 12 * max(1, len(pairs)), f"echo: {tail} messages after the last human edit"
        for side in "AB":
            marks = [i["mark"] for i in self.tr[side].issues.values() if i["mark"]]
            assert len(marks) == len(set(marks)), f"duplicate issue at {side}"
            assert set(marks) <= pairs, f"orphan copy at {side}"
        logged = {(uid, x) for n in (a, b) for (uid, _, w, loser) in n.conflicts for x in (w, loser)}
        for uid in pairs:
            self._check_pair(uid, logged)

    def _check_pair(self, uid: str, logged: set[Any]) -> None:
        local = {s: self.nodes[s].local_of(uid) for s in "AB"}
        a, b = (self.tr[s].issues[local[s]] for s in "AB")
        for key in ("summary", "priority"):
            assert a["fields"][key] == b["fields"][key] or self._trimmed(a, b, key), (
                f"diverged {uid} {key}: {a['fields']} {b['fields']}"
            )
        statuses = [i["fields"]["status"] for i in (a, b)]
        poor = [POOR.get(status, status) for status in statuses]
        assert poor[0] == poor[1] if any(t.poor for t in self.tr.values()) else statuses[0] == statuses[1], (
            f"status diverged {uid}: {statuses}"
        )
        assert a["labels"] == b["labels"], f"labels diverged {uid}: {a['labels']} {b['labels']}"
        bodies = [sorted(c["body"] for c in i["comments"].values()) for i in (a, b)]
        assert bodies[0] == bodies[1], f"comments diverged {uid}: {bodies}"
        for issue in (a, b):
            marks = [c["mark"] for c in issue["comments"].values() if c["mark"]]
            assert len(marks) == len(set(marks)), "duplicate comment"
        final = {v.strip() for i in (a, b) for v in i["fields"].values()} | set(bodies[0])
        self._check_losses(uid, set(local.values()), final, logged)

    @staticmethod
    def _trimmed(a: dict[str, Any], b: dict[str, Any], key: str) -> bool:
        return bool(a["fields"][key].strip() == b["fields"][key].strip())

    def _check_losses(self, uid: str, mine: set[str], final: set[str], logged: set[Any]) -> None:
        known = {x.strip() if isinstance(x, str) else x for u, x in logged if u == uid}
        over = {x.strip() for x in self.overwritten}
        for side, iid, key, value in self.edits:
            if iid in mine and value.strip() not in final | over | known:
                raise AssertionError(f"lost human edit {value} ({side} {iid} {key}) in {uid}")
        twins = {s: {local: entity for entity, local in self.nodes[s].twins_of(uid).items()} for s in "AB"}
        dead = {twins[s].get(c) for s, c in self.cdeleted}
        for side, iid, cid, value in self.ccreated:
            if iid in mine and twins[side].get(cid) not in dead and value not in final | over | known:
                raise AssertionError(f"lost comment {value} in {uid}")
