"""Strict parsing of JSON bodies."""

import json
from typing import NoReturn, TypeVar

from pydantic import BaseModel, ValidationError
from quart import request
from werkzeug.exceptions import UnsupportedMediaType

from lvs.errors import Invalid

Body = TypeVar("Body", bound=BaseModel)


async def json_body(model: type[Body], message: str) -> Body:
    """The request's body as `model`.

    Raises Invalid with `message` if it does not fit, 415 if it was not sent as JSON.
    """
    if request.mimetype != "application/json" and not request.mimetype.endswith("+json"):
        raise UnsupportedMediaType
    content = await request.get_data(cache=False, as_text=False)
    try:
        value = json.loads(content, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise Invalid(f"The body is not valid JSON. {message}") from None
    try:
        return model.model_validate(value)
    except ValidationError:
        raise Invalid(message) from None


def _refuse(constant: str) -> NoReturn:
    """NaN and Infinity are Python's JSON, not RFC 8259's."""
    raise ValueError(constant)
