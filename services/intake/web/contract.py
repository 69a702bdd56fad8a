"""Serves the door's contract as OpenAPI 3.1, with the bodies that the handlers read themselves."""

from typing import Any, Final

from litestar import Request
from litestar.openapi.plugins import JsonRenderPlugin

from services.intake.domain.cloudevents import MAX_ATTRIBUTE, SUBMITTED
from services.intake.domain.submission import SessionWish, Submission
from services.intake.web.bodies import BATCH, MAX_BATCH, STRUCTURED

_REFERENCES: Final = "#/components/schemas/{model}"
_MODELS: Final = (Submission, SessionWish)


def _reference(name: str) -> dict[str, str]:
    return {"$ref": _REFERENCES.format(model=name)}


def _event() -> dict[str, Any]:
    text = {"type": "string", "minLength": 1, "maxLength": MAX_ATTRIBUTE}
    return {
        "type": "object",
        "description": "A CloudEvent 1.0.2 in the JSON format; extensions are tolerated.",
        "required": ["specversion", "id", "source", "type"],
        "properties": {
            "specversion": {"const": "1.0"},
            "id": text,
            "source": {**text, "format": "uri-reference"},
            "type": {"const": SUBMITTED},
            "subject": text,
            "time": {"type": "string", "format": "date-time"},
            "dataschema": {**text, "format": "uri"},
            "datacontenttype": {"const": "application/json"},
            "data": _reference("Submission"),
            "data_base64": {"type": "string", "contentEncoding": "base64"},
        },
    }


def _bodies() -> dict[str, dict[str, Any]]:
    batch = {"type": "array", "items": _reference("Event"), "minItems": 1, "maxItems": MAX_BATCH}
    return {
        "/v1/requests": {
            "application/json": {"schema": _reference("Submission")},
            STRUCTURED: {"schema": _reference("Event")},
            BATCH: {"schema": batch},
        },
        "/v1/session-requests": {"application/json": {"schema": _reference("SessionWish")}},
    }


class ContractPlugin(JsonRenderPlugin):
    """The generated document, completed; JSON only, no page that loads a script."""

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        """Return the document as JSON."""
        components = openapi_schema.setdefault("components", {})
        schemas = components.setdefault("schemas", {})
        for model in _MODELS:
            schema = model.model_json_schema(ref_template=_REFERENCES)
            schemas |= schema.pop("$defs", {})
            schemas[model.__name__] = schema
        schemas["Event"] = _event()
        components["securitySchemes"] = {"source-key": {"type": "http", "scheme": "bearer"}}
        openapi_schema["security"] = [{"source-key": []}]
        for path, content in _bodies().items():
            operation = openapi_schema["paths"][path]["post"]
            operation["requestBody"] = {"required": True, "content": content}
        return super().render(request, openapi_schema)
