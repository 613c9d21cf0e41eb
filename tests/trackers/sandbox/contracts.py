"""The vendors' own descriptions as validators for what the sandboxes answer, read from ../shared/contracts."""

from __future__ import annotations

import copy
import gzip
import json
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest

CONTRACTS = Path(__file__).resolve().parents[4] / "shared" / "contracts"


@cache
def described(name: str) -> dict[str, Any]:
    """A description with OpenAPI's `nullable` turned into JSON Schema; the test is skipped where it is absent."""
    path = CONTRACTS / name
    if not path.exists():
        pytest.skip(f"{path} is not there")
    return _as_json_schema(json.loads(gzip.decompress(path.read_bytes())))


def github(path: str, method: str, status: int) -> dict[str, Any] | None:
    """The schema of an answer of GitHub Enterprise Server, None when it has no body."""
    whole = described("github/openapi-ghes-3.19-issues.json.gz")
    responses = whole["paths"][path][method]["responses"]
    assert str(status) in responses, f"{method} {path} does not declare {status}, only {list(responses)}"
    return _schema(whole, responses[str(status)])


def github_event(name: str) -> dict[str, Any]:
    whole = described("github/webhooks-openapi-issues.json.gz")
    return {**whole["components"]["schemas"][name], "components": whole["components"]}


def fits(value: Any, schema: dict[str, Any] | None) -> None:
    if schema is None:
        assert value is None
        return
    errors = sorted(jsonschema.Draft202012Validator(schema).iter_errors(value), key=lambda error: list(error.path))
    assert not errors, "; ".join(f"{'/'.join(map(str, one.path))}: {one.message[:300]}" for one in errors[:5])


def _schema(whole: dict[str, Any], response: dict[str, Any]) -> dict[str, Any] | None:
    while "$ref" in response:
        section, name = response["$ref"].split("/")[-2:]
        response = whole["components"][section][name]
    content = response.get("content", {}).get("application/json")
    return {**content["schema"], "components": whole["components"]} if content else None


def _as_json_schema(node: Any) -> Any:
    if isinstance(node, list):
        return [_as_json_schema(one) for one in node]
    if not isinstance(node, dict):
        return node
    shown = {name: _as_json_schema(value) for name, value in node.items() if name not in ("example", "examples", "discriminator")}
    if shown.pop("nullable", False) is True:
        if "enum" in shown:
            shown["enum"] = [*shown["enum"], None]
        return {"anyOf": [{"type": "null"}, shown]}
    return shown


@cache
def jira_described() -> dict[str, Any]:
    """Data Center's beans, less their known defects: values of fields are of any type, and many things are null."""
    whole = copy.deepcopy(described("jira-server/software-dc-10.3.24.openapi.json.gz"))
    beans = whole["components"]["schemas"]
    beans["IssueBean"]["properties"]["fields"] = {"type": "object"}
    beans["IssueBean"]["properties"]["properties"] = {"type": "object"}
    beans["ChangeItemBean"]["properties"] = {name: {} for name in beans["ChangeItemBean"]["properties"]}
    beans["EntityPropertyBean"]["properties"]["value"] = {}
    return whole


def jira_bean(name: str, *, many: bool = False) -> dict[str, Any]:
    """The schema of a bean, or of an array of it where the description forgets the array."""
    one = {"$ref": f"#/components/schemas/{name}"}
    return {**({"type": "array", "items": one} if many else one), "components": jira_described()["components"]}
