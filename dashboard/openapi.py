"""The API's OpenAPI 3.1 document, made from the routes, their docstrings, their rules and their shapes; and its page.

The shapes also check what arrives: a body or query that does not fit is refused with one line before its view runs.
"""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

from flask import Blueprint, Flask, abort, current_app, g, render_template, request
from flask.typing import ResponseReturnValue
from pydantic import BaseModel, ValidationError
from pydantic.json_schema import models_json_schema
from werkzeug.routing import Rule

from dashboard.access import Access, allow, rule_of
from dashboard.api_answers import Problem
from dashboard.api_operations import OPERATIONS, Operation
from engage.storage.entries import LARGEST_ID

blueprint = Blueprint("openapi", __name__, url_prefix="/api/v1")

REFERENCE = "#/components/schemas/{model}"
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
ABOUT = (
    "Sign in on the pages, then send the session cookie; requests that change something also need the page's CSRF "
    "token in X-CSRFToken. Times are Unix seconds. null is no data, never a zero. A score describes what a "
    "camera could see; it is no grade."
)


@blueprint.get("/openapi.json")
@allow(Access.PUBLIC)
def document_json() -> ResponseReturnValue:
    """Return this document."""
    return document()


@blueprint.get("/")
@allow(Access.PUBLIC)
def page() -> ResponseReturnValue:
    """Show the API for people to read."""
    described = document()
    return render_template("api.html", about=described["info"]["description"], sections=_sections(described))


def check() -> None:
    """Refuse with 400 what does not fit the shape of its view; runs before the view, after the rules of access."""
    operation = OPERATIONS.get(request.endpoint or "")
    if operation is None:
        return
    if operation.body is not None:
        if not request.is_json:
            abort(400, "Send a JSON object, with the header Content-Type: application/json.")
        g.sent = _fitting(operation.body, request.get_data())
    if operation.query is not None:
        _fitting(operation.query, request.args.to_dict())


def sent(model: type[BaseModel]) -> Any:
    """Return the body of this request, as ``check`` read it."""
    assert isinstance(g.sent, model)  # noqa: S101 (by the table of operations)
    return g.sent


def _fitting(model: type[BaseModel], what: bytes | dict[str, str]) -> BaseModel:
    try:
        return model.model_validate_json(what) if isinstance(what, bytes) else model.model_validate(what)
    except ValidationError as error:
        abort(400, _one_line(error, model))


def _one_line(error: ValidationError, model: type[BaseModel]) -> str:
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    place = ".".join(str(part) for part in first["loc"])[:60]
    reason = first["msg"].replace("\n", " ")
    examples: Any = model.model_config.get("json_schema_extra") or {}
    shown = "".join(f" Send {json.dumps(example)}." for example in examples.get("examples", ()))
    if place:
        reason = f"'{place}': {reason[:1].lower()}{reason[1:]}"
    return f"{reason[:200]}.{shown}"


def document() -> dict[str, Any]:
    """Return the OpenAPI document of the application at work."""
    return _document(current_app._get_current_object())  # type: ignore[attr-defined] # of Werkzeug's proxy


@cache
def _document(app: Flask) -> dict[str, Any]:
    shapes = [(model, "validation") for model in _models("body")] + [(model, "serialization") for model in _answers()]
    _, definitions = models_json_schema(shapes, ref_template=REFERENCE)  # type: ignore[arg-type] # literals
    paths: dict[str, dict[str, Any]] = {}
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule):
        operation = OPERATIONS.get(rule.endpoint)
        if operation is None:
            continue
        for method in sorted((rule.methods or set()) & set(METHODS)):
            path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)
            paths.setdefault(path, {})[method.lower()] = _described(app, rule, operation)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Engage", "version": "1", "description": ABOUT},
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": definitions["$defs"],
            "securitySchemes": {"session": {"type": "apiKey", "in": "cookie", "name": "engage"}},
        },
        "security": [{"session": []}],
    }


def _models(kind: str) -> list[type[BaseModel]]:
    found = [getattr(operation, kind) for operation in OPERATIONS.values()]
    return list(dict.fromkeys(model for model in found if model is not None))


def _answers() -> list[type[BaseModel]]:
    return [Problem, *(model for model in _models("answer") if not isinstance(model, str))]


def _described(app: Flask, rule: Rule, operation: Operation) -> dict[str, Any]:
    view = app.view_functions[rule.endpoint]
    first, _, more = (view.__doc__ or "").replace("``", "`").partition("\n")
    access = rule_of(rule.endpoint)
    described: dict[str, Any] = {
        "operationId": rule.endpoint.replace(".", "_"),
        "summary": re.sub(r": `.*", ".", first.strip()),
        "description": " ".join(more.split()) + (f" For {access.value}." if access else ""),
        "tags": [rule.rule.split("/")[3].partition(".")[0] or "api"],
        "parameters": [*_in_path(rule), *_in_query(operation.query)],
        "responses": _responses(operation),
    }
    described["description"] = described["description"].strip()
    if access is Access.PUBLIC:
        described["security"] = []
    if operation.body is not None:
        described["requestBody"] = {"required": True, "content": _json(operation.body)}
    return described


def _in_path(rule: Rule) -> list[dict[str, Any]]:
    number = {"type": "integer", "minimum": 1, "maximum": LARGEST_ID}
    return [{"name": name, "in": "path", "required": True, "schema": number} for name in sorted(rule.arguments)]


def _in_query(model: type[BaseModel] | None) -> list[dict[str, Any]]:
    if model is None:
        return []
    schema = model.model_json_schema(ref_template=REFERENCE)
    required = schema.get("required", ())
    return [
        {"name": name, "in": "query", "required": name in required, "schema": _one_type(part)}
        for name, part in schema["properties"].items()
    ]


def _one_type(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a parameter's schema without null: it is left out then."""
    kinds = [kind for kind in schema.get("anyOf", ()) if kind.get("type") != "null"]
    return {name: part for name, part in kinds[0].items() if name != "title"} if kinds else schema


def _responses(operation: Operation) -> dict[str, Any]:
    answer = operation.answer
    content = {answer: {}} if isinstance(answer, str) else {} if answer is None else _json(answer)
    fine = {"description": "As asked."} | ({"content": content} if content else {})
    problem = {"description": "Not done, with the reason in one line.", "content": _json(Problem)}
    return {str(operation.status): fine, "4XX": problem, "503": problem}


def _json(model: type[BaseModel]) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": REFERENCE.format(model=model.__name__)}}}


def _sections(described: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Return the operations for the page by tag, each with its path, method, a body to send and what comes back."""
    sections: dict[str, list[dict[str, Any]]] = {}
    shapes = described["components"]["schemas"]
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            body = shapes.get(_shape_name(operation.get("requestBody", {})), {})
            status, answer = next(iter(operation["responses"].items()))
            entry = {
                "path": path,
                "method": method.upper(),
                "example": json.dumps(body["examples"][0]) if "examples" in body else None,
                "status": status,
                "answer": shapes.get(_shape_name(answer)),
                **operation,
            }
            sections.setdefault(operation["tags"][0], []).append(entry)
    return sections


def _shape_name(part: dict[str, Any]) -> str | None:
    schema = part.get("content", {}).get("application/json", {}).get("schema", {})
    return schema["$ref"].rpartition("/")[2] if schema else None
