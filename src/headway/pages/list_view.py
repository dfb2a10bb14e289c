"""A list that is had whole and shown a part at a time: its filters and where it goes on stand in the address."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar
from urllib.parse import urlencode

R = TypeVar("R")
AFTER = "after"  # in the address: the id behind which the list goes on


@dataclass(frozen=True, slots=True, kw_only=True)
class Part(Generic[R]):
    """The rows that are shown of a list of ``total``. ``after`` is the id behind which they begin, None at the
    beginning, ``next`` the one behind which the list goes on, None at its end.
    """

    rows: Sequence[R]
    total: int
    after: str | None
    next: str | None


def part_of(rows: Sequence[R], id_of: Callable[[R], str], after: str, most: int) -> Part[R]:
    """So many of the rows, from behind the one with the id ``after``; from the beginning where there is no such row."""
    begin = next((number for number, each in enumerate(rows, 1) if id_of(each) == after), 0)
    shown = rows[begin : begin + most]
    return Part(
        rows=shown,
        total=len(rows),
        after=after if begin else None,
        next=id_of(shown[-1]) if shown and len(rows) > begin + most else None,
    )


def filters_of(query: Mapping[str, str], names: Iterable[str]) -> Mapping[str, str]:
    """The filters that an address holds; what is empty filters nothing, as a form sends it."""
    return {name: text for name in names if (text := query.get(name, "").strip())}


def holds(filters: Mapping[str, str], *texts: str | None) -> bool:
    """Whether each word of the filter ``text`` stands in one of these."""
    held = " ".join(each for each in texts if each).casefold()
    return all(word in held for word in filters.get("text", "").casefold().split())


def address(path: str, query: Mapping[str, str | None]) -> str:
    """A path with what its query holds."""
    given = {name: each for name, each in query.items() if each}
    return f"{path}?{urlencode(given)}" if given else path


def view_values(path: str, filters: Mapping[str, str], part: Part[R]) -> dict[str, object]:
    """What a template needs to show where it is in the list: the ways on, and the part's own address."""
    return {
        "path": path,
        "total": part.total,
        "filters": filters,
        "newest": None if part.after is None else address(path, filters),
        "older": None if part.next is None else address(path, {**filters, AFTER: part.next}),
        "pull": address(f"{path}/-/list", {**filters, AFTER: part.after}),
    }


def chips(
    path: str,
    labels: Mapping[str, str],
    filters: Mapping[str, str],
    *choices: Sequence[Mapping[str, str]],
) -> Sequence[Mapping[str, str]]:
    """Each filter with the address that leaves it out. ``labels`` are what filters are called; what was chosen is
    called as its choice is.
    """
    words = {each["value"]: each["label"] for offered in choices for each in offered}
    return [
        {
            "label": labels[name],
            "value": words.get(text, text),
            "href": address(path, {key: each for key, each in filters.items() if key != name}),
        }
        for name, text in filters.items()
    ]


def options(found: Iterable[tuple[str | None, str | None]], chosen: str | None) -> Sequence[Mapping[str, str]]:
    """What a filter can be chosen from, (id, name) of each that is in the list, and what is chosen already."""
    names = {value: label or value for value, label in found if value}
    if chosen:
        names.setdefault(chosen, chosen)
    return [
        {"value": value, "label": label} for value, label in sorted(names.items(), key=lambda each: each[1].casefold())
    ]
