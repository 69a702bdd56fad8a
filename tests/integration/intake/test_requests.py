"""Requests by HTTP: each accepted one is on Kafka once, whatever the form it came in."""

import base64
import json
import uuid
from typing import Any

from cloudevents.core.bindings.http import to_binary_event, to_structured_event
from cloudevents.core.v1.event import CloudEvent
from jsonschema import validate

from schemas.requests import request_id, tracking_number
from tests.integration.intake.doors import Doors

PERSONAL = "Odilon-Canari"


def _content(own_id: str, **more: Any) -> dict[str, Any]:
    return {
        "id": own_id,
        "subject": "Parapheur bloqué",
        "body": "Bonjour,\r\nmon mdp c'est Azur2029* et rien ne s'ouvre.",
        "service": "parapheur",
        "profile": "agent",
        "organisation": "Mairie de Grandvaux",
        "contact": {
            "name": PERSONAL,
            "email": "o.canari@Grandvaux.example",
            "phone": "03 53 01 00 00",
        },
        "consultation": {"reference": "26-014"},
        "occurred_at": "2026-11-23T10:00:00+01:00",
        **more,
    }


def _id() -> str:
    return f"R-{uuid.uuid4().hex[:8]}"


def _of(doors: Doors, source_id: str, kind: str = "form") -> list[Any]:
    return [d for d in doors.published(doors.source(kind)) if d.source_id == source_id]


def test_an_accepted_request_is_on_kafka_with_its_secrets_masked(doors: Doors) -> None:
    own = _id()
    with doors.client() as client:
        answer = client.post("/v1/requests", json=_content(own))

    expected = request_id(doors.source("form"), own)
    assert answer.status_code == 202
    assert answer.json() == {
        "request_id": str(expected),
        "tracking": tracking_number(expected),
        "status_url": f"{doors.url}/v1/requests/{expected}",
        "status": "accepted",
    }
    assert answer.headers["location"] == answer.json()["status_url"]
    [data] = _of(doors, own)
    assert data.body == "Bonjour,\nmon mdp c'est [masqué] et rien ne s'ouvre."
    assert (data.masked, data.channel) == (1, "form")
    assert data.contact.email == "o.canari@grandvaux.example"
    assert data.consultation
    assert data.consultation.reference == "26-014"


def test_the_same_request_again_has_the_same_answer_and_is_on_kafka_once(doors: Doors) -> None:
    own = _id()
    with doors.client() as client:
        first = client.post("/v1/requests", json=_content(own))
        later = _content(own, occurred_at="2026-11-23T11:11:11Z")
        again = client.post("/v1/requests", json=later, headers={"Idempotency-Key": own})

    assert (first.status_code, first.json()) == (again.status_code, again.json())
    assert len(_of(doors, own)) == 1


def test_an_id_used_again_for_other_content_is_refused_without_effect(doors: Doors) -> None:
    own = _id()
    with doors.client() as client:
        client.post("/v1/requests", json=_content(own))
        other = client.post("/v1/requests", json=_content(own, body="Tout autre chose"))

    assert other.status_code == 422
    assert other.headers["content-type"] == "application/problem+json"
    assert other.json()["type"] == "urn:aiguillage:problem:idempotency-conflict"
    assert len(_of(doors, own)) == 1


def test_the_idempotency_key_can_stand_for_the_id(doors: Doors) -> None:
    own = _id()
    content = _content(own)
    del content["id"]
    with doors.client() as client:
        answer = client.post("/v1/requests", json=content, headers={"Idempotency-Key": f'"{own}"'})

    assert answer.json()["request_id"] == str(request_id(doors.source("form"), own))


def test_a_source_sees_its_own_requests_and_no_other(doors: Doors) -> None:
    own = _id()
    with doors.client() as client, doors.client("bad") as stranger:
        accepted = client.post("/v1/requests", json=_content(own)).json()
        path = f"/v1/requests/{accepted['request_id']}"

        assert client.get(path).json() == accepted
        assert stranger.get(path).status_code == 404
        assert client.get("/v1/requests/no-uuid").status_code == 404
        assert client.get(f"/v1/requests/{uuid.uuid4()}").status_code == 404


def _made(own: str, source: str, **attributes: Any) -> CloudEvent:
    """Return an event as another implementation makes it."""
    data = _content(own)
    del data["id"]
    given = {
        "id": own,
        "source": source,
        "type": "assistance.request.submitted.v1",
        "specversion": "1.0",
        "datacontenttype": "application/json",
        **attributes,
    }
    return CloudEvent(attributes=given, data=data)


def _event(own: str, source: str) -> dict[str, Any]:
    event: dict[str, Any] = json.loads(to_structured_event(_made(own, source)).body)
    return event


def test_a_structured_event_is_accepted_under_its_source_and_id(doors: Doors) -> None:
    own = _id()
    made = _made(
        own,
        "https://forms.example/a",
        dataschema="https://forms.example/schema",
        subject="Été",
        colour="blue",
        attempt=3,
        sampled=True,
        traceparent=f"00-{'a' * 32}-{'b' * 16}-01",
    )
    message = to_structured_event(made)
    with doors.client() as client:
        answer = client.post("/v1/requests", content=message.body, headers=message.headers)

    assert answer.status_code == 202, answer.text
    assert len(_of(doors, f"https://forms.example/a#{own}")) == 1
    assert f'"trace_id": "{"a" * 32}"' in doors.log


