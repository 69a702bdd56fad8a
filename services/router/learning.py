"""
Learns :mod:`services.router.domain.learned` from labelled requests, the same from the same.

For each aspect a linear support vector machine with squared hinge loss, solved in the dual by
coordinate descent (Hsieh et al., ICML 2008), over features weighted by how rare they are, each
request scaled to length one. Rare flags weigh as much as their absence.
"""

import hashlib
import json
import math
import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from services.router.domain.learned import ASPECTS, Model, Row, features
from services.router.domain.passages import passages

_ROUNDS: Final = 60
_ENOUGH: Final = 0.02
"""A round that moved nothing further than this is the last."""
_COST: Final = 1.0
_FEWEST: Final = 2
"""Requests that must have a feature for it to be learned."""
_DIGITS: Final = 3
_VERSION: Final = 1

Case = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Text:
    places: tuple[int, ...]
    values: tuple[float, ...]


def learn(cases: Sequence[Case]) -> Model:
    """Return what the cases teach; each has the fields of a request and its ``expected``."""
    heard = [case_features(case) for case in cases]
    seen = Counter(feature for one in heard for feature in one)
    names = sorted(name for name, count in seen.items() if count >= _FEWEST)
    rarity = [math.log((1 + len(cases)) / (1 + seen[name])) + 1 for name in names]
    numbers = {name: number for number, name in enumerate(names)}
    texts = [_scaled(one, numbers, rarity) for one in heard]
    solved = [_solve(texts, len(names), _labels(cases, aspect)) for aspect in ASPECTS]
    rows = {
        name: _row([weights[number] * rarity[number] for weights, _ in solved], rarity[number])
        for number, name in enumerate(names)
    }
    biases = tuple(round(bias, _DIGITS) for _, bias in solved)
    return Model(version=_fingerprint(cases), biases=biases, words=rows)  # type: ignore[arg-type]


def written(model: Model) -> bytes:
    """Return a model as its file: a feature a line, sorted, so that a change can be read."""
    head = msgspec.json.encode({"version": model.version, "biases": model.biases})
    lines = (
        msgspec.json.encode(feature) + b":" + msgspec.json.encode(row)
        for feature, row in sorted(model.words.items())
    )
    return head[:-1] + b',"words":{\n' + b",\n".join(lines) + b"\n}}\n"


def case_features(case: Case) -> dict[str, int]:
    """Return the features of a case as the router would hear them."""
    texts = [one.text for one in passages(case["subject"] or "", case["body"] or "")]
    return features(texts, {"service": case.get("service"), "profile": case.get("profile")})


def _labels(cases: Iterable[Case], aspect: str) -> list[bool]:
    if aspect == "queue":
        return [case["expected"]["queue"] == "marketplace" for case in cases]
    return [bool(case["expected"][aspect]) for case in cases]


def _row(weights: Sequence[float], rarity: float) -> Row:
    queue, training, dpo, remote = (round(weight, _DIGITS) for weight in weights)
    return queue, training, dpo, remote, round(rarity * rarity, _DIGITS)


def _scaled(
    counts: Mapping[str, int], numbers: Mapping[str, int], rarity: Sequence[float]
) -> _Text:
    found = [(numbers[name], count) for name, count in counts.items() if name in numbers]
    length = math.sqrt(sum(count * rarity[number] ** 2 for number, count in found)) or 1.0
    places = tuple(number for number, _ in found)
    return _Text(places, tuple(count * rarity[number] / length for number, count in found))


def _solve(texts: Sequence[_Text], size: int, labels: Sequence[bool]) -> tuple[list[float], float]:
    """Return the weights and the bias (a feature that every text has)."""
    yes = sum(labels)
    no = len(labels) - yes
    share = {True: len(labels) / (2 * max(1, yes)), False: len(labels) / (2 * max(1, no))}
    slack = [0.5 / (_COST * share[label]) for label in labels]
    norms = [1.0 + s + sum([v * v for v in t.values]) for t, s in zip(texts, slack, strict=True)]
    weights, bias, alphas = [0.0] * size, 0.0, [0.0] * len(texts)
    order, dice = list(range(len(texts))), random.Random(0)  # noqa: S311 - an order, no secret
    for _ in range(_ROUNDS):
        dice.shuffle(order)
        furthest = 0.0
        for number in order:
            text, sign = texts[number], 1.0 if labels[number] else -1.0
            margin = bias + sum(
                [weights[p] * v for p, v in zip(text.places, text.values, strict=True)]
            )
            slope = sign * margin - 1.0 + slack[number] * alphas[number]
            moved = max(alphas[number] - slope / norms[number], 0.0) - alphas[number]
            if moved:
                alphas[number] += moved
                step = moved * sign
                bias += step
                for place, value in zip(text.places, text.values, strict=True):
                    weights[place] += step * value
            furthest = max(furthest, abs(moved))
        if furthest < _ENOUGH:
            break
    return weights, bias


def _fingerprint(cases: Sequence[Case]) -> str:
    keys = ("subject", "body", "service", "profile", "expected")
    told = [[_VERSION], *([case.get(key) for key in keys] for case in cases)]
    text = json.dumps(told, sort_keys=True, ensure_ascii=False)
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()[:12]}"
