"""Hypothesis strategies for document trees and for text that looks like markup."""

from __future__ import annotations

import re

from hypothesis import strategies as st

from trackers.text import tree
from trackers.text.tree import Node

_SAMPLE = (
    "a b word Über 日本語 שלום 👩‍👩‍👧 x1 5 1. 2) - * + # ## > ` `` ``` ~ ~~ _ __ *x* _y_ snake_case [ ] [x] [a](b) ![i](j) "
    "<b> </b> <script> <br> <!-- --> & &amp; &#35; | || --- === \\ \\\\ \\* {code} {quote} {{ }} {html} {*} h1. bq. ---- "
    "[~bob] [^file.txt] !pic.png! (x) (/) ^up^ +in+ -del- @bob @ # #12 GH-12 acme/demo#1 fixes closes a@b.c https://x.y "
    "www.x.y http: :) $x$ : ; ! ? , . ( ) ' \" ☐ ☑ \u200b \u00a0 \u2003 \u202e \ufeff = {color:red} PAY-12 /"

)
WORDS = re.split(" ", _SAMPLE)

plain_words = st.sampled_from(WORDS) | st.text(
    alphabet=st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from("*_~`[]()<>#!|-+{}\\&@:.^=\"'"),
    min_size=1,
    max_size=6,
)


@st.composite
def texts(draw: st.DrawFn) -> str:
    """A few words, glued or parted, which may look like anything."""
    parts = draw(st.lists(plain_words, min_size=1, max_size=5))
    return "".join(part + draw(st.sampled_from(["", " ", " ", "  "])) for part in parts)


SIMPLE_MARKS = [tree.mark("strong"), tree.mark("em"), tree.mark("strike")]
EXTRA_MARKS = [tree.mark("underline"), tree.subsup("sub"), tree.subsup("sup")]
HREFS = [
    "https://x.y",
    "https://x.y/a_b_c?d=e&f=(g)",
    "http://a.b/c#d",
    "mailto:a@b.c",
    "https://ü.de/*x*~y&copy;",
    "http://h/a)b(c",
]
link_marks = st.builds(tree.link, st.sampled_from(HREFS), st.just("") | st.sampled_from(['a "title"', "t*_\\|]&amp;"]))


@st.composite
def marked(draw: st.DrawFn, extra: bool = True) -> Node:
    marks = draw(st.lists(st.sampled_from(SIMPLE_MARKS + (EXTRA_MARKS if extra else [])), max_size=3))
    if draw(st.integers(0, 4)) == 0:
        marks.append(draw(link_marks))
    if draw(st.integers(0, 6)) == 0:
        marks.append(tree.mark("code"))
    return tree.text(draw(texts()), *marks)


def inlines(special: st.SearchStrategy[Node]) -> st.SearchStrategy[list[Node]]:
    plain = st.builds(tree.text, texts())
    piece = st.one_of(plain, plain, marked(), marked(), st.builds(tree.hard_break), special)
    return st.lists(piece, min_size=1, max_size=5)


images = st.builds(
    tree.image,
    st.sampled_from(["https://x.y/z.png", "pic.png"]),
    st.just("") | st.sampled_from(["alt", 'a *b* ] "c" &amp; | , !']),
)
LANGUAGES = ["", "", "python", "c++", "objective-c"]
code_texts = st.lists(
    st.sampled_from(
        ["x = 1", "", "  indented", "\ttab", "```", "~~~", "{code}", "{noformat}", "# no", "| a |", "@bob #12", "* a"]
    ),
    min_size=1,
    max_size=4,
)
code_blocks = st.builds(
    lambda lines, language: tree.code_block("\n".join([*lines, "end"]), language), code_texts, st.sampled_from(LANGUAGES)
)
