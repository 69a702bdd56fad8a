"""Kafka in, Kafka out: what each request record leads to."""

from services.router.handlers.answering import Answer, Answered, Answering, Batch, Decide
from services.router.handlers.records import (
    SERVICE,
    Outgoing,
    Ticket,
    overdue,
    remember,
    request_key,
)

__all__ = [
    "SERVICE",
    "Answer",
    "Answered",
    "Answering",
    "Batch",
    "Decide",
    "Outgoing",
    "Ticket",
    "overdue",
    "remember",
    "request_key",
]
