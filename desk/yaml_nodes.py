"""Composes YAML into nodes, by libyaml where it is there: twenty times as fast as in Python."""

from __future__ import annotations

import re
from typing import Any

import yaml
from yaml.composer import Composer, ComposerError
from yaml.resolver import BaseResolver

_DEEPEST = 20


class _Strict(Composer, BaseResolver):
    """The scalars of YAML 1.2 (core schema); neither anchors, nor tags, nor deep nesting."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012
    depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        event = self.peek_event()  # type: ignore[attr-defined]
        refusal = ""
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            refusal = (
                "anchors and aliases are not allowed;"
                " put a text that begins with * or & in quotation marks"
            )
        elif getattr(event, "tag", None):
            refusal = "tags (!…) are not allowed; put a text that begins with ! in quotation marks"
        elif self.depth >= _DEEPEST:
            refusal = f"nested more than {_DEEPEST} levels deep"
        if refusal:
            raise ComposerError(None, None, refusal, event.start_mark)
        self.depth += 1
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


for _tag, _pattern, _first in (
    ("null", r"~|null|Null|NULL|", [*"~nN", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", [*"tTfF"]),
    ("int", r"[-+]?[0-9]{1,18}", [*"-+0123456789"]),
    ("float", r"[-+]?[0-9]{0,18}\.[0-9]{1,18}", [*"-+0123456789."]),
):
    _Strict.add_implicit_resolver(
        f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), _first
    )


class _Loader(_Strict, yaml.SafeLoader):
    """By PyYAML's own parser."""


if yaml.__with_libyaml__:
    from yaml._yaml import CParser

    class _QuickLoader(_Strict, CParser):
        """By libyaml's parser, whose nodes have the same marks."""

        def __init__(self, text: str) -> None:
            CParser.__init__(self, text)
            Composer.__init__(self)
            BaseResolver.__init__(self)


def compose(text: str) -> yaml.Node | None:
    """
    Return the root node of a document, ``None`` when it is empty; raises ``yaml.YAMLError``.

    What libyaml refuses is read again by PyYAML, which says it in the same words everywhere.
    """
    if yaml.__with_libyaml__:
        try:
            return _root(_QuickLoader(text))
        except (yaml.YAMLError, UnicodeError):
            pass
    return compose_slowly(text)


def compose_slowly(text: str) -> yaml.Node | None:
    """Return the same without libyaml."""
    return _root(_Loader(text))


def _root(loader: Any) -> yaml.Node | None:
    try:
        root: yaml.Node | None = loader.get_single_node()
        return root
    finally:
        loader.dispose()
