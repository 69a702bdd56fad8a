"""Whether a schema still reads what the committed one allowed, and still says what it promised."""

from collections.abc import Iterator
from typing import Any

Schema = dict[str, Any]
_CONSTRAINTS = ("type", "const", "enum", "pattern", "format", "maxLength", "minimum", "maximum")


def breaking_changes(committed: Schema, current: Schema) -> list[str]:
    """Return what breaks a reader or a writer of the committed schema, as JSON pointers."""
    return list(_compare(committed, current, committed, current, ""))


def _compare(old: Schema, new: Schema, olds: Schema, news: Schema, at: str) -> Iterator[str]:
    old, new = _resolve(old, olds), _resolve(new, news)
    for name in _CONSTRAINTS:
        if old.get(name) != new.get(name) and not _widened(name, old.get(name), new.get(name)):
            yield f"{at}/{name}: {old.get(name)!r} became {new.get(name)!r}"
    for name in new.get("required", ()):
        if name not in old.get("required", ()):
            yield f"{at}/{name}: became required"
    for name in old.get("required", ()):
        if name not in new.get("required", ()):
            yield f"{at}/{name}: is no longer promised"
    for name, schema in old.get("properties", {}).items():
        if name not in new.get("properties", {}):
            yield f"{at}/{name}: was removed"
        else:
            yield from _compare(schema, new["properties"][name], olds, news, f"{at}/{name}")
    if "items" in old:
        yield from _compare(old["items"], new.get("items", {}), olds, news, f"{at}/items")
    yield from _compare_options(old, new, olds, news, at)


def _compare_options(
    old: Schema, new: Schema, olds: Schema, news: Schema, at: str
) -> Iterator[str]:
    before, after = old.get("anyOf", []), new.get("anyOf", [])
    if len(before) != len(after):
        yield f"{at}/anyOf: {len(before)} options became {len(after)}"
        return
    for index, (one, other) in enumerate(zip(before, after, strict=True)):
        yield from _compare(one, other, olds, news, f"{at}/anyOf/{index}")


def _widened(name: str, old: Any, new: Any) -> bool:
    # One more value is no break: readers must expect values that they do not know.
    return (
        name == "enum" and isinstance(old, list) and isinstance(new, list) and set(old) <= set(new)
    )


def _resolve(schema: Schema, root: Schema) -> Schema:
    reference = schema.get("$ref")
    if reference is None:
        return schema
    name = str(reference).rsplit("/", 1)[-1]
    definition: Schema = root["$defs"][name]
    return definition
