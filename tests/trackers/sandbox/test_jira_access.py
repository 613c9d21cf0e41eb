"""Who may call the simulated Jira, its configuration, and what every answer carries."""

import requests


def test_basic_and_bearer_both_say_who_calls(jira, jproxy, jbob):
    answer = jproxy.get("/myself", params={"expand": "groups"})
    assert (answer.json()["name"], answer.headers["X-AUSERNAME"]) == ("proxy", "proxy")
    assert {one["name"] for one in answer.json()["groups"]["items"]} == {"jira-software-users", "jira-administrators"}
    assert jbob.get("/myself").json()["key"] == "JIRAUSER10102"


def test_wrong_passwords_and_nobody_are_401(jira):
    me = f"{jira.url}/rest/api/2/myself"
    wrong = requests.get(me, auth=("proxy", "wrong"), timeout=5)
    assert (wrong.status_code, wrong.headers["X-Seraph-LoginReason"]) == (401, "AUTHENTICATED_FAILED")
    assert "text/html" in wrong.headers["Content-Type"]
    nobody = requests.get(me, timeout=5)
    assert (nobody.status_code, nobody.headers["X-AUSERNAME"]) == (401, "anonymous")
    assert len(nobody.json()["errorMessages"]) == 1
    assert requests.get(me, headers={"Authorization": "Bearer wrong"}, timeout=5).status_code == 401


def test_all_permissions_are_listed_old_names_beside_new(jproxy, jbob):
    mine = jproxy.get("/mypermissions", params={"projectKey": "PAY"}).json()["permissions"]
    assert mine["ADMINISTER"]["havePermission"] is True
    assert mine["SYSTEM_ADMIN"]["havePermission"] is False
    assert mine["EDIT_ISSUE"]["deprecatedKey"] is True
    assert jbob.get("/mypermissions").json()["permissions"]["ADMINISTER"]["havePermission"] is False
    assert jproxy.get("/mypermissions", params={"projectKey": "NONE"}).status_code == 404


def test_permissions_taken_away_are_gone(jira, jproxy):
    denied = {"proxy": {"admin": False, "denied": ["ADD_COMMENTS", "TRANSITION_ISSUES", "EDIT_ISSUES", "CREATE_ISSUES"]}}
    assert requests.put(f"{jira.url}/_sandbox/users", json=denied, timeout=5).status_code == 200
    permissions = jproxy.get("/mypermissions").json()["permissions"]
    assert [permissions[key]["havePermission"] for key in ("ADMINISTER", "ADD_COMMENTS", "DELETE_ISSUES")] == [False, False, True]
    assert jproxy.post("/issue/PAY-1/comment", json={"body": "x"}).status_code == 400
    assert jproxy.post("/issue/PAY-1/transitions", json={"transition": {"id": "31"}}).status_code == 403
    assert jproxy.put("/issue/PAY-1", json={"fields": {"summary": "x"}}).status_code == 403
    fields = {"project": {"key": "PAY"}, "issuetype": {"name": "Task"}, "summary": "x"}
    assert jproxy.post("/issue", json={"fields": fields}).json()["errors"]["project"]
    assert jproxy.get(f"{jira.url}/rest/jira-webhook/1.0/webhooks").status_code == 403


def test_the_server_describes_itself_and_its_projects(jproxy):
    assert jproxy.get("/serverInfo").json()["deploymentType"] == "Server"
    assert [(one["key"], one["name"]) for one in jproxy.get("/project").json()] == [("PAY", "Payments"), ("OPS", "Operations")]
    assert [one["name"] for one in jproxy.get("/project/PAY").json()["issueTypes"]] == ["Story", "Task", "Bug"]
    assert jproxy.get("/project/NONE").status_code == 404
    statuses = jproxy.get("/project/PAY/statuses").json()
    assert [one["name"] for one in statuses[0]["statuses"]] == ["To Do", "In Progress", "Done"]
    assert [one["name"] for one in jproxy.get("/priority").json()] == ["Highest", "High", "Medium", "Low", "Lowest"]
    assert jproxy.get("/status/Done").json()["statusCategory"]["key"] == "done"
    assert {one["id"] for one in jproxy.get("/field").json()} >= {"summary", "description", "labels", "comment"}


def test_create_pages_are_called_values(jproxy):
    types = jproxy.get("/issue/createmeta/PAY/issuetypes").json()
    assert (types["total"], types["isLast"], [one["name"] for one in types["values"]]) == (3, True, ["Story", "Task", "Bug"])
    first = jproxy.get("/issue/createmeta/PAY/issuetypes/10002", params={"maxResults": 4}).json()
    assert (len(first["values"]), first["isLast"]) == (4, False)
    rest = jproxy.get("/issue/createmeta/PAY/issuetypes/10002", params={"startAt": 4}).json()
    assert rest["isLast"] is True
    fields = {one["fieldId"]: one for one in first["values"] + rest["values"]}
    assert fields["summary"]["required"] is True
    assert fields["priority"]["allowedValues"][0]["name"] == "Highest"


def test_people_are_found_by_name_key_and_address(jproxy):
    assert [one["name"] for one in jproxy.get("/user/search", params={"username": "alice@example.com"}).json()] == ["alice"]
    assert len(jproxy.get("/user/search", params={"username": "."}).json()) == 3
    assert jproxy.get("/user", params={"key": "JIRAUSER10101"}).json()["name"] == "alice"
    assert jproxy.get("/user", params={"username": "nobody"}).status_code == 404
    found = jproxy.get("/user/assignable/search", params={"project": "PAY", "username": "bob"}).json()
    assert [one["displayName"] for one in found] == ["Bob Lindt"]
    assert jproxy.get("/user/assignable/search").status_code == 400
