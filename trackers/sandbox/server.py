"""A running sandbox: takes each request to the API, the pages or the control interface, with the faults in between."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import threading
import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from trackers.sandbox import control
from trackers.sandbox.calls import Calls
from trackers.sandbox.faults import ARRIVES_LATE, NEVER_ARRIVED, Faults
from trackers.sandbox.github.tracker import GitHub
from trackers.sandbox.jira_server.tracker import JiraServer
from trackers.sandbox.routes import Refusal, Tracker
from trackers.sandbox.store import Store
from trackers.sandbox.webhooks import Deliveries
from trackers.sandbox.wire import DROPPED, Request, Response, Server

KINDS: dict[str, type[Tracker]] = {"github": GitHub, "jira_server": JiraServer}
HOOKS = frozenset({"hooks"})


class Sandbox:
    def __init__(self, kind: str, *, host: str = "127.0.0.1", port: int = 0, data: Path | None = None, panel: str = "") -> None:
        """Raises OSError when the port cannot be had."""
        self.faults, self.calls = Faults(), Calls()
        self.server = Server(host, port, self.answer)
        self.deliveries = Deliveries(self.faults)
        self.store = Store(data / f"sandbox-{kind}.sqlite3" if data else None)
        with self.store.lock:
            self.tracker = KINDS[kind](self.store, self.deliveries, self.server.url, panel)
            self.store.commit()

    def answer(self, request: Request) -> Response:
        try:
            if request.parts[:1] == ("_sandbox",):
                return control.answer(self, request)
            if self.tracker.is_api(request):
                return self._api(request)
            with self._changing():
                return self.tracker.page(request)
        except Exception:
            traceback.print_exc()
            return Response.json(500, {"message": "The sandbox itself failed; its terminal says why."})

    def reset(self, *, hooks: bool = False) -> None:
        """The seed's state again. Registered webhooks stay, unless `hooks`."""
        with self._changing():
            self.store.clear(keep=frozenset() if hooks else HOOKS)
            self.tracker.seed()
            self.tracker.index()
        self.calls.clear()
        self.faults.clear()

    def _api(self, request: Request) -> Response:
        fate = self.faults.fate(write=self.tracker.is_write(request))
        time.sleep(fate.latency_s / 2)
        if fate.kind == "fail":
            response = self.tracker.outage(fate.status)
            self.calls.note(request, status=fate.status, user="", fault="fail")
        elif fate.kind == NEVER_ARRIVED:
            self.calls.note(request, status=0, user="", fault=fate.kind)
            response = DROPPED
        elif fate.kind == ARRIVES_LATE:
            late = threading.Timer(fate.late_s, self._carry_out, (request, fate.kind))
            late.daemon = True
            late.start()
            response = DROPPED
        else:
            response = self._carry_out(request, fate.kind)
        time.sleep(fate.latency_s / 2)
        return DROPPED if fate.kind and fate.kind != "fail" else response

    def _carry_out(self, request: Request, fault: str = "") -> Response:
        user = ""
        with self._changing():
            try:
                user = self.tracker.authenticate(request)
                allowance = self.faults.spend(user)
                if allowance.refused:
                    fault = fault or "rate_limit"
                    response = self.tracker.limited(user, allowance)
                else:
                    response = self.tracker.respond(request, user)
                if response.status == 304:
                    self.faults.give_back(user)
                    allowance = self.faults.standing(user)
                self.tracker.dress(request, response, user, allowance)
            except Refusal as refusal:
                response = refusal.response
                self.tracker.dress(request, response, user, self.faults.standing(user))
        told = 0 if fault not in ("", "rate_limit") else response.status
        self.calls.note(request, status=told, user=user, fault=fault)
        return response

    @contextlib.contextmanager
    def _changing(self) -> Iterator[None]:
        """One caller at a time; what changed is on disk before anybody is answered."""
        with self.store.lock:
            try:
                yield
            finally:
                self.store.commit()


@dataclass
class Running:
    """A sandbox served by threads of this process."""

    url: str
    kind: str
    sandbox: Sandbox
    _temporary: Path | None = None

    @property
    def store(self) -> Store:
        return self.sandbox.store

    def stop(self) -> None:
        self.sandbox.server.shutdown()
        self.sandbox.server.server_close()
        self.sandbox.server.close_connections()
        self.sandbox.deliveries.stop()
        self.store.close()
        if self._temporary:
            shutil.rmtree(self._temporary, ignore_errors=True)


def start(kind: str, data_dir: Path | str | None = None, *, port: int = 0, panel: str = "") -> Running:
    """Serve a sandbox on 127.0.0.1, on a free port by default. Without `data_dir` its data go with stop()."""
    temporary = None if data_dir else Path(tempfile.mkdtemp(prefix="sandbox-"))
    sandbox = Sandbox(kind, port=port, data=Path(data_dir) if data_dir else temporary, panel=panel)
    serve = threading.Thread(target=sandbox.server.serve_forever, args=(0.05,), daemon=True, name=f"sandbox-{kind}")
    serve.start()
    return Running(sandbox.server.url, kind, sandbox, temporary)
