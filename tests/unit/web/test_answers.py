"""What goes with a page, and the word that goes from a form to the page after it."""

from __future__ import annotations

import pytest

from headway.http.origin import Place, Way
from headway.pages.forms import Flash
from headway.web.answers import Flashes, led_to, page_answer

LOCAL = Place(way=Way.LOOPBACK, origin="http://localhost:3000", port=3000, takes_passwords=True)


def cookie_of(header: tuple[bytes, bytes]) -> str:
    return header[1].decode().partition("=")[2].partition(";")[0]


@pytest.mark.parametrize("flash", [Flash(text="Killed: “nothing” of it\nis left; ✓"), Flash(text="No.", good=False)])
def test_a_word_comes_as_it_was_sent(flash: Flash) -> None:
    flashes = Flashes("secret")
    assert flashes.read("token", cookie_of(flashes.sent(LOCAL, "token", flash))) == flash


def test_a_word_that_somebody_else_made_is_not_told() -> None:
    flashes = Flashes("secret")
    sent = cookie_of(flashes.sent(LOCAL, "token", Flash(text="x")))
    others = (cookie_of(Flashes("other").sent(LOCAL, "token", Flash(text="x"))), sent[:-1] + "0" * 2, "x", "", None)
    assert [flashes.read("token", other) for other in others] == [None] * 5
    assert flashes.read("another session", sent) is None


def test_a_long_word_fits_a_cookie() -> None:
    flashes = Flashes("secret")
    header = flashes.sent(LOCAL, "token", Flash(text="\U0001f600" * 5_000))
    assert len(header[1]) < 4_096


def test_a_page_that_its_reader_has_is_not_sent_again() -> None:
    first = page_answer(b"<p>", {})
    tag = dict(first.headers)[b"etag"]
    again = page_answer(b"<p>", {b"if-none-match": tag})
    assert (first.status, again.status, again.body) == (200, 304, b"")
    assert dict(first.headers)[b"x-headway-page"] == dict(again.headers)[b"x-headway-page"] == b"1"
    assert dict(first.headers)[b"cache-control"] == b"private, no-cache"
    assert dict(again.headers)[b"content-security-policy"].startswith(b"default-src 'none'; script-src 'self';")


def test_a_way_on_is_one_line() -> None:
    assert dict(led_to("/things/ä\r\nx: y?a=1&b=%20").headers)[b"location"] == b"/things/%C3%A4%0D%0Ax:%20y?a=1&b=%20"
