"""What every Jira sandbox is configured with: types, priorities, statuses, workflow, fields, permissions."""

from __future__ import annotations

from dataclasses import dataclass

FOUNDED = 1_767_225_600_000  # 2026-01-01
TYPES = {
    "10001": ("Story", "A user story. Created by Jira Software - do not edit or delete.", 10315),
    "10002": ("Task", "A task that needs to be done.", 10318),
    "10004": ("Bug", "A problem which impairs or prevents the functions of the product.", 10303),
}
PRIORITIES = {
    "1": ("Highest", "#d04437", "This problem will block progress."),
    "2": ("High", "#f15C75", "Serious problem that could block progress."),
    "3": ("Medium", "#f79232", "Has the potential to affect progress."),
    "4": ("Low", "#707070", "Minor problem or easily worked around."),
    "5": ("Lowest", "#999999", "Trivial problem with little or no impact on progress."),
}
DEFAULT_PRIORITY = "3"
# id: name, category
STATUSES = {"10000": ("To Do", "new"), "3": ("In Progress", "indeterminate"), "10001": ("Done", "done")}
FIRST_STATUS, DONE = "10000", "10001"
CATEGORIES = {"new": (2, "blue-gray", "To Do"), "indeterminate": (4, "yellow", "In Progress"), "done": (3, "green", "Done")}
# id: name, target status; all of them global, as in the simplified workflow
TRANSITIONS = {"11": ("To Do", "10000"), "21": ("In Progress", "3"), "31": ("Done", "10001")}
RESOLUTION = {"id": "10000", "name": "Done", "description": "Work has been completed on this issue."}
MAX_SUMMARY, MAX_TEXT, MAX_LABEL, MAX_PROPERTY = 255, 32_767, 255, 32_768


@dataclass(frozen=True)
class Field:
    id: str
    name: str
    type: str
    items: str = ""
    operations: tuple[str, ...] = ("set",)
    required: bool = False
    screen: bool = True  # on the create and edit screens
    shape: str = ""  # "user", "option", "text", "date", "list": what a value looks like


FIELDS = {
    one.id: one
    for one in (
        Field("summary", "Summary", "string", required=True, shape="text"),
        Field("issuetype", "Issue Type", "issuetype", required=True, shape="option", operations=()),
        Field("project", "Project", "project", required=True, shape="option"),
        Field("reporter", "Reporter", "user", shape="user"),
        Field("assignee", "Assignee", "user", shape="user"),
        Field("priority", "Priority", "priority", shape="option"),
        Field("labels", "Labels", "array", "string", ("add", "set", "remove"), shape="list"),
        Field("description", "Description", "string", shape="text"),
        Field("environment", "Environment", "string", shape="text"),
        Field("duedate", "Due Date", "date", shape="date"),
        Field("status", "Status", "status", screen=False),
        Field("resolution", "Resolution", "resolution", screen=False),
        Field("resolutiondate", "Resolved", "datetime", screen=False),
        Field("created", "Created", "datetime", screen=False),
        Field("updated", "Updated", "datetime", screen=False),
        Field("creator", "Creator", "user", screen=False),
        Field("comment", "Comment", "comments-page", operations=("add", "edit", "remove"), screen=False),
        Field("attachment", "Attachment", "array", "attachment", (), screen=False),
        Field("issuelinks", "Linked Issues", "array", "issuelinks", (), screen=False),
        Field("worklog", "Log Work", "array", "worklog", (), screen=False),
        Field("components", "Component/s", "array", "component", (), screen=False),
        Field("fixVersions", "Fix Version/s", "array", "version", (), screen=False),
        Field("versions", "Affects Version/s", "array", "version", (), screen=False),
        Field("subtasks", "Sub-Tasks", "array", "issuelinks", (), screen=False),
        Field("votes", "Votes", "votes", operations=(), screen=False),
        Field("watches", "Watchers", "watches", operations=(), screen=False),
        Field("timetracking", "Time Tracking", "timetracking", operations=(), screen=False),
        Field("workratio", "Work Ratio", "number", operations=(), screen=False),
        Field("progress", "Progress", "progress", operations=(), screen=False),
        Field("timespent", "Time Spent", "number", operations=(), screen=False),
    )
}
# shown, but not settable and not named
UNNAMED = frozenset(
    (
        "timeoriginalestimate",
        "timeestimate",
        "aggregatetimespent",
        "aggregatetimeestimate",
        "aggregatetimeoriginalestimate",
        "aggregateprogress",
        "lastViewed",
    )
)
NOT_NAVIGABLE = frozenset(("comment", "attachment", "worklog", "timetracking"))
CREATE_FIELDS = tuple(one.id for one in FIELDS.values() if one.screen)

