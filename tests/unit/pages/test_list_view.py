"""A list as its address says: its filters as chips, what is shown of it, and what is wrong with a filter."""

from __future__ import annotations

import pytest

from headway.api.problems import invalid
from headway.pages.list_view import chip, chips, filters_of, list_address, options, part_of, sentence_of, words_of

LABELS = {"text": "Text", "serverId": "Server"}


def test_each_chip_leaves_out_its_own_filter_and_keeps_the_others() -> None:
    filters = filters_of({"text": " shop ", "serverId": "s1", "cursor": "x", "empty": ""}, LABELS)
    assert filters == {"text": "shop", "serverId": "s1"}
    servers = options([("s2", "build"), ("s1", "web"), (None, "none")], "s1")
    assert [each["label"] for each in servers] == ["build", "web"]
    assert chips("/services", LABELS, filters, words_of(servers)) == [
        {"label": "Text", "value": "shop", "href": "/services?serverId=s1"},
        {"label": "Server", "value": "web", "href": "/services?text=shop"},
    ]
    both = chip("/services", filters, {"text", "serverId"}, "Both", "shop on web")
    assert both == {"label": "Both", "value": "shop on web", "href": "/services"}


def test_an_address_holds_what_is_given_alone() -> None:
    assert list_address("/audit", {"action": "create", "to": "", "from": None}) == "/audit?action=create"
    assert list_address("/audit", {}) == "/audit"


@pytest.mark.parametrize(
    ("after", "shown", "following"),
    [("", "ab", "b"), ("b", "cd", "d"), ("d", "e", None), ("unknown", "ab", "b")],
)
def test_a_part_goes_on_behind_the_row_that_is_named(after: str, shown: str, following: str | None) -> None:
    part = part_of("abcde", lambda each: each, after, 2)
    assert ("".join(part.rows), part.total, part.next) == (shown, 5, following)
    assert part.after == (after if after in "bd" and after else None)


def test_what_is_wrong_with_a_filter_is_told_by_its_label() -> None:
    refused = invalid([{"code": "custom", "path": ["serverId"], "message": "Invalid input: no such server"}])
    assert sentence_of(refused, LABELS) == "Server: no such server."
