"""Answers to browsers: pages with what they may load, ways on, and the word that goes along."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import quote

from headway.http.answers import Answer
from headway.http.cookies import flash_name, forget_cookie, set_cookie
from headway.http.entity_tags import unless_known
from headway.http.origin import Place
from headway.pages.forms import Flash

Headers = tuple[tuple[bytes, bytes], ...]

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
# Browsers name no origin in forms of a page that lets them refer to nothing, and forms are known by their origin.
_OF_PAGES: Headers = (
    (b"content-type", b"text/html; charset=utf-8"),
    (b"content-security-policy", POLICY.encode()),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"x-headway-page", b"1"),  # what answers in our place does not know it, and pages believe nothing of that
)
# Whoever has the address of an open page reads it: it is told to nobody else, found by nobody, and kept by nobody.
_OF_OPEN_PAGES: Headers = (
    *(each for each in _OF_PAGES if each[0] != b"referrer-policy"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-robots-tag", b"noindex, nofollow, noarchive"),
)
_KEPT = (b"cache-control", b"private, no-cache")
_NOT_KEPT = (b"cache-control", b"no-store")
_FLASH_SECONDS = 30
_LONGEST_FLASH = 600  # characters; a cookie holds 4,096 bytes
_DIGEST_BYTES = 16
_SAFE = "/?&=%#+,:;@!$'()*~-._"  # what an address is written with as it is


def page_answer(body: bytes, headers: Mapping[bytes, bytes], tag: str | None = None) -> Answer:
    """A page, or a part of one, which its reader keeps and asks for again each time; 304 where it has it already. The
    ``tag`` is that of the body, where it is known.
    """
    return unless_known(Answer(status=200, headers=_OF_PAGES, body=body), headers, tag)


def said_once(body: bytes, status: int = 200, own: Headers = ()) -> Answer:
    """A page that is told this once, as it is now, and not kept."""
    return Answer(status=status, headers=(*_OF_PAGES, *own), body=body)


def open_answer(body: bytes, headers: Mapping[bytes, bytes], status: int = 200, own: Headers = ()) -> Answer:
    """A page without a session, or a part of one. A script that has it already is told 304; no browser keeps it."""
    answer = unless_known(Answer(status=status, headers=(*_OF_OPEN_PAGES, *own), body=body), headers)
    others = (each for each in answer.headers if each[0] != b"cache-control")
    return replace(answer, headers=(*others, _NOT_KEPT))


def once_with_flash(body: bytes, place: Place) -> Answer:
    """A page that has told what was done, which it does not tell again."""
    return Answer(status=200, headers=(*_OF_PAGES, _KEPT, forget_cookie(place, flash_name(place))), body=body)


def led_to(path: str, own: Headers = ()) -> Answer:
    """The way on after a form: another page, which is asked for anew."""
    return Answer(status=303, headers=((b"location", quote(path, safe=_SAFE).encode()), *own), body=b"")


class Flashes:
    """The word that goes from a form to the page after it, in a cookie that nobody else can make."""

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()

    def sent(self, place: Place, token: str, flash: Flash) -> tuple[bytes, bytes]:
        """The header that sends it along, for whoever has the session."""
        told = base64.urlsafe_b64encode(_packed(flash)).decode()
        return set_cookie(place, flash_name(place), f"{told}.{self._mark(token, told)}", _FLASH_SECONDS)

    def read(self, token: str, cookie: str | None) -> Flash | None:
        """The word that a cookie brings, None where it is not ours."""
        told, dot, mark = (cookie or "").partition(".")
        if not dot or not hmac.compare_digest(mark.encode(), self._mark(token, told).encode()):
            return None
        text, good = json.loads(base64.urlsafe_b64decode(told))
        return Flash(text=text, good=good)

    def _mark(self, token: str, told: str) -> str:
        given = f"flash {token} {told}".encode(errors="surrogateescape")
        return hmac.digest(self._secret, given, hashlib.sha256).hex()[: 2 * _DIGEST_BYTES]


def _packed(flash: Flash) -> bytes:
    return json.dumps([flash.text[:_LONGEST_FLASH], flash.good], ensure_ascii=False).encode(errors="replace")
