"""The shape of a rules file, as the operator's editor and the loader check it."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from services.router.domain.ruleset import CueKind, WeighedCue
from services.router.domain.values import Fact, Flag, Queue
from services.router.domain.words import ANY_NUMBER, fold, split


def _single(text: str) -> str:
    """Refuse what no word of a text can ever be."""
    folded = fold(text)
    if split(folded) != [folded] or not any(map(str.isalnum, folded)):
        raise PydanticCustomError("word", "only single words here, of letters or digits")
    if folded.isdecimal() and folded != ANY_NUMBER:
        raise PydanticCustomError("number", "numbers are all written 0")
    return text


Word = Annotated[str, AfterValidator(_single)]
Points = Annotated[float, Field(ge=-10, le=10, strict=False)]
Factor = Annotated[float, Field(ge=0, le=20, strict=False)]
Phrase = Annotated[str, Field(min_length=1, max_length=300)]
NAME = r"^[a-z0-9]+(-[a-z0-9]+)*$"
JSON_FILE = r"^[\w.-]+\.json$"
Name = Annotated[str, Field(pattern=NAME, max_length=60)]


class _Declared(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, hide_input_in_errors=True)


class BalanceFile(_Declared):
    """How evidence is weighed."""

    start: dict[Queue, Points] = Field(description="Points each queue begins with.")
    thresholds: dict[Flag, Points] = Field(description="Points from which a flag is raised.")
    sure_margin: Points = Field(description="Lead the better queue needs to be sure, in points.")
    cues: dict[WeighedCue, Factor] = Field(
        description="What a cue multiplies the evidence of its clause with."
    )
    long_text_words: int = Field(ge=10, description="From how many words a text is long.")
    closing_boost: Factor = Field(description="What a long text's last third counts for.")


class WordsFile(_Declared):
    """Words with a part of their own."""

    silent: tuple[Word, ...] = Field(description="Little words that never count.")
    contrasts: tuple[Word, ...] = Field(description="Words that begin a new thought.")
    owners: dict[Word, tuple[Word, ...]] = Field(
        {}, description="Little words that say whose a thing is, for phrases such as mon:nom."
    )
    correct: tuple[Word, ...] = Field(
        (), description="Correct words, never taken for a misspelling."
    )
    object_stops: tuple[Word, ...] = Field(
        description="Words that end the name of what a tender is for."
    )
    spellings: dict[Word, Word] = Field({}, description="Misspellings and what they stand for.")


class RuleFile(_Declared):
    """One rule: exactly one of queue, flag, cue, fact says what its phrases speak for."""

    name: Name
    about: str | None = None
    queue: Queue | None = None
    flag: Flag | None = None
    cue: CueKind | None = None
    fact: Fact | None = None
    weight: Points = Field(1.0, description="Points that one phrase is worth.")
    always: bool = Field(
        default=False,
        description="Overrules every rule that has not this, and what was learned.",
    )
    phrases: tuple[Phrase, ...] = Field(min_length=1)
    except_: tuple[Phrase, ...] = Field((), alias="except")


def _speaks_once(rule: RuleFile) -> RuleFile:
    spoken = [x for x in (rule.queue, rule.flag, rule.cue, rule.fact) if x is not None]
    if len(spoken) != 1:
        raise PydanticCustomError(
            "speaks_once", "a rule needs exactly one of queue, flag, cue, fact"
        )
    return rule


class LearnedFile(_Declared):
    """What was learned from labelled requests, besides the rules."""

    file: str = Field(
        pattern=JSON_FILE,
        description="Beside this file; `aiguillage rules learn` makes it.",
    )
    points: Factor = Field(description="Points that a margin of one is worth.")


class RulesFile(_Declared):
    """Rules that send each request into a queue. File routing.yaml."""

    balance: BalanceFile
    learned: LearnedFile | None = None
    words: WordsFile
    lists: dict[Name, Annotated[tuple[Phrase, ...], Field(min_length=1)]] = {}
    fields: dict[str, dict[str, dict[Queue, Points]]] = {}
    rules: tuple[Annotated[RuleFile, AfterValidator(_speaks_once)], ...] = Field(min_length=1)
