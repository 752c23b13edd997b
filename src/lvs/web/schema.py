"""The base of the models that describe bodies and parameters of HTTP."""

from pydantic import BaseModel, ConfigDict


class Schema(BaseModel):
    """A model whose validator is built when it is first used: there are eighty, and most starts
    need none of them.
    """

    model_config = ConfigDict(defer_build=True)
