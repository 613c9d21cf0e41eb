"""The permissions that Test connection shows one by one, in the words of the set-up guide. PURE."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from trackers.connector import Permission


@dataclass(frozen=True)
class Line:
    name: str
    keys: tuple[str, ...]  # one of these is enough
    jira: str  # what the permission scheme page calls it
    need: str = "always"


LINES = (
    Line("Browse project", ("BROWSE_PROJECTS",), "Browse Projects"),
    Line("Create issue", ("CREATE_ISSUES",), "Create Issues"),
    Line("Edit issue", ("EDIT_ISSUES",), "Edit Issues"),
    Line("Assign issue", ("ASSIGN_ISSUES",), "Assign Issues"),
    Line("Transition issue", ("TRANSITION_ISSUES",), "Transition Issues"),
    Line("Link issue", ("LINK_ISSUES",), "Link Issues", "links"),
    Line("Comments: add", ("ADD_COMMENTS",), "Add Comments", "comments"),
    Line("Comments: edit", ("EDIT_OWN_COMMENTS", "EDIT_ALL_COMMENTS"), "Edit Own Comments", "comments"),
    Line("Comments: delete", ("DELETE_OWN_COMMENTS", "DELETE_ALL_COMMENTS"), "Delete Own Comments", "comments"),
    Line("Attachments: add", ("CREATE_ATTACHMENTS",), "Create Attachments", "attachments"),
    Line("Attachments: delete", ("DELETE_OWN_ATTACHMENTS", "DELETE_ALL_ATTACHMENTS"), "Delete Own Attachments", "attachments"),
    Line("Work logs: add", ("WORK_ON_ISSUES",), "Work On Issues", "worklogs"),
    Line("Work logs: edit", ("EDIT_OWN_WORKLOGS", "EDIT_ALL_WORKLOGS"), "Edit Own Worklogs", "worklogs"),
    Line("Work logs: delete", ("DELETE_OWN_WORKLOGS", "DELETE_ALL_WORKLOGS"), "Delete Own Worklogs", "worklogs"),
    Line("Security level", ("SET_ISSUE_SECURITY",), "Set Issue Security", "security"),
    Line("Service-desk agent", ("SERVICEDESK_AGENT",), "Service Project Agent", "service_desk"),
    Line("Register webhooks", ("ADMINISTER",), "Jira Administrators", "webhooks"),
)


def line_of(line: Line, granted: Mapping[str, Any], project: str, is_admin: bool) -> Permission:
    """`granted`: the permissions of mypermissions. One that Jira does not list could not be told."""
    told = [granted[key] for key in line.keys if key in granted]
    if line.need == "webhooks" and not is_admin:
        fix = "Nothing to do: changes are then found by polling. Only a Jira administrator can register webhooks."
        return Permission(line.name, False, line.need, fix)
    if not told:
        return Permission(line.name, None, line.need)
    if any(entry.get("havePermission") for entry in told):
        return Permission(line.name, True, line.need)
    where = f"the permission scheme of {project}" if project else "the permission schemes of its projects"
    return Permission(line.name, False, line.need, f'Grant "{line.jira}" to the proxy user in {where}.')
