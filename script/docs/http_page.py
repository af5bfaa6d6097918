"""reference/http.md: every route, from the OpenAPI document that the server hands out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from unittest.mock import MagicMock

from deployster_cli.server.app import create_app

HEAD = """\
# HTTP

<!-- Written by script/reference from the server's own /openapi.json. Change the server, not this page. -->

What holds for all of it (the login, jobs, errors, limits) is in [The server](../serve.md) and [Jobs](../jobs.md).
A field that is not named here is refused. Any request may also be answered with 401, 403 or 429 (not let in), 422
(can't be used) or 503 (no engine); those are left out below. Errors are `application/problem+json`, a
[Problem](#problem).
"""

Json = dict[str, Any]

EVERYWHERE = {"401", "403", "422", "429", "503"}

WORDS = {
    "200": "done",
    "201": "accepted, the job",
    "202": "accepted, the job",
    "204": "gone",
    "400": "the body is no JSON",
    "404": "no such service, release or job",
    "409": "another run holds the service",
    "413": "the body is too large",
    "415": "the body doesn't say that it is JSON",
    "500": "it failed",
    "502": "the engine refused",
}


def text() -> str:
    """The page. No request is answered for it, so the server's parts may be empty."""
    document = create_app(MagicMock()).openapi()
    operations = [
        (f"{method.upper()} {path}", operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    routes = [_route(title, operation) for title, operation in sorted(operations, key=_order)]
    return "\n".join([HEAD, "## Routes\n", *routes, "## Values\n", *_values(document)])


def _order(item: tuple[str, Json]) -> tuple[bool, str]:
    method, path = item[0].split()
    return not path.startswith("/v1"), f"{path} {method}"


def _route(title: str, operation: Json) -> str:
    words = operation.get("description") or f"{operation['summary']}."
    given = [_parameter(row) for row in operation.get("parameters", []) if row["in"] != "path"]
    lines = [f"### {title}\n", f"{' '.join(words.split()).replace('``', '`')}\n"]
    if body := operation.get("requestBody"):
        lines.append(f"Takes {_media(body)}.\n")
    if given:
        lines.append("\n".join(["| parameter | in | is |", "|---|---|---|", *given]) + "\n")
    answers = [_answer(status, answer) for status, answer in sorted(operation["responses"].items())]
    return "\n".join([*lines, "\n".join(row for row in answers if row) + "\n"])


def _parameter(row: Json) -> str:
    return f"| `{row['name']}` | {row['in']} | {_type(row['schema'])} |"


def _answer(status: str, answer: Json) -> str:
    if status in EVERYWHERE:
        return ""
    words = answer["description"] if status == "200" and "plan" in answer["description"] else WORDS[status]
    media = "" if status >= "400" or not answer.get("content") else f": {_media(answer)}"
    return f"- {status} {words[:1].lower()}{words[1:]}{media}"


def _media(holder: Json) -> str:
    kinds = [(kind, content.get("schema") or {}) for kind, content in holder["content"].items()]
    return " or ".join(_type(schema) if "$ref" in schema else f"`{kind}`" for kind, schema in kinds)


def _values(document: Json) -> Iterator[str]:
    for name, schema in sorted(document["components"]["schemas"].items()):
        if "properties" in schema and "Validation" not in name:
            yield _value(name, schema)


def _value(name: str, schema: Json) -> str:
    words = " ".join(schema.get("description", "").split()).replace("``", "`")
    rows = [
        f"| `{field}` | {_type(kind)} | {_default(field, kind, schema)} |"
        for field, kind in schema["properties"].items()
    ]
    return "\n".join(
        [f"### {name}\n", *([f"{words}\n"] if words else []), "| field | is | default |", "|---|---|---|", *rows, ""]
    )


def _default(field: str, kind: Json, schema: Json) -> str:
    if field in schema.get("required", []):
        return "must be given" if not schema["title"].endswith("Answer") else ""
    default = kind.get("default")
    return f"`{default}`" if default not in (None, "") else ""


def _type(schema: Json) -> str:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})" if not name.startswith(("OnFailure", "Order")) else f"`{name}`"
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_type(part) for part in schema["anyOf"]))
    if "enum" in schema:
        return " or ".join(f"`{value}`" for value in schema["enum"])
    if schema.get("type") == "array":
        return f"a list of {_type(schema.get('items', {}))}"
    return _plain(schema)


def _plain(schema: Json) -> str:
    names = {"string": "text", "integer": "whole number", "object": "table", "boolean": "true or false"}
    kind = names.get(schema.get("type", ""), schema.get("type", "anything"))
    least, most = schema.get("minimum"), schema.get("maximum")
    between = f" from {least:.0f} to {most:.0f}" if least is not None and most is not None else ""
    like = f" like `{schema['examples'][0]}`" if schema.get("examples") else ""
    return f"{kind}{between}{like}"
