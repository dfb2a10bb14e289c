"""A list as its address says: what filters it, as chips that can be left out, and the part of it that is shown."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Generic, TypeVar
from urllib.parse import urlencode

from headway.api.problems import Problem
from headway.kernel.dataclass import dataclass

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


def view_values(path: str, filters: Mapping[str, str], part: Part[R]) -> dict[str, object]:
    """What a template needs to show where it is in the list: the ways on, and the part's own address."""
    return {
        "path": path,
        "total": part.total,
        "filters": filters,
        "newest": None if part.after is None else list_address(path, filters),
        "older": None if part.next is None else list_address(path, {**filters, AFTER: part.next}),
        "pull": list_address(f"{path}/-/list", {**filters, AFTER: part.after}),
    }


def list_address(path: str, query: Mapping[str, str | None]) -> str:
    """A path with what of the query is given."""
    text = urlencode({name: each for name, each in query.items() if each})
    return f"{path}?{text}" if text else path


def filters_of(query: Mapping[str, str], names: Iterable[str]) -> Mapping[str, str]:
    """The filters that an address holds; what is empty filters nothing, as a form sends it."""
    return {name: text for name in names if (text := query.get(name, "").strip())}


def holds(filters: Mapping[str, str], *texts: str | None) -> bool:
    """Whether each word of the filter ``text`` stands in one of these."""
    held = " ".join(each for each in texts if each).casefold()
    return all(word in held for word in filters.get("text", "").casefold().split())


def chips(
    path: str, labels: Mapping[str, str], filters: Mapping[str, str], words: Mapping[str, str] | None = None
) -> Sequence[Mapping[str, str]]:
    """Each filter as a chip. ``labels`` are what filters are called, and ``words`` say better what some values are."""
    return [chip(path, filters, {name}, labels[name], (words or {}).get(text, text)) for name, text in filters.items()]


def chip(path: str, filters: Mapping[str, str], names: Collection[str], label: str, value: str) -> Mapping[str, str]:
    """What is set by the filters of these names, with the address that leaves them out."""
    others = {name: each for name, each in filters.items() if name not in names}
    return {"label": label, "value": value, "href": list_address(path, others)}


def options(found: Iterable[tuple[str | None, str | None]], chosen: str | None) -> Sequence[Mapping[str, str]]:
    """What a filter can be chosen from, (id, name) of each that is in the list, and what is chosen already."""
    names = {value: label or value for value, label in found if value}
    if chosen:
        names.setdefault(chosen, chosen)
    return [
        {"value": value, "label": label} for value, label in sorted(names.items(), key=lambda each: each[1].casefold())
    ]


def words_of(*choices: Sequence[Mapping[str, str]]) -> Mapping[str, str]:
    """What each value is called that can be chosen."""
    return {each["value"]: each["label"] for offered in choices for each in offered}


def sentence_of(refused: Problem, labels: Mapping[str, str]) -> str:
    """Which filter is none, and why."""
    told = []
    for issue in refused.issues:
        name = str(next(iter(issue.get("path") or ()), ""))
        message = str(issue.get("message", "")).removeprefix("Invalid input: ")
        told.append(f"{labels.get(name, name or 'Filter')}: {message}.")
    return " ".join(told) or refused.message
