"""The whole product as processes of its own (the launcher of `make run`), for benchmarks and the story of `make real`."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import requests

ROOT = Path(__file__).resolve().parent.parent


def free_ports(count: int) -> int:
    """The first of `count` consecutive free ports on the loopback."""
    for first in range(20_000 + os.getpid() % 20_000, 60_000, count):
        if all(_free(first + offset) for offset in range(count)):
            return first
    raise RuntimeError("no free ports")


def _free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


class Stack:
    """`with Stack(DEBOUNCE_MS="0") as stack`: `stack.ready` is what READY says."""

    def __init__(self, **env: str) -> None:
        self.data = Path(tempfile.mkdtemp(prefix="exalate-bench-"))
        self.port = free_ports(4)
        self.env = {
            **os.environ,
            "PORT": str(self.port),
            "SANDBOX_PORT": str(self.port + 1),
            "DATA_DIR": str(self.data),
            "LOG_LEVEL": "WARNING",
            **env,
        }

    def __enter__(self) -> Stack:
        log = (self.data / "launcher.log").open("w")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "exalate.launch"], cwd=ROOT, env=self.env, stdout=subprocess.PIPE, stderr=log, text=True, start_new_session=True
        )
        assert self.process.stdout
        for line in self.process.stdout:
            if line.startswith("READY "):
                self.ready: dict[str, Any] = json.loads(line[6:])
                self.http = requests.Session()
                self.http.headers["Authorization"] = f"Token {self.ready['api_token']}"
                return self
        raise RuntimeError(f"The product did not start: {(self.data / 'launcher.log').read_text()[-2000:]}")

    def __exit__(self, *_: object) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(40)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
        shutil.rmtree(self.data, ignore_errors=True)

    # ------------------------------------------------------------------ the product
    def api(self, method: str, path: str, **json_body: Any) -> Any:
        url = f"http://127.0.0.1:{self.port}/api/v1{path}"
        answer = self.http.request(method, url, json=json_body or None, timeout=30)
        answer.raise_for_status()
        return answer.json()

    def exalate(self, issue: str) -> dict[str, Any]:
        found: dict[str, Any] = self.api("POST", "/issues/exalate/", connection=self.ready["connection"], issue=issue)
        return found

    def pair(self, pk: int) -> dict[str, Any]:
        found: dict[str, Any] = self.api("GET", f"/synced-issues/{pk}/")
        return found

    def wait(self, what: Any, seconds: float = 60.0, every: float = 0.05) -> Any:
        """The first true value of `what()`; RuntimeError when there is none in time."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            found = what()
            if found:
                return found
            time.sleep(every)
        raise RuntimeError(f"nothing after {seconds:.0f} s")

    # ------------------------------------------------------------------ the trackers
    @property
    def jira(self) -> str:
        return str(self.ready["sandbox"]["jira_server"])

    @property
    def github(self) -> str:
        return str(self.ready["sandbox"]["github"])

    def calls(self, tracker: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = requests.get(f"{tracker}/_sandbox/calls", timeout=30).json()["calls"]
        return found

    def forget_calls(self) -> None:
        for tracker in (self.jira, self.github):
            requests.delete(f"{tracker}/_sandbox/calls", timeout=30)

    def faults(self, **values: Any) -> None:
        for tracker in (self.jira, self.github):
            requests.put(f"{tracker}/_sandbox/faults", json=values, timeout=30).raise_for_status()


def alice(tracker: str, kind: str) -> requests.Session:
    http = requests.Session()
    http.headers["User-Agent"] = "alice"
    if kind == "jira_server":
        http.auth = ("alice", "sandbox-alice")
    else:
        http.headers["Authorization"] = "Bearer sandbox-alice"
    return http
