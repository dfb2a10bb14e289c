"""What a list is searched for is found, and its part of it given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from headway.kernel.search import Words

THINGS: Sequence[Mapping[str, str | None]] = [
    {"name": "Shop", "description": "sells things"},
    {"name": "blog", "description": None},
    {"name": "SHOP 2", "description": "the blog of the shop"},
]


def found(words: Words) -> list[str | None]:
    return [each["name"] for each in words.page(THINGS, lambda each: each).items]


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (Words(), ["Shop", "blog", "SHOP 2"]),
        (Words(anywhere=" shop "), ["Shop", "SHOP 2"]),
        (Words(anywhere="BLOG"), ["blog", "SHOP 2"]),
        (Words(within={"name": "blog"}), ["blog"]),
        (Words(within={"description": "blog", "name": "shop"}), ["SHOP 2"]),
        (Words(anywhere="things", within={"name": "2"}), []),
        (Words(anywhere="%"), []),
    ],
)
def test_words_are_found_in_any_field_or_in_their_own(words: Words, names: list[str]) -> None:
    assert found(words) == names


def test_a_part_is_given_and_the_whole_is_counted() -> None:
    page = Words(limit=1, offset=1).page(THINGS, lambda each: each)
    assert ([each["name"] for each in page.items], page.total) == (["blog"], 3)


def test_beyond_the_end_there_is_nothing() -> None:
    assert Words(offset=3).page(THINGS, lambda each: each).items == []
