"""Marks personal data in the contract, so that logs, exports and erasure can know it."""

from collections.abc import Iterator
from typing import Annotated

from pydantic import BaseModel, Field

PERSONAL_MARK = "x-personal-data"

PersonalText = Annotated[str, Field(json_schema_extra={PERSONAL_MARK: True})]


def personal_fields(*models: type[BaseModel]) -> frozenset[str]:
    """Return the names of all fields marked as personal in the models and what they hold."""
    return frozenset(name for model in models for name in _marked(model.model_json_schema()))


def _marked(node: object) -> Iterator[str]:
    if isinstance(node, list):
        for item in node:
            yield from _marked(item)
    if not isinstance(node, dict):
        return
    for name, schema in node.get("properties", {}).items():
        choices = (schema, schema.get("items", {}), *schema.get("anyOf", ()))
        if any(choice.get(PERSONAL_MARK) for choice in choices):
            yield name
    for value in node.values():
        yield from _marked(value)
