"""What the control interface can make go wrong, and that it does so in the way it says."""

import time

import pytest
import requests

ISSUES = "/repos/acme/demo/issues"


def set_faults(running, **values):
    answer = requests.put(f"{running.url}/_sandbox/faults", json=values, timeout=5)
    assert answer.status_code == 200, answer.text
    return answer.json()


def calls(running):
    return requests.get(f"{running.url}/_sandbox/calls", timeout=5).json()["calls"]


def titles(who):
    return [one["title"] for one in who.get(ISSUES, params={"state": "all"}).json()]


def test_a_partial_body_keeps_the_rest(github):
    set_faults(github, latency_ms=5, fail_rate=0.25)
    assert set_faults(github, latency_ms=0)["fail_rate"] == 0.25
    assert requests.get(f"{github.url}/_sandbox/faults", timeout=5).json()["fail_rate"] == 0.25


@pytest.mark.parametrize(
    "body",
    [
        {"odd": 1},
        {"fail_rate": 2},
        {"fail_rate": True},
        {"latency_ms": -1},
        {"rate_limit": 1.5},
        {"timeout_kind": "odd"},
        {"seed": "x"},
        [],
        {"lose_webhooks": None, "latency_ms": 100},
    ],
)
def test_wrong_faults_are_400_and_change_nothing(github, body):
    before = requests.get(f"{github.url}/_sandbox/faults", timeout=5).json()
    answer = requests.put(f"{github.url}/_sandbox/faults", json=body, timeout=5)
    assert (answer.status_code, "error" in answer.json()) == (400, True)
    assert requests.get(f"{github.url}/_sandbox/faults", timeout=5).json() == before


def test_latency_holds_every_call_back(github, proxy):
    set_faults(github, latency_ms=120)
    started = time.monotonic()
    proxy.get("/user")
    assert time.monotonic() - started >= 0.12


def test_refused_calls_have_no_effect_and_an_html_body(github, proxy, jira, jproxy):
    set_faults(github, fail_rate=1, seed=1)
    answers = [proxy.post(ISSUES, json={"title": "lost"}) for _ in range(12)]
    assert {one.status_code for one in answers} == {502, 503}
    assert "<html>" in answers[0].text
    set_faults(github, fail_rate=0)
    assert "lost" not in titles(proxy)
    set_faults(jira, fail_rate=1)
    assert jproxy.get("/myself").status_code in (502, 503)


def test_a_write_that_never_arrived_has_no_effect(github, proxy):
    set_faults(github, timeout_rate=1, timeout_kind="never_arrived")
    with pytest.raises(requests.ConnectionError):
        proxy.post(ISSUES, json={"title": "never"})
    assert "never" not in titles(proxy)  # reads are left alone
    assert [(one["fault"], one["status"]) for one in calls(github)] == [("never_arrived", 0), (None, 200)]


def test_a_write_that_arrived_has_its_effect_but_no_answer(github, proxy):
    set_faults(github, timeout_rate=1, timeout_kind="arrived")
    with pytest.raises(requests.ConnectionError):
        proxy.post(ISSUES, json={"title": "arrived"})
    assert "arrived" in titles(proxy)
    assert calls(github)[0] | {"time": ""} == {
        "method": "POST",
        "path": ISSUES,
        "status": 0,
        "user": "proxy",
        "time": "",
        "body": {"title": "arrived"},
        "fault": "arrived",
    }


def test_a_write_that_arrives_late_has_its_effect_seconds_later(github, proxy):
    set_faults(github, timeout_rate=1, timeout_kind="arrives_late")
    started = time.monotonic()
    with pytest.raises(requests.ConnectionError):
        proxy.post(ISSUES, json={"title": "late"})
    assert "late" not in titles(proxy)
    while "late" not in titles(proxy):
        assert time.monotonic() - started < 30
        time.sleep(0.1)
    assert time.monotonic() - started >= 1


def test_all_three_kinds_of_time_outs_occur(github, proxy):
    set_faults(github, timeout_rate=1, seed=4)
    for number in range(12):
        with pytest.raises(requests.ConnectionError):
            proxy.post(ISSUES, json={"title": f"number {number}"})
    now = {one["fault"] for one in calls(github)}
    assert {"never_arrived", "arrived"} <= now
    assert 12 - len(calls(github)) > 0  # the late ones are not there yet


def test_a_search_by_post_is_a_read(jira, jproxy):
    set_faults(jira, timeout_rate=1)
    assert jproxy.post("/search", json={"jql": "project = PAY"}).status_code == 200


def test_lost_and_repeated_webhooks(github, proxy, listener):
    config = {"url": listener.url, "content_type": "json"}
    proxy.post("/repos/acme/demo/hooks", json={"events": ["issues"], "config": config})
    github.sandbox.deliveries.wait_idle()
    listener.heard.clear()
    set_faults(github, lose_webhooks=1)
    proxy.post(ISSUES, json={"title": "unheard"})
    github.sandbox.deliveries.wait_idle()
    assert listener.heard == []
    assert requests.get(f"{github.url}/_sandbox/deliveries", timeout=5).json()["deliveries"][-1]["outcome"] == "lost"
    set_faults(github, lose_webhooks=0, duplicate_webhooks=1)
    proxy.post(ISSUES, json={"title": "heard twice"})
    github.sandbox.deliveries.wait_idle()
    first, second = listener.heard
    assert (first.body, first.headers["X-GitHub-Delivery"]) == (second.body, second.headers["X-GitHub-Delivery"])


def test_over_the_rate_limit_github_says_when_to_come_back(github, proxy, bob):
    set_faults(github, rate_limit=3)
    left = [proxy.get("/user").headers["X-RateLimit-Remaining"] for _ in range(3)]
    assert left == ["2", "1", "0"]
    refused = proxy.post(ISSUES, json={"title": "too much"})
    assert (refused.status_code, refused.headers["X-RateLimit-Remaining"]) == (429, "0")
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert int(refused.headers["X-RateLimit-Reset"]) > time.time()
    assert "rate limit" in refused.json()["message"]
    assert bob.get("/user").status_code == 200
    set_faults(github, rate_limit=0)
    assert "too much" not in titles(proxy)


def test_over_the_rate_limit_jira_says_when_to_come_back(jira, jproxy):
    assert "X-RateLimit-Limit" not in jproxy.get("/myself").headers
    set_faults(jira, rate_limit=1)
    allowed = jproxy.get("/myself")
    assert (allowed.headers["X-RateLimit-Limit"], allowed.headers["X-RateLimit-Remaining"]) == ("1", "0")
    assert (allowed.headers["X-RateLimit-Interval-Seconds"], allowed.headers["X-RateLimit-FillRate"]) == ("60", "1")
    refused = jproxy.get("/myself")
    assert refused.status_code == 429
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
