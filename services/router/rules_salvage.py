"""What can be read of a rules file that has mistakes, so that all of them are told at once."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from services.router.rules_checks import NEEDED
from services.router.rules_file import BalanceFile, LearnedFile, RuleFile, RulesFile, WordsFile


def as_far_as_read(content: Any) -> RulesFile:
    """
    Return a file's content in the shape of a right one, unchecked: never to decide by.

    What is missing or of a wrong shape is filled so that nothing follows from it: its own mistake
    is told already.
    """
    whole = _mapping(content)
    words, lists = whole.get("words"), whole.get("lists", {})
    owners = words.get("owners", {}) if isinstance(words, dict) else None
    means_something = isinstance(lists, dict) and isinstance(owners, dict)
    return RulesFile.model_construct(
        balance=_balance(_mapping(whole.get("balance"))),
        learned=_learned(whole.get("learned")),
        words=_words(_mapping(words)),
        lists={name: _texts(said) for name, said in _mapping(lists).items() if means_something},
        fields={name: _mapping(values) for name, values in _mapping(whole.get("fields")).items()},
        rules=tuple(
            _rule(_mapping(one), number, with_phrases=means_something)
            for number, one in enumerate(_list(whole.get("rules")))
        ),
    )


def _balance(said: Mapping[str, Any]) -> BalanceFile:
    filled: dict[str, Any] = {
        key: said[key] if isinstance(said.get(key), dict) else dict.fromkeys(needed, 0.0)
        for key, needed in NEEDED.items()
    }
    return BalanceFile.model_construct(**filled)


def _learned(said: Any) -> LearnedFile | None:
    try:
        return LearnedFile.model_validate(said)
    except ValidationError:
        return None


def _words(said: Mapping[str, Any]) -> WordsFile:
    return WordsFile.model_construct(
        silent=_texts(said.get("silent")),
        contrasts=(),
        owners=_mapping(said.get("owners")),
        object_stops=(),
    )


def _rule(said: Mapping[str, Any], number: int, *, with_phrases: bool) -> RuleFile:
    queue, name = said.get("queue"), said.get("name")
    return RuleFile.model_construct(
        name=name if isinstance(name, str) else f"rules[{number}]",
        queue=queue if queue in NEEDED["start"] else None,
        phrases=_texts(said.get("phrases")) if with_phrases else (),
        except_=_texts(said.get("except")) if with_phrases else (),
    )


def _mapping(said: Any) -> dict[str, Any]:
    return said if isinstance(said, dict) else {}


def _list(said: Any) -> list[Any]:
    return said if isinstance(said, list) else []


def _texts(said: Any) -> tuple[str, ...]:
    return tuple(map(str, _list(said)))
