"""The envelope that every event shares: CloudEvents 1.0, structured mode, JSON format."""

from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

CONTENT_TYPE = "application/cloudevents+json"

Ascii = Annotated[str, Field(pattern=r"^[\x21-\x7e]+$", max_length=256)]
TraceParent = Annotated[str, Field(pattern=r"^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$")]


class Payload(BaseModel):
    """What an event says; readers ignore fields they do not know, values never change."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class CloudEvent(Payload):
    """
    A fact that has happened (CloudEvents 1.0.2, section 3).

    Subclasses fix ``type`` by a literal and ``data`` by a payload. ``subject`` is the id of the
    aggregate and the Kafka key; ``traceparent`` is the distributed-tracing extension.
    """

    specversion: Literal["1.0"] = "1.0"
    id: Ascii
    source: Ascii
    type: str
    subject: Ascii
    time: AwareDatetime
    datacontenttype: Literal["application/json"] = "application/json"
    traceparent: TraceParent | None = None

    def to_json(self) -> bytes:
        """Return the event in the JSON event format (CloudEvents JSON format, section 3)."""
        return self.model_dump_json(exclude_none=True).encode()
