"""Jira's JSON for what the store keeps."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from trackers.sandbox.jira_server import catalogue
from trackers.sandbox.store import Doc

if TYPE_CHECKING:
    from trackers.sandbox.jira_server.tracker import JiraServer

EXPANDABLE = "renderedFields,names,schema,operations,editmeta,changelog,versionedRepresentations,transitions"


def stamp(ms: int | None) -> str | None:
    """Milliseconds, and an offset without a colon."""
    if ms is None:
        return None
    text = datetime.fromtimestamp(ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{ms % 1000:03d}+0000"


def api(base: str) -> str:
    return f"{base}/rest/api/2"


def avatars(base: str, path: str) -> Doc:
    sizes = {"48x48": "", "24x24": "&size=small", "16x16": "&size=xsmall", "32x32": "&size=medium"}
    return {name: f"{base}/secure/{path}{size}" for name, size in sizes.items()}


def user(base: str, doc: Doc) -> Doc:
    return {
        "self": f"{api(base)}/user?username={quote(doc['name'])}",
        "name": doc["name"],
        "key": doc["key"],
        "emailAddress": doc["email"],
        "avatarUrls": avatars(base, f"useravatar?ownerId={doc['key']}"),
        "displayName": doc["display"],
        "active": doc["active"],
        "timeZone": doc["zone"],
    }


def whole_user(base: str, doc: Doc, *, groups: bool = False) -> Doc:
    names = doc["groups"] + (["jira-administrators"] if doc["admin"] else [])
    items = [{"name": name, "self": f"{api(base)}/group?groupname={name}"} for name in names] if groups else []
    return {
        **user(base, doc),
        "deleted": False,
        "locale": "en_US",
        "groups": {"size": len(names), "items": items},
        "applicationRoles": {"size": 1, "items": []},
        "expand": "groups,applicationRoles",
    }


def project(base: str, doc: Doc) -> Doc:
    return {
        "self": f"{api(base)}/project/{doc['id']}",
        "id": doc["id"],
        "key": doc["key"],
        "name": doc["name"],
        "projectTypeKey": "software",
        "avatarUrls": avatars(base, f"projectavatar?pid={doc['id']}"),
    }


def whole_project(tracker: JiraServer, base: str, doc: Doc) -> Doc:
    return {
        "expand": "description,lead,issueTypes,url,projectKeys",
        **project(base, doc),
        "description": doc["description"],
        "lead": user(base, tracker.user(doc["lead"])),
        "issueTypes": [issue_type(base, one) for one in catalogue.TYPES],
        "assigneeType": "UNASSIGNED",
        "archived": False,
        **{name: [] for name in ("components", "versions")},
        "roles": {},
    }


def issue_type(base: str, number: str) -> Doc:
    name, description, avatar = catalogue.TYPES[number]
    return {
        "self": f"{api(base)}/issuetype/{number}",
        "id": number,
        "description": description,
        "iconUrl": f"{base}/secure/viewavatar?size=xsmall&avatarId={avatar}&avatarType=issuetype",
        "name": name,
        "subtask": False,
        "avatarId": avatar,
    }


def priority(base: str, number: str, *, whole: bool = False) -> Doc:
    name, color, description = catalogue.PRIORITIES[number]
    more = {"statusColor": color, "description": description} if whole else {}
    icon = f"{base}/images/icons/priorities/{name.lower()}.svg"
    return {"self": f"{api(base)}/priority/{number}", "iconUrl": icon, "name": name, "id": number, **more}


def status(base: str, number: str) -> Doc:
    name, category = catalogue.STATUSES[number]
    return {
        "self": f"{api(base)}/status/{number}",
        "description": "",
        "iconUrl": f"{base}/images/icons/statuses/{category}.png",
        "name": name,
        "id": number,
        "statusCategory": status_category(base, category),
    }


def status_category(base: str, key: str) -> Doc:
    number, color, name = catalogue.CATEGORIES[key]
    return {"self": f"{api(base)}/statuscategory/{number}", "id": number, "key": key, "colorName": color, "name": name}


def resolution(base: str) -> Doc:
    return {"self": f"{api(base)}/resolution/{catalogue.RESOLUTION['id']}", **catalogue.RESOLUTION}


def transition(base: str, number: str) -> Doc:
    name, target = catalogue.TRANSITIONS[number]
    return {"id": number, "name": name, "opsbarSequence": int(number), "to": status(base, target)}


def comment(tracker: JiraServer, base: str, doc: Doc, *, properties: bool = False) -> Doc:
    shown = {
        "self": f"{api(base)}/issue/{doc['issue']}/comment/{doc['id']}",
        "id": doc["id"],
        "author": user(base, tracker.user(doc["author"])),
        "body": doc["body"],
        "updateAuthor": user(base, tracker.user(doc["update_author"])),
        "created": stamp(doc["created"]),
        "updated": stamp(doc["updated"]),
    }
    if doc["visibility"]:
        shown["visibility"] = doc["visibility"]
    if properties:
        shown["properties"] = [{"key": key, "value": value} for key, value in doc["properties"].items()]
    return shown


def history(tracker: JiraServer, base: str, doc: Doc) -> Doc:
    author = user(base, tracker.user(doc["author"]))
    return {"id": doc["id"], "author": author, "created": stamp(doc["created"]), "items": doc["items"]}


def issue(tracker: JiraServer, base: str, doc: Doc, wanted: frozenset[str] | None = None) -> Doc:
    """`wanted`: ids of fields, all when None."""
    return {
        "expand": EXPANDABLE,
        "id": doc["id"],
        "self": f"{api(base)}/issue/{doc['id']}",
        "key": doc["key"],
        "fields": fields(tracker, base, doc, wanted),
    }


def fields(tracker: JiraServer, base: str, doc: Doc, wanted: frozenset[str] | None) -> Doc:
    person = {name: user(base, tracker.user(doc[name])) if doc[name] else None for name in ("assignee", "reporter", "creator")}
    here = f"{api(base)}/issue/{doc['key']}"
    shown: dict[str, Any] = {
        "issuetype": issue_type(base, doc["type"]),
        **dict.fromkeys(("timespent", "timeoriginalestimate", "timeestimate"), None),
        **dict.fromkeys(("aggregatetimespent", "aggregatetimeestimate", "aggregatetimeoriginalestimate"), None),
        "project": project(base, tracker.projects[doc["project"]]),
        "components": [],
        "fixVersions": [],
        "versions": [],
        "resolution": resolution(base) if doc["resolved"] else None,
        "resolutiondate": stamp(doc["resolved"]),
        "workratio": -1,
        "lastViewed": None,
        "watches": {"self": f"{here}/watchers", "watchCount": 0, "isWatching": False},
        "created": stamp(doc["created"]),
        "priority": priority(base, doc["priority"]),
        "labels": doc["labels"],
        "issuelinks": [],
        **person,
        "updated": stamp(doc["updated"]),
        "status": status(base, doc["status"]),
        "description": doc["description"],
        "timetracking": {},
        "attachment": [],
        "summary": doc["summary"],
        "subtasks": [],
        "aggregateprogress": {"progress": 0, "total": 0},
        "progress": {"progress": 0, "total": 0},
        "environment": doc["environment"],
        "duedate": doc["duedate"],
        "votes": {"self": f"{here}/votes", "votes": 0, "hasVoted": False},
        "worklog": {"startAt": 0, "maxResults": 20, "total": 0, "worklogs": []},
    }
    if wanted is None or "comment" in wanted:
        shown["comment"] = comments(tracker, base, doc)
    return shown if wanted is None else {name: value for name, value in shown.items() if name in wanted}


def comments(tracker: JiraServer, base: str, doc: Doc) -> Doc:
    found = [comment(tracker, base, one) for one in tracker.comments_of.get(doc["id"], ())]
    return {"comments": found, "maxResults": len(found), "total": len(found), "startAt": 0}


def schema(field: catalogue.Field) -> Doc:
    return {"type": field.type, **({"items": field.items} if field.items else {}), "system": field.id}


def field(one: catalogue.Field) -> Doc:
    return {
        "id": one.id,
        "name": one.name,
        "custom": False,
        "orderable": one.screen,
        "navigable": one.id not in catalogue.NOT_NAVIGABLE,
        "searchable": True,
        "clauseNames": [one.id],
        "schema": schema(one),
    }


def field_meta(tracker: JiraServer, base: str, one: catalogue.Field, project_doc: Doc) -> Doc:
    allowed = {
        "issuetype": lambda: [issue_type(base, number) for number in catalogue.TYPES],
        "priority": lambda: [priority(base, number) for number in catalogue.PRIORITIES],
        "project": lambda: [project(base, project_doc)],
    }.get(one.id)
    shown = {
        "required": one.required,
        "schema": schema(one),
        "name": one.name,
        "fieldId": one.id,
        "hasDefaultValue": one.id == "priority",
        "operations": list(one.operations),
    }
    if one.shape == "user":
        shown["autoCompleteUrl"] = f"{api(base)}/user/assignable/search?project={project_doc['key']}&username="
    if allowed:
        shown["allowedValues"] = allowed()
    return shown
