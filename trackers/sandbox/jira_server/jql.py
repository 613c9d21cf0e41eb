"""A small JQL: AND, OR, NOT, brackets, =, !=, ~, !~, <, <=, >, >=, IN, IS EMPTY, ORDER BY, on the fields a sync needs.

What it cannot read, and names that do not exist, are 400 with Jira's sentences; `strict=False` (validateQuery off) lets
unknown values match nothing instead.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trackers.sandbox.jira_server.errors import refuse
from trackers.sandbox.jira_server.jql_fields import FIELDS, SORTS, Value
from trackers.sandbox.routes import Refusal
from trackers.sandbox.store import Doc

if TYPE_CHECKING:
    from trackers.sandbox.jira_server.tracker import JiraServer

TOKEN = re.compile(
    r"""\s*(?:"(?P<double>(?:[^"\\]|\\.)*)"|'(?P<single>(?:[^'\\]|\\.)*)'|(?P<sign>!=|!~|>=|<=|&&|\|\||[=~<>(),!])"""
    r"""|(?P<word>[^\s=~<>(),!"'|&]+))"""
)
SIGNS = {"=", "!=", "~", "!~", ">", ">=", "<", "<="}
OPPOSITE = {"!=": "=", "!~": "~"}
Test = Callable[[Doc], bool]


@dataclass(frozen=True)
class Token:
    text: str
    kind: str  # "text" (quoted), "word" or "sign"

    def says(self, *words: str) -> bool:
        return self.kind != "text" and self.text.lower() in words


@dataclass
class Query:
    test: Test
    order: list[tuple[str, bool]]  # field, descending

    def run(self, rows: list[Doc]) -> list[Doc]:
        found = [row for row in rows if self.test(row)]
        for field, descending in reversed(self.order or [("id", True)]):
            found.sort(key=SORTS[field], reverse=descending)
        return found


def parse(tracker: JiraServer, text: str, user: str, *, strict: bool = True) -> Query:
    """Refusal 400 when the text is no JQL."""
    return _Parser(tracker, _tokens(text), user, strict).query()


def _tokens(text: str) -> list[Token]:
    tokens, at = [], 0
    while text[at:].strip():
        found = TOKEN.match(text, at)
        if not found:
            raise _bad(f"The character '{text[at:].strip()[0]}' is a reserved JQL character or begins an unfinished text.")
        at = found.end()
        quoted = found["double"] if found["double"] is not None else found["single"]
        if quoted is not None:
            tokens.append(Token(re.sub(r"\\(.)", r"\1", quoted), "text"))
        else:
            tokens.append(Token(found["sign"] or found["word"], "sign" if found["sign"] else "word"))
    return tokens


class _Parser:
    def __init__(self, tracker: JiraServer, tokens: list[Token], user: str, strict: bool) -> None:
        self.tracker, self.tokens, self.user, self.strict, self.at = tracker, tokens, user, strict, 0

    def query(self) -> Query:
        test = self._either() if self.at < len(self.tokens) and not self._at("order") else _anything
        order = self._order() if self._at("order") else []
        if self.at < len(self.tokens):
            raise _bad(f"Expecting either 'OR' or 'AND' but got '{self.tokens[self.at].text}'.")
        return Query(test, order)

    def _either(self) -> Test:
        tests = [self._both()]
        while self._take("or", "||"):
            tests.append(self._both())
        return tests[0] if len(tests) == 1 else lambda issue: any(test(issue) for test in tests)

    def _both(self) -> Test:
        tests = [self._one()]
        while self._take("and", "&&"):
            tests.append(self._one())
        return tests[0] if len(tests) == 1 else lambda issue: all(test(issue) for test in tests)

    def _one(self) -> Test:
        if self._take("not", "!"):
            inner = self._one()
            return lambda issue: not inner(issue)
        if self._take("("):
            inner = self._either()
            self._must(")")
            return inner
        return self._clause()

    def _clause(self) -> Test:
        name = self._next("a field name")
        maker = FIELDS.get(name.text.lower())
        if maker is None or name.kind == "sign":
            raise _bad(f"Field '{name.text}' does not exist or you do not have permission to view it.")
        if self._take("is"):
            negated = self._take("not")
            self._must("empty", "null")
            return self._made(maker, name.text, "is", [], negated)
        negated = self._take("not")
        if negated or self._at("in"):
            self._must("in")
            return self._made(maker, name.text, "in", self._list(), negated)
        sign = self._next("an operator")
        if sign.text not in SIGNS or sign.kind != "sign":
            raise _bad(f"Expecting operator but got '{sign.text}'.")
        value = self._value()
        plain = OPPOSITE.get(sign.text, sign.text)
        if value.text.lower() in ("empty", "null") and not value.quoted:
            return self._made(maker, name.text, "is", [], sign.text == "!=")
        return self._made(maker, name.text, plain, [value], plain != sign.text)

    def _made(self, maker: Callable[..., Test], name: str, sign: str, values: list[Value], negated: bool) -> Test:
        test = maker(self.tracker, self.user, name, sign, values, self.strict)
        return (lambda issue: not test(issue)) if negated else test

    def _list(self) -> list[Value]:
        self._must("(")
        values = [self._value()]
        while self._take(","):
            values.append(self._value())
        self._must(")")
        return values

    def _value(self) -> Value:
        token = self._next("a value")
        if token.kind == "sign":
            raise _bad(f"Expecting either a value, list or function but got '{token.text}'.")
        if token.kind == "word" and self._take("("):
            self._must(")")
            return self._function(token.text)
        return Value(token.text, token.kind == "text")

    def _function(self, name: str) -> Value:
        if name.lower() == "currentuser":
            return Value(self.user, True)
        if name.lower() == "now":
            return Value("0m", True)
        raise _bad(f"Unable to find JQL function '{name}()'.")

    def _order(self) -> list[tuple[str, bool]]:
        self._must("order")
        self._must("by")
        order = []
        while True:
            field = self._next("a field name").text.lower()
            if field not in SORTS:
                raise _bad(f"Not able to sort using field '{field}'.")
            descending = self._take("desc")
            if not descending:
                self._take("asc")
            order.append((field, descending))
            if not self._take(","):
                return order

    def _at(self, *words: str) -> bool:
        return self.at < len(self.tokens) and self.tokens[self.at].says(*words)

    def _take(self, *words: str) -> bool:
        taken = self._at(*words)
        self.at += taken
        return taken

    def _must(self, *words: str) -> None:
        if not self._take(*words):
            got = self.tokens[self.at].text if self.at < len(self.tokens) else "the end of the query"
            raise _bad(f"Expecting '{words[0].upper()}' but got '{got}'.")

    def _next(self, what: str) -> Token:
        if self.at >= len(self.tokens):
            raise _bad(f"Expecting {what} before the end of the query.")
        self.at += 1
        return self.tokens[self.at - 1]


def _anything(issue: Doc) -> bool:
    return True


def _bad(sentence: str) -> Refusal:
    return refuse(400, f"Error in the JQL Query: {sentence}")
