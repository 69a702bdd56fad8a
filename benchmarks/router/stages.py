"""The price of each stage of an answer, by itself: no broker, one process, processor time."""

import gc
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, TypeVar

from aiokafka import ConsumerRecord

from benchmarks.router.desks import with_twenty_rules
from benchmarks.router.requests import Made, Maker
from deploy.local import services
from desk import Desk, load_desk
from runtime.kafka import Record, partition_of
from runtime.sealing import Sealer
from schemas import topics
from services.router.app import GARBAGE
from services.router.deciding import as_heard, build_decide
from services.router.domain import RuleSet, understand
from services.router.domain.hearing import hear
from services.router.domain.passages import Passage, passages
from services.router.gateway.memory import Memory
from services.router.handlers import Answering
from services.router.handlers.reading import read_request
from services.router.handlers.records import moment, ticket_record
from services.router.rules import load_rules

_WARM_UP: Final = 5_000
_AT_ONCE: Final = 1_000
_TIMES: Final = 5

T = TypeVar("T")
Prices = dict[str, list[float]]


def stages() -> list[dict[str, Any]]:
    """Return what each stage costs in µs for each request, by both rule sets."""
    records = [_record(made) for made in Maker().make(_WARM_UP + _TIMES * _AT_ONCE)]
    with tempfile.TemporaryDirectory() as folder:
        found = {
            "aiguillage-20": _priced(with_twenty_rules(Path(folder) / "desk"), records),
            "aiguillage": _priced(services.DESK, records),
        }
    names = dict.fromkeys(name for prices in found.values() for name in prices)
    return [
        {"stage": name} | {who: prices.get(name) for who, prices in found.items()} for name in names
    ]


def _priced(folder: Path, records: Sequence[Record]) -> dict[str, float]:
    desk, ruleset = load_desk(folder), load_rules(folder / "routing.yaml")
    prices: Prices = defaultdict(list)
    gc.freeze()
    gc.set_threshold(*GARBAGE)
    _walk(desk, ruleset, records[:_WARM_UP], defaultdict(list))
    for first in range(_WARM_UP, len(records), _AT_ONCE):
        _walk(desk, ruleset, records[first : first + _AT_ONCE], prices)
    return {name: round(statistics.median(costs), 1) for name, costs in prices.items()}


def _walk(desk: Desk, ruleset: RuleSet, records: Sequence[Record], prices: Prices) -> None:
    """Answer records whole, and then again stage by stage: by then no word is new."""

    def each(name: str, act: Callable[..., T], *of: Iterable[Any]) -> list[T]:
        began = time.process_time()
        made = list(map(act, *of))
        prices[name].append((time.process_time() - began) / len(records) * 1e6)
        return made

    now = datetime.now(UTC)
    written = moment(now)
    answering = Answering(
        decide=build_decide(desk, ruleset),
        partitions=topics.PARTITIONS,
        sealer=Sealer(bytes(32)),
        horizon=timedelta(days=60),
    )

    def answered(record: Record) -> Any:
        return answering.answer(record, known=Memory(), now=now, written=written)

    answers = each("all, new words included", answered, records)
    each("all", answered, records)
    events = each("read and checked", read_request, records)
    each("its partition", lambda one: partition_of(one.key, topics.PARTITIONS), records)
    heard = [as_heard(event.data) for event in events]
    parts = each("mail taken apart", lambda one: passages(one.subject, one.body), heard)
    if ruleset.learned is not None:
        _priced_text(ruleset, parts, each)
    told = each("understood, in all", lambda one: understand(one, ruleset), heard)
    each("deadline", lambda one, event: _due(desk, one.facts, event.received_at), told, events)
    ids = [answer.ticket.request for answer in answers]
    decided = [answering.decide(event.data) for event in events]
    each(
        "ticket record",
        lambda *made: ticket_record(*made, now=written),
        records,
        events,
        ids,
        decided,
    )


def _priced_text(
    ruleset: RuleSet, parts: Sequence[Sequence[Passage]], each: Callable[..., list[Any]]
) -> None:
    learned, book = ruleset.learned, ruleset.phrasebook
    texts = [[part.text for part in some] for some in parts]
    each("what was learned", lambda some: learned and learned.listen(some, {}), texts)
    heard = each("words looked up", lambda some: hear(some, ruleset.lexicon), parts)
    each("phrases", lambda one: book.find(one.words, one.clause_of, one.sentence_of), heard)


def _due(desk: Desk, facts: tuple[str, ...], received_at: datetime) -> datetime:
    return desk.policy.select(facts).within.due(desk.calendar, received_at).at


def _record(made: Made) -> Record:
    partition = partition_of(made.key, topics.PARTITIONS)
    headers = (("traceparent", made.traceparent.encode()),)
    sizes = (len(made.key), len(made.value))
    return ConsumerRecord(
        topics.REQUESTS, partition, 0, 0, 0, made.key, made.value, None, *sizes, headers
    )
