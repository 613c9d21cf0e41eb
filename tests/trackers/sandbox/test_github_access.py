"""Who may call the simulated GitHub, and what every answer carries."""

import http.client

import requests


def test_the_token_says_who_calls(github, proxy, bob):
    assert proxy.get("/user").json()["login"] == "proxy"
    assert bob.get("/api/v3/user").json()["login"] == "bob"
    assert requests.get(f"{github.url}/user", auth=("any", "sandbox-alice"), timeout=5).json()["login"] == "alice"
    old = requests.get(f"{github.url}/user", headers={"Authorization": "token sandbox-bob"}, timeout=5)
    assert old.json()["login"] == "bob"


def test_an_unknown_token_is_bad_credentials(github):
    for header in ("Bearer nonsense", "Bearer sandbox-nobody", "Basic !!!"):
        answer = requests.get(f"{github.url}/user", headers={"Authorization": header}, timeout=5)
        assert (answer.status_code, answer.json()["message"]) == (401, "Bad credentials")
    nobody = requests.get(f"{github.url}/repos/acme/demo", timeout=5)
    assert (nobody.status_code, nobody.json()["message"]) == (401, "Requires authentication")


def test_a_call_without_user_agent_is_403(github):
    connection = http.client.HTTPConnection(github.url.removeprefix("http://"), timeout=5)
    connection.request("GET", "/user", headers={"Authorization": "Bearer sandbox-proxy"})
    answer = connection.getresponse()
    assert answer.status == 403
    assert b"User-Agent" in answer.read()
    connection.close()


def test_answers_carry_the_vendors_headers(proxy):
    first, second = proxy.get("/user"), proxy.get("/user")
    for name in ("Limit", "Remaining", "Used", "Reset", "Resource"):
        assert f"X-RateLimit-{name}" in first.headers
    assert int(second.headers["X-RateLimit-Remaining"]) == int(first.headers["X-RateLimit-Remaining"]) - 1
    assert first.headers["X-GitHub-Request-Id"] != second.headers["X-GitHub-Request-Id"]
    assert first.headers["X-GitHub-Api-Version-Selected"] == "2022-11-28"


def test_an_unsupported_api_version_is_400(proxy):
    assert proxy.get("/user", headers={"X-GitHub-Api-Version": "2022-11-28"}).status_code == 200
    assert proxy.get("/user", headers={"X-GitHub-Api-Version": "1999-01-01"}).status_code == 400


def test_repositories_show_what_the_caller_may_do(proxy, bob):
    assert proxy.get("/repos/acme/demo").json()["permissions"]["push"] is True
    assert bob.get("/repos/acme/demo").json()["permissions"]["admin"] is False
    assert bob.get("/repos/acme/website").json()["permissions"] == {
        "admin": False,
        "maintain": False,
        "push": False,
        "triage": False,
        "pull": True,
    }
    assert [one["full_name"] for one in bob.get("/user/repos").json()] == ["acme/demo", "acme/website"]
    assert proxy.get("/repos/acme/website/collaborators/bob/permission").json()["permission"] == "read"


def test_rights_taken_away_by_the_control_interface_are_gone(github, proxy, bob):
    assert requests.put(f"{github.url}/_sandbox/users", json={"bob": {"access": {}}}, timeout=5).status_code == 200
    assert bob.get("/repos/acme/demo").status_code == 404
    requests.put(f"{github.url}/_sandbox/users", json={"bob": {"active": False}}, timeout=5)
    assert bob.get("/user").status_code == 401
    wrong = requests.put(f"{github.url}/_sandbox/users", json={"carol": {"active": False}}, timeout=5)
    assert wrong.status_code == 400


def test_the_server_says_its_version_and_limits(proxy):
    assert proxy.get("/meta").json()["installed_version"] == "3.19.0"
    assert proxy.get("/rate_limit").json()["resources"]["core"]["limit"] > 0
