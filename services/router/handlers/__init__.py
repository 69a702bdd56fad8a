"""Kafka in, Kafka out: what each request record leads to."""

from services.router.handlers.answering import Answer, Answering, Batch
from services.router.handlers.records import (
    SERVICE,
    Outgoing,
    Ticket,
    overdue,
    remember,
)

__all__ = [
    "SERVICE",
    "Answer",
    "Answering",
    "Batch",
    "Outgoing",
    "Ticket",
    "overdue",
    "remember",
]
