"""What a fresh GitHub sandbox holds: one organization, two repositories, three users, two issues each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trackers.sandbox.github import actions
from trackers.sandbox.store import Store

if TYPE_CHECKING:
    from trackers.sandbox.github.tracker import GitHub

FOUNDED = 1_767_225_600_000  # 2026-01-01
LABELS = {
    "bug": ("d73a4a", "Something isn't working"),
    "documentation": ("0075ca", "Improvements or additions to documentation"),
    "enhancement": ("a2eeef", "New feature or request"),
    "help wanted": ("008672", "Extra attention is needed"),
    "question": ("d876e3", "Further information is requested"),
}
CHECKOUT = """\
## What happens

Paying with a saved card **fails** when the basket holds a gift card 🎁 – the page stays on *Please wait…* for ever.

## Steps

1. Put a gift card and any other article into the basket
2. Choose a saved card
3. Press `Pay now`

- [x] Firefox 145
- [ ] Safari

| basket | saved card | new card |
|---|---|---|
| article | ok | ok |
| article + gift card | **hangs** | ok |

```python
def total(basket):
    return sum(line.price for line in basket)  # gift cards have no price
```

> Seen by three customers since Monday, see the [status page](https://status.example.com/).
"""


def users_and_repos(store: Store) -> None:
    store.put("owners", "acme", {"login": "acme", "id": 800_001, "type": "Organization", "name": "Acme"})
    everything = {"acme/demo": "admin", "acme/website": "admin"}
    _user(store, "proxy", 1001, "Sync Proxy", everything)
    _user(store, "alice", 1002, "Alice Ek", everything)
    # bob may only look at the website: his labels and assignees are dropped there without a word
    _user(store, "bob", 1003, "Bob Lindt", {"acme/demo": "write", "acme/website": "read"})
    _repo(store, 900_001, "demo", "Shop and payments")
    _repo(store, 900_002, "website", "The public web site")


def issues(tracker: GitHub) -> None:
    demo, website = tracker.repos[900_001], tracker.repos[900_002]
    first = actions.create_issue(
        tracker,
        "alice",
        demo,
        {"title": "Checkout hangs with a gift card in the basket", "body": CHECKOUT, "labels": ["bug"], "assignees": ["bob"]},
    )
    actions.comment(tracker, "bob", first, "I can reproduce it.\n\nThe total is `NaN`, so the *Pay* call never starts.")
    actions.create_issue(
        tracker,
        "bob",
        demo,
        {
            "title": "Receipts should name the tax rate",
            "body": "Accounting asks for **19 %** and **7 %** apart.",
            "labels": ["enhancement"],
        },
    )
    actions.create_issue(
        tracker,
        "alice",
        website,
        {
            "title": "Broken link in the imprint",
            "body": "The link to the *privacy notice* answers 404.",
            "labels": ["documentation"],
        },
    )


def _user(store: Store, login: str, number: int, name: str, access: dict[str, str]) -> None:
    email = f"{login}@example.com"
    doc = {"login": login, "id": number, "name": name, "email": email, "created": FOUNDED, "access": access, "active": True}
    store.put("users", login, doc)


def _repo(store: Store, number: int, name: str, description: str) -> None:
    store.put(
        "repos",
        number,
        {
            "id": number,
            "name": name,
            "full_name": f"acme/{name}",
            "description": description,
            "has_issues": True,
            "archived": False,
            "created": FOUNDED,
        },
    )
    for label, (color, text) in LABELS.items():
        label_id = store.next("label", 5_000_000_001)
        doc = {"id": label_id, "repo": number, "name": label, "color": color, "default": True, "description": text}
        store.put("labels", label_id, doc)
