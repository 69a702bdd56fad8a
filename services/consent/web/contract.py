"""The bodies that the API reads by itself, as its OpenAPI document shows them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from litestar.openapi.spec import (
    Components,
    OpenAPIFormat,
    OpenAPIMediaType,
    OpenAPIType,
    Operation,
    RequestBody,
    Schema,
    SecurityScheme,
)
from pydantic import BaseModel

BEARER: Final = "assistant-token"
COMPONENTS: Final = Components(
    security_schemes={BEARER: SecurityScheme(type="http", scheme="bearer", bearer_format="JWT")}
)
_PLAIN: Final = ("type", "format", "pattern", "title", "description", "enum", "required")
_RENAMED: Final = {"minLength": "min_length", "maxLength": "max_length"}


def reading(model: type[BaseModel]) -> type[Operation]:
    """Return an operation whose body is ``model`` in JSON."""
    document = model.model_json_schema()
    schema = _schema(document, document.get("$defs", {}))

    @dataclass
    class Reading(Operation):
        """An operation with a body."""

        def __post_init__(self) -> None:
            content = {"application/json": OpenAPIMediaType(schema=schema)}
            self.request_body = RequestBody(content=content, required=True)

    return Reading


@dataclass
class HandingIn(Operation):
    """An operation whose body is a picture."""

    def __post_init__(self) -> None:
        schema = Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.BINARY)
        picture = OpenAPIMediaType(schema=schema)
        kinds = ("image/png", "image/jpeg", "image/webp")
        self.request_body = RequestBody(content=dict.fromkeys(kinds, picture), required=True)


def _schema(node: Mapping[str, Any], named: Mapping[str, Any]) -> Schema:
    if reference := node.get("$ref"):
        return _schema(named[reference.rsplit("/", 1)[-1]], named)
    fields = {name: node[name] for name in _PLAIN if name in node}
    fields |= {ours: node[theirs] for theirs, ours in _RENAMED.items() if theirs in node}
    if properties := node.get("properties"):
        fields["properties"] = {name: _schema(one, named) for name, one in properties.items()}
        fields["additional_properties"] = bool(node.get("additionalProperties", True))
    if options := node.get("anyOf"):
        fields["any_of"] = [_schema(one, named) for one in options]
    return Schema(**fields)
