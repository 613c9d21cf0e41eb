"""What the pages of both simulators share: the frame, forms, who is acting, the Exalate panel. Plain HTML, no script."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import quote

from trackers.sandbox.wire import Request, Response

if TYPE_CHECKING:
    from trackers.sandbox.routes import Tracker

PEOPLE = ("alice", "bob")
CSS = """
:root { color-scheme: light dark; --line: light-dark(#d0d7de, #3d444d); --soft: light-dark(#f6f8fa, #151b23);
  --ink: light-dark(#1f2328, #f0f6fc); --dim: light-dark(#59636e, #9198a1); --link: light-dark(#0969da, #4493f8);
  --go: light-dark(#1a7f37, #238636); --bad: light-dark(#b3261e, #f2867f); }
* { box-sizing: border-box; }
body { margin: 0; font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: light-dark(#fff, #0d1117); }
a { color: var(--link); } h1 { font-size: 1.5rem; margin: .5rem 0; } h2 { font-size: 1.1rem; margin: 1.5rem 0 .5rem; }
header, main { max-width: 72rem; margin: 0 auto; padding: .75rem 1rem; }
header { display: flex; flex-wrap: wrap; gap: .5rem 1.5rem; align-items: center; border-bottom: 1px solid var(--line); }
header form { margin-left: auto; display: flex; gap: .5rem; align-items: center; }
.columns { display: grid; gap: 1.5rem; grid-template-columns: minmax(0, 1fr) 20rem; }
@media (max-width: 52rem) { .columns { grid-template-columns: minmax(0, 1fr); } }
article, aside > form, aside > dl, iframe, details { border: 1px solid var(--line); border-radius: 6px; }
article { margin-bottom: 1rem; } article > header { padding: .4rem .75rem; background: var(--soft); color: var(--dim); }
article > details, article > pre { margin: .75rem; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; font: 14px/1.5 ui-monospace, monospace; margin: 0; padding: .25rem; }
details { padding: .4rem .75rem; } summary { cursor: pointer; color: var(--link); }
aside > form { padding: .75rem; margin-bottom: .75rem; } iframe { width: 100%; height: 22rem; background: var(--soft); }
label { display: block; font-weight: 600; } small, .dim { color: var(--dim); font-weight: 400; }
input, select, textarea, button { font: inherit; color: inherit; }
input, select, textarea { width: 100%; padding: .35rem .5rem; margin: .15rem 0 .5rem; border: 1px solid var(--line);
  border-radius: 6px; background: light-dark(#fff, #0d1117); }
header select { width: auto; margin: 0; } textarea { min-height: 9rem; font: 14px/1.5 ui-monospace, monospace; }
button { padding: .3rem .9rem; border: 1px solid var(--line); border-radius: 6px; background: var(--soft); cursor: pointer; }
button.go { background: var(--go); border-color: var(--go); color: #fff; } button.bad { color: var(--bad); }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .45rem .5rem; border-bottom: 1px solid var(--line); }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
.error { border: 1px solid var(--bad); border-radius: 6px; padding: .75rem; }
"""


def acting(tracker: Tracker, request: Request, form: Mapping[str, str] | None = None) -> str:
    """Who the pages act as: a form's own `as`, or what the switch last chose, or alice."""
    chosen = (form or {}).get("as") or request.cookies().get(_cookie(tracker), "")
    return chosen if chosen in PEOPLE else PEOPLE[0]


def switch(tracker: Tracker, form: Mapping[str, str]) -> Response:
    back = form.get("back", "/")
    response = Response.redirect(back if back.startswith("/") and not back.startswith("//") else "/")
    person = form.get("person", "")
    if person in PEOPLE:
        response.headers["Set-Cookie"] = f"{_cookie(tracker)}={person}; Path=/; HttpOnly; SameSite=Lax"
    return response


def frame(tracker: Tracker, request: Request, title: str, body: str, *, status: int = 200) -> Response:
    person = acting(tracker, request)
    options = "".join(option(one, one.capitalize(), one == person) for one in PEOPLE)
    return Response.html(
        status,
        f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)} – {tracker.product} sandbox</title><style>{CSS}</style></head>
<body><header><a href="/"><strong>{tracker.product} sandbox</strong></a>
<form method="post" action="/switch-user"><input type="hidden" name="back" value="{escape(request.target)}">
<label for="person">Acting as</label><select id="person" name="person">{options}</select><button>Switch</button></form></header>
<main><h1>{escape(title)}</h1>
{body}
</main></body></html>""",
    )


def problem(tracker: Tracker, request: Request, status: int, sentence: str) -> Response:
    back = '<p><a href="/">To the start page</a></p>'
    return frame(
        tracker, request, "That did not work", f'<p class="error" role="alert">{escape(sentence)}</p>{back}', status=status
    )


def form(action: str, fields: str, button: str, *, kind: str = "", label: str = "") -> str:
    name = f' aria-label="{escape(label)}"' if label else ""
    css = f' class="{kind}"' if kind else ""
    return f'<form method="post" action="{escape(action)}"{name}>{fields}<button{css}>{escape(button)}</button></form>'


def line(name: str, label: str, value: str = "", *, hint: str = "", key: str = "", required: bool = False) -> str:
    key, must = key or name, " required" if required else ""
    note = f" <small>{escape(hint)}</small>" if hint else ""
    return (
        f'<label for="{key}">{escape(label)}{note}</label>'
        f'<input id="{key}" name="{name}" value="{escape(value)}" autocomplete="off"{must}>'
    )


def area(name: str, label: str, value: str = "", *, key: str = "") -> str:
    key = key or name
    # the first line break after <textarea> is swallowed by browsers
    return f'<label for="{key}">{escape(label)}</label><textarea id="{key}" name="{name}">\n{escape(value)}</textarea>'


def choice(name: str, label: str, options: Iterable[tuple[str, str]], chosen: str) -> str:
    shown = "".join(option(value, text, value == chosen) for value, text in options)
    return f'<label for="{name}">{escape(label)}</label><select id="{name}" name="{name}">{shown}</select>'


def option(value: str, text: str, chosen: bool) -> str:
    return f'<option value="{escape(value)}"{" selected" if chosen else ""}>{escape(text)}</option>'


def table(heads: Iterable[str], rows: Iterable[Iterable[str]], empty: str) -> str:
    """Cells are HTML already."""
    head = "".join(f'<th scope="col">{escape(one)}</th>' for one in heads)
    lines = ["<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows]
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table>" if lines else f"<p>{escape(empty)}</p>"


def link(path: str, text: str) -> str:
    return f'<a href="{escape(path)}">{escape(text)}</a>'


def text_block(heading: str, text: str, edit: str = "", *, anchor: str = "") -> str:
    """A description or comment: who and when, its source, and the form to change it."""
    name = f' id="{anchor}"' if anchor else ""
    return f"<article{name}><header>{escape(heading)}</header><pre>{escape(text)}</pre>{edit}</article>"


def folded(summary: str, body: str) -> str:
    return f"<details><summary>{escape(summary)}</summary>{body}</details>"


def panel(tracker: Tracker, issue_page: str) -> str:
    """The Exalate panel, where the console's address is known."""
    if not tracker.panel:
        return ""
    return f'<iframe title="Exalate" src="{escape(tracker.panel)}/panel/?url={quote(issue_page, safe="")}"></iframe>'


def _cookie(tracker: Tracker) -> str:
    return f"sandbox_{tracker.kind}_user"