def test_a_binary_event_is_accepted_with_its_headers_decoded(doors: Doors) -> None:
    own = _id()
    message = to_binary_event(_made(own, "/forms/été", subject="Euro € 100 %"))
    with doors.client() as client:
        answer = client.post("/v1/requests", content=message.body, headers=message.headers)

    assert answer.status_code == 202, answer.text
    assert len(_of(doors, f"/forms/été#{own}")) == 1


def test_an_event_may_carry_its_data_in_base64(doors: Doors) -> None:
    own = _id()
    event = _event(own, "/packed")
    event["data_base64"] = base64.b64encode(json.dumps(event.pop("data")).encode()).decode()
    with doors.client() as client:
        answer = client.post(
            "/v1/requests",
            content=json.dumps(event),
            headers={"Content-Type": "application/cloudevents+json"},
        )

    assert answer.status_code == 202, answer.text


def _post_batch(doors: Doors, events: list[Any]) -> Any:
    with doors.client() as client:
        return client.post(
            "/v1/requests",
            content=json.dumps(events),
            headers={"Content-Type": "application/cloudevents-batch+json"},
        )


def test_a_batch_is_answered_item_by_item(doors: Doors) -> None:
    events = [_event(_id(), "/batch") for _ in range(3)]
    answer = _post_batch(doors, events)

    ids = [request_id(doors.source("form"), f"/batch#{event['id']}") for event in events]
    assert answer.status_code == 202
    assert [item["request_id"] for item in answer.json()["items"]] == [str(one) for one in ids]
    assert _post_batch(doors, events).json() == answer.json()
    assert all(len(_of(doors, f"/batch#{event['id']}")) == 1 for event in events)


def test_a_batch_with_one_wrong_item_has_no_effect_and_names_it(doors: Doors) -> None:
    good, wrong, conflicting = (_event(_id(), "/batch2") for _ in range(3))
    wrong["data"]["subject"] = ""
    refused = _post_batch(doors, [good, wrong])
    assert refused.status_code == 422
    assert [flaw["pointer"] for flaw in refused.json()["errors"]] == ["/1/data/subject"]

    other = {**conflicting, "data": {**conflicting["data"], "body": "autre"}}
    refused = _post_batch(doors, [good, conflicting, other])
    assert refused.status_code == 422
    assert [flaw["pointer"] for flaw in refused.json()["errors"]] == ["/2/id"]
    assert not _of(doors, f"/batch2#{good['id']}")
    assert _post_batch(doors, [good]).status_code == 202


def test_a_wish_is_taken_from_who_may_vouch_only(doors: Doors) -> None:
    wish = {
        "id": _id(),
        "request_id": str(uuid.uuid4()),
        "contact": {"name": PERSONAL, "email": "o.canari@grandvaux.example"},
    }
    with doors.client("vouch") as portal, doors.client("form") as form:
        first = portal.post("/v1/session-requests", json=wish)
        again = portal.post("/v1/session-requests", json=wish)
        other = portal.post("/v1/session-requests", json={**wish, "organisation": "Autre"})
        by_phone = {**wish, "id": _id(), "contact": {"name": "X", "phone": "03 53 01 00 00"}}
        without = portal.post("/v1/session-requests", json=by_phone)

        assert (first.status_code, first.json()["status"]) == (202, "accepted")
        assert again.json() == first.json()
        assert other.status_code == without.status_code == 422
        assert [flaw["pointer"] for flaw in without.json()["errors"]] == ["/contact/email"]
        assert form.post("/v1/session-requests", json=wish).status_code == 403


def test_the_contract_is_served_as_openapi_with_the_bodies_and_the_key(doors: Doors) -> None:
    with doors.client() as client:
        contract = client.get("/schema/openapi.json").json()
        assert client.get("/schema").headers["content-type"].endswith("openapi+json")

    assert contract["openapi"].startswith("3.1")
    body = contract["paths"]["/v1/requests"]["post"]["requestBody"]["content"]
    assert {kind.rpartition("/")[2] for kind in body} == {
        "json",
        "cloudevents+json",
        "cloudevents-batch+json",
    }
    schemas = contract["components"]["schemas"]
    assert {"Submission", "ContactSent", "SessionWish", "Event"} <= set(schemas)
    assert schemas["Submission"]["additionalProperties"] is False
    validate(_content("1"), {**schemas["Submission"], "components": {"schemas": schemas}})
    assert "/demande/marche" not in contract["paths"]


def test_no_personal_data_is_in_the_log_or_the_metrics(doors: Doors) -> None:
    with doors.client() as client:
        client.post("/v1/requests", json=_content(_id()))
        metrics = client.get("/metrics").text

    for text in (doors.log, metrics):
        assert PERSONAL not in text
        assert "canari" not in text.lower()
        assert "Azur2029" not in text
        assert "Grandvaux" not in text
