"""The OpenAPI 3.1 document at /api/openapi.json, made by quart-schema from what the handlers say of
themselves.

A handler is in it when it says what it answers: with `answers` below, or quart-schema's own
decorators.
"""

import json
import re
from collections.abc import Callable, Iterable
from copy import deepcopy
from typing import Any, TypeVar

from pydantic import BaseModel
from quart import Quart, Response, current_app
from quart_schema import (
    Info,
    OpenAPIProvider,
    QuartSchema,
    document_querystring,
    document_request,
    document_response,
)
from quart_schema.validation import QUART_SCHEMA_RESPONSE_ATTRIBUTE
from werkzeug.routing import Rule

import lvs
from lvs.routes.api.schemas import Problem

DESCRIPTION = """The JSON calls of this LVS (Local Video Server).

A video is named by its `media_hash`, or by the name the original Local Video Server gave it: the first 16 hexadecimal digits of
the SHA-256 of the file's name. Times are ISO 8601 in UTC. Every error is `application/problem+json` (RFC 9457) with a sentence
for people in `detail`. Cross-origin use is open to pages from the home network only."""
PROBLEMS = {
    400: "What was sent cannot be used.",
    404: "There is no such video.",
    415: "The body was not sent as application/json.",
    429: "Faster than a person; Retry-After says in how many seconds to come back.",
}

_PARAMETER = re.compile(r"<(?:[^:<>]*:)?([^<>]+)>")

Handler = TypeVar("Handler", bound=Callable[..., Any])
Model = type[BaseModel]


def answers(
    *models: Model | tuple[int, Model],
    body: Model | None = None,
    query: Model | None = None,
    problems: Iterable[int] = (404,),
    problem: Model = Problem,
) -> Callable[[Handler], Handler]:
    """Mark a handler with what it answers (with 200 unless said), what it takes, and which problems
    it may have.
    """

    def mark(handler: Handler) -> Handler:
        for model in models:
            status, shape = model if isinstance(model, tuple) else (200, model)
            handler = document_response(shape, status)(handler)
        for status in problems:
            handler = document_response(problem, status)(handler)
        if body is not None:
            handler = document_request(body)(handler)
        if query is not None:
            handler = document_querystring(query)(handler)
        return handler

    return mark


class Document(OpenAPIProvider):
    """quart-schema's document, with only the handlers that say what they answer, and problems as
    what they are.
    """

    def generate_rules(self) -> Iterable[Rule]:
        for rule in super().generate_rules():
            if hasattr(self._app.view_functions[rule.endpoint], QUART_SCHEMA_RESPONSE_ATTRIBUTE):
                yield rule

    def build_paths(self, rule: Rule) -> tuple[dict[str, Any], dict[str, Any]]:
        paths, components = super().build_paths(rule)
        path = _PARAMETER.sub(
            r"{\1}", rule.rule
        )  # quart-schema takes two parameters in one address for one
        (operations,) = paths.values()
        for method, operation in operations.items():
            operation["operationId"] = re.sub(r"\W+", "_", f"{method}{path}").strip("_")
            if "requestBody" in operation:
                operation["requestBody"]["required"] = True
            if method != "get":  # every change is counted (writes_limit)
                operation["responses"].setdefault(429, _any_problem(operation["responses"]))
            for status, response in operation["responses"].items():
                _tell_problem(int(status), response)
        return {path: operations}, components

    def build_querystring_parameters(
        self, model: Any
    ) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        parameters, components = super().build_querystring_parameters(model)
        for parameter in parameters:
            # What may be left out is null inside; in an address there is no null.
            schema = parameter["schema"]
            given = [choice for choice in schema.pop("anyOf", ()) if choice != {"type": "null"}]
            if given:
                parameter["schema"] = given[0]
        return parameters, components


def install(app: Quart) -> None:
    """Serve the document. quart-schema's pages for reading it load scripts from elsewhere, so there
    are none.
    """
    make_response = app.make_response
    QuartSchema(
        app,
        openapi_path=None,
        redoc_ui_path=None,
        scalar_ui_path=None,
        swagger_ui_path=None,
        info=Info(title="LVS", version=lvs.__version__, description=DESCRIPTION),
        conversion_preference="pydantic",
        openapi_provider_class=Document,
    )
    app.make_response = make_response  # type: ignore[method-assign]  # no handler leaves it to quart-schema to turn a model into JSON


async def document() -> Response:
    """The document as JSON."""
    schema = current_app.extensions["QUART_SCHEMA"].openapi_provider.schema()
    return Response(json.dumps(schema), content_type="application/json")


def _any_problem(responses: dict[Any, dict[str, Any]]) -> dict[str, Any]:
    """A response like those for the problems that the operation names itself."""
    return deepcopy(
        next(response for status, response in responses.items() if int(status) in PROBLEMS)
    )


def _tell_problem(status: int, response: dict[str, Any]) -> None:
    if status in PROBLEMS and "application/json" in response["content"]:
        response["description"] = PROBLEMS[status]
        response["content"] = {"application/problem+json": response["content"]["application/json"]}
    if status == 429:
        response["headers"] = {
            "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}}
        }
