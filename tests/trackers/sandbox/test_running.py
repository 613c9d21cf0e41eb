"""Control interface, HTTP, and what stays after a kill and a reset."""

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from trackers.sandbox import start

ROOT = Path(__file__).resolve().parents[3]
ISSUES = "/repos/acme/demo/issues"


def serve(kind, data, *more, port=0):
    command = [sys.executable, "-m", "trackers.sandbox", "--kind", kind, "--port", str(port), "--data", str(data), *more]
    environment = {name: value for name, value in os.environ.items() if name != "SANDBOX_PANEL"}
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT, env=environment)


def address(process):
    return re.search(r"http://\S+", process.stdout.readline())[0]


def test_only_api_calls_are_listed_with_their_bodies(github, proxy):
    proxy.post(f"{ISSUES}/1/comments", json={"body": "x"})
    proxy.get(f"{ISSUES}/999", headers={"Authorization": "Bearer wrong"})
    requests.get(f"{github.url}/acme/demo/issues", timeout=5)
    requests.get(f"{github.url}/_sandbox/health", timeout=5)
    calls = requests.get(f"{github.url}/_sandbox/calls", timeout=5).json()["calls"]
    assert [(one["method"], one["path"], one["status"], one["user"], one["body"]) for one in calls] == [
        ("POST", f"{ISSUES}/1/comments", 201, "proxy", {"body": "x"}),
        ("GET", f"{ISSUES}/999", 401, "", None),
    ]
    requests.delete(f"{github.url}/_sandbox/calls", timeout=5)
    assert requests.get(f"{github.url}/_sandbox/calls", timeout=5).json() == {"calls": []}


def test_the_control_interface_says_what_it_knows(github, jira):
    assert requests.get(f"{jira.url}/_sandbox/health", timeout=5).json() == {"kind": "jira_server", "url": jira.url}
    unknown = requests.get(f"{github.url}/_sandbox/odd", timeout=5)
    assert (unknown.status_code, "POST reset" in unknown.json()["error"]) == (404, True)
    assert requests.put(f"{github.url}/_sandbox/faults", data=b"{", timeout=5).status_code == 400


def test_reset_brings_the_seed_back_and_keeps_webhooks(github, proxy, listener):
    seeded = proxy.get(ISSUES).json()
    proxy.post("/repos/acme/demo/hooks", json={"events": ["issues"], "config": {"url": listener.url}})
    proxy.post(ISSUES, json={"title": "gone after reset"})
    requests.put(f"{github.url}/_sandbox/faults", json={"latency_ms": 1}, timeout=5)
    assert requests.post(f"{github.url}/_sandbox/reset", timeout=5).status_code == 200
    assert requests.get(f"{github.url}/_sandbox/calls", timeout=5).json() == {"calls": []}
    assert requests.get(f"{github.url}/_sandbox/faults", timeout=5).json()["latency_ms"] == 0
    again = proxy.get(ISSUES).json()
    assert [(one["id"], one["number"], one["title"]) for one in again] == [
        (one["id"], one["number"], one["title"]) for one in seeded
    ]
    assert len(proxy.get("/repos/acme/demo/hooks").json()) == 1
    requests.post(f"{github.url}/_sandbox/reset", json={"hooks": True}, timeout=5)
    assert proxy.get("/repos/acme/demo/hooks").json() == []


def test_the_seed_holds_two_issues_in_each_main_project(proxy, jproxy):
    assert [one["user"]["login"] for one in proxy.get(ISSUES).json()] == ["bob", "alice"]
    body = proxy.get(f"{ISSUES}/1").json()["body"]
    assert all(part in body for part in ("## ", "1. ", "```python", "| ", "🎁"))
    assert jproxy.get("/search", params={"jql": "project = PAY"}).json()["total"] == 2
    text = jproxy.get("/issue/PAY-1").json()["fields"]["description"]
    assert all(part in text for part in ("h2. ", "# ", "{code:python}", "||", "📭"))


