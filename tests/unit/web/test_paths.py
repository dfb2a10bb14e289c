"""Which page a path names, and where nobody is led."""

from __future__ import annotations

import pytest

from headway.web.paths import HOME, Named, Paths, Piece

PATHS = Paths(("/", "/things", "/things/{thingId}", "/things/new", "/things/{thingId}/parts/{partId}"))


def test_a_path_names_a_page_a_part_or_a_form() -> None:
    assert PATHS.named("/things")[0] == Named(page="/things", ids={})
    assert PATHS.named("/things/t1")[0] == Named(page="/things/{thingId}", ids={"thingId": "t1"})
    assert PATHS.named("/things/t1/-/state")[0] == Named(
        page="/things/{thingId}", ids={"thingId": "t1"}, piece=Piece.PART, name="state"
    )
    assert PATHS.named("/things/t1/kill")[0] == Named(
        page="/things/{thingId}", ids={"thingId": "t1"}, piece=Piece.FORM, name="kill"
    )
    assert PATHS.named("/things/t1/parts/p/kill")[0].ids == {"thingId": "t1", "partId": "p"}
    assert PATHS.named("/")[0] == Named(page="/", ids={})


def test_what_is_written_out_goes_before_an_id() -> None:
    assert [each.page for each in PATHS.named("/things/new")] == ["/things/new", "/things/{thingId}", "/things"]


@pytest.mark.parametrize("path", ["/elsewhere/x/y/z", "/things/", "/things//kill", "//things", "/things/t1/-/", ""])
def test_what_no_page_has_names_none(path: str) -> None:
    assert PATHS.named(path) == ()


OURS = ("/", "/things", "/things?status=error&x=1", "/things/t1", "/things/t1/kill", "/things/t%201")
NOT_OURS = (
    "",
    "things",
    "//evil.example",
    "//evil.example/things",
    "/\\evil.example",
    "/things\\..\\..\\evil.example",
    "https://evil.example/things",
    "http:things",
    "javascript:alert(1)",
    "data:text/html,x",
    "/elsewhere/and/more/of/it",
    "/\tthings",
    "/things\r\nset-cookie: x=1",
    "/\n/evil.example",
    " /things",
    "\x00/things",
    "/things/" + "x" * 3_000,
    "///things",
    "/%2f/evil.example/x/y/z",
)


def test_only_a_path_of_ours_is_led_to() -> None:
    assert {path: PATHS.ours(path) for path in OURS} == {path: path for path in OURS}
    assert {path: PATHS.ours(path) for path in NOT_OURS} == dict.fromkeys(NOT_OURS, HOME)
