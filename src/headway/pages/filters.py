"""Lists as their addresses say: what filters them, as chips that can be left out, and what is wrong with one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

from headway.api.problems import Problem


def with_query(path: str, query: Mapping[str, str | None]) -> str:
    """The address with what of the query is given."""
    text = urlencode({name: each for name, each in query.items() if each})
    return f"{path}?{text}" if text else path


def filters_of(query: Mapping[str, str], labels: Mapping[str, str]) -> Mapping[str, str]:
    """The filters of these names that an address holds; what is empty filters nothing, as a form sends it."""
    return {name: text for name in labels if (text := query.get(name, "").strip())}


def chips_of(
    path: str, filters: Mapping[str, str], labels: Mapping[str, str], words: Mapping[str, str] | None = None
) -> Sequence[Mapping[str, str]]:
    """Each filter with the address that leaves it out; ``words`` say better what some values are."""
    return [
        {
            "label": labels[name],
            "value": (words or {}).get(text, text),
            "href": with_query(path, {key: each for key, each in filters.items() if key != name}),
        }
        for name, text in filters.items()
    ]


def sentence_of(refused: Problem, labels: Mapping[str, str]) -> str:
    """Which filter is none, and why."""
    told = []
    for issue in refused.issues:
        name = str(next(iter(issue.get("path") or ()), ""))
        message = str(issue.get("message", "")).removeprefix("Invalid input: ")
        told.append(f"{labels.get(name, name or 'Filter')}: {message}.")
    return " ".join(told) or refused.message