@pytest.mark.parametrize("kind", ["github", "jira_server"])
def test_a_killed_sandbox_loses_nothing_it_had_answered(tmp_path, kind):
    process = serve(kind, tmp_path)
    try:
        url = address(process)
        keys = [create(kind, url, f"number {number}") for number in range(20)]
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
    again = serve(kind, tmp_path)
    try:
        url = address(again)
        assert [title(kind, url, key) for key in keys] == [f"number {number}" for number in range(20)]
        assert create(kind, url, "the next") not in keys
    finally:
        again.terminate()
        again.communicate()
    assert again.returncode == 0


def create(kind, url, text):
    who = {"Authorization": "Bearer sandbox-proxy"}
    if kind == "github":
        return requests.post(url + ISSUES, json={"title": text}, headers=who, timeout=5).json()["number"]
    fields = {"project": {"key": "PAY"}, "issuetype": {"name": "Task"}, "summary": text}
    return requests.post(f"{url}/rest/api/2/issue", json={"fields": fields}, headers=who, timeout=5).json()["key"]


def title(kind, url, key):
    who = {"Authorization": "Bearer sandbox-proxy"}
    if kind == "github":
        return requests.get(f"{url}{ISSUES}/{key}", headers=who, timeout=5).json()["title"]
    return requests.get(f"{url}/rest/api/2/issue/{key}", headers=who, timeout=5).json()["fields"]["summary"]


def test_everything_is_there_after_a_restart(tmp_path):
    first = start("jira_server", tmp_path)
    issue = f"{first.url}/rest/api/2/issue/PAY-1"
    who = ("proxy", "sandbox-proxy")
    requests.post(f"{issue}/comment", json={"body": "kept"}, auth=who, timeout=5)
    requests.put(f"{issue}/properties/mark", json={"op": 1}, auth=who, timeout=5)
    params = {"expand": "changelog", "properties": "*all"}
    before = requests.get(issue, params=params, auth=who, timeout=5).text.replace(first.url, "")
    first.stop()
    second = start("jira_server", tmp_path)
    after = requests.get(f"{second.url}/rest/api/2/issue/PAY-1", params=params, auth=who, timeout=5).text.replace(second.url, "")
    second.stop()
    assert after == before
    assert "kept" in after


def test_a_port_in_use_is_one_sentence(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        process = serve("github", tmp_path, port=port)
        _, told = process.communicate(timeout=30)
    assert process.returncode == 2
    assert told == f"The github sandbox cannot listen on 127.0.0.1:{port}: Address already in use.\n"


def test_one_connection_serves_many_calls(github):
    connection = http.client.HTTPConnection(github.url.removeprefix("http://"), timeout=5)
    headers = {"Authorization": "Bearer sandbox-proxy", "User-Agent": "test"}
    connection.connect()
    mine = connection.sock
    for path, status in (("/user", 200), ("/nothing", 404), ("/repos/acme/demo/assignees/alice", 204), ("/user", 200)):
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        answer.read()
        assert answer.status == status
        assert connection.sock is mine
    connection.close()


def test_chunked_bodies_and_expectations_are_understood(github):
    def chunks():
        yield b'{"title": '
        yield b'"in chunks"}'

    who = {"Authorization": "Bearer sandbox-proxy", "Content-Type": "application/json"}
    made = requests.post(github.url + ISSUES, data=chunks(), headers=who, timeout=5)
    assert (made.status_code, made.json()["title"]) == (201, "in chunks")
    with socket.create_connection(github.sandbox.server.server_address, timeout=5) as raw:
        head = f"POST {ISSUES} HTTP/1.1\r\nHost: x\r\nUser-Agent: t\r\nAuthorization: Bearer sandbox-proxy\r\n"
        raw.sendall(f"{head}Expect: 100-continue\r\nContent-Length: 14\r\n\r\n".encode())
        assert raw.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        raw.sendall(b'{"title": "x"}')
        assert raw.recv(100).startswith(b"HTTP/1.1 201 Created")


def test_what_is_not_http_is_400(github):
    for text in (b"hello\r\n\r\n", b"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n"):
        with socket.create_connection(github.sandbox.server.server_address, timeout=5) as raw:
            raw.sendall(text)
            assert raw.recv(100).startswith(b"HTTP/1.1 400")


def test_head_answers_without_a_body(proxy):
    answer = proxy.head("/user")
    assert (answer.status_code, answer.content) == (200, b"")
    assert int(answer.headers["Content-Length"]) > 100