# key: name; GLOBAL ones first
GLOBAL_PERMISSIONS = {
    "ADMINISTER": "Jira Administrators",
    "SYSTEM_ADMIN": "Jira System Administrators",
    "USER_PICKER": "Browse Users",
    "CREATE_SHARED_OBJECTS": "Create Shared Objects",
    "BULK_CHANGE": "Bulk Change",
}
PROJECT_PERMISSIONS = {
    "ADMINISTER_PROJECTS": "Administer Projects",
    "BROWSE_PROJECTS": "Browse Projects",
    "CREATE_ISSUES": "Create Issues",
    "EDIT_ISSUES": "Edit Issues",
    "DELETE_ISSUES": "Delete Issues",
    "TRANSITION_ISSUES": "Transition Issues",
    "RESOLVE_ISSUES": "Resolve Issues",
    "CLOSE_ISSUES": "Close Issues",
    "ASSIGN_ISSUES": "Assign Issues",
    "ASSIGNABLE_USER": "Assignable User",
    "SCHEDULE_ISSUES": "Schedule Issues",
    "MOVE_ISSUES": "Move Issues",
    "LINK_ISSUES": "Link Issues",
    "MODIFY_REPORTER": "Modify Reporter",
    "SET_ISSUE_SECURITY": "Set Issue Security",
    "ADD_COMMENTS": "Add Comments",
    "EDIT_OWN_COMMENTS": "Edit Own Comments",
    "EDIT_ALL_COMMENTS": "Edit All Comments",
    "DELETE_OWN_COMMENTS": "Delete Own Comments",
    "DELETE_ALL_COMMENTS": "Delete All Comments",
    "CREATE_ATTACHMENTS": "Create Attachments",
    "DELETE_OWN_ATTACHMENTS": "Delete Own Attachments",
    "DELETE_ALL_ATTACHMENTS": "Delete All Attachments",
    "WORK_ON_ISSUES": "Work On Issues",
    "EDIT_OWN_WORKLOGS": "Edit Own Worklogs",
    "EDIT_ALL_WORKLOGS": "Edit All Worklogs",
    "DELETE_OWN_WORKLOGS": "Delete Own Worklogs",
    "DELETE_ALL_WORKLOGS": "Delete All Worklogs",
    "MANAGE_WATCHERS": "Manage Watchers",
    "VIEW_VOTERS_AND_WATCHERS": "View Voters and Watchers",
    "VIEW_DEV_TOOLS": "View Development Tools",
}
ADMIN_ONLY = frozenset(("ADMINISTER", "SYSTEM_ADMIN", "ADMINISTER_PROJECTS")) | {
    key for key in PROJECT_PERMISSIONS if key.startswith(("EDIT_ALL_", "DELETE_ALL_"))
}
# the old key beside the new one, as real answers still carry it
DEPRECATED_PERMISSIONS = {
    "BROWSE": "BROWSE_PROJECTS",
    "CREATE_ISSUE": "CREATE_ISSUES",
    "EDIT_ISSUE": "EDIT_ISSUES",
    "DELETE_ISSUE": "DELETE_ISSUES",
    "COMMENT_ISSUE": "ADD_COMMENTS",
    "LINK_ISSUE": "LINK_ISSUES",
    "ASSIGN_ISSUE": "ASSIGN_ISSUES",
}
