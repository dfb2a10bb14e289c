"""What a page must never hold, whatever texts are on it: read as HTML, without a browser."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from html.parser import HTMLParser

from tests.integration.web.outside import PRODUCT, SECRET

MOST_BYTES = 150_000  # on the wire
# No more elements than these are ever used: those that load, run or frame something are not among them.
_WORDS = """
a abbr article bdi body br button caption circle code col colgroup dd defs details dialog div dl dt em
fieldset figcaption figure footer form g h1 h2 h3 h4 head header hr html i input kbd label legend li line link
main meta meter nav noscript ol optgroup option output p path polygon polyline pre progress rect script section
select small span strong sub summary sup svg table tbody td text textarea tfoot th thead time title tr ul use
"""
ELEMENTS = frozenset(_WORDS.split())
_ADDRESSES = frozenset({"href", "src", "action", "formaction", "data", "poster", "xlink:href", "ping", "background"})
_OURS = re.compile(r"/(?![/\\])[^\x00-\x20\\]*|[?#][^\x00-\x20]*")
_WEB = re.compile(r"https?://[^/\\\x00-\x20][^\x00-\x20\\]*")
# What turns the text around it, and what no text may hold.
_UNSEEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.wrong: list[str] = []
        self._within: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self._within.append(tag)
        self.wrong += [f"element {tag}"] if tag not in ELEMENTS else []
        if tag == "script":
            self.wrong += [] if given.get("src", "").startswith("/static/") else [f"script {given}"]
        if tag == "meta" and given.get("http-equiv", "refresh") == "refresh" and not _is_own_meta(given):
            self.wrong.append(f"meta {given}")
        for name, value in given.items():
            if name.startswith("on") or name in {"style", "srcdoc", "srcset"}:
                self.wrong.append(f"attribute {name} of {tag}")
            if name in _ADDRESSES and not _leads_well(tag, name, value):
                self.wrong.append(f"{name} of {tag}: {value[:200]!r}")

    def handle_endtag(self, tag: str) -> None:
        while self._within and self._within.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        inside = self._within[-1] if self._within else ""
        if inside != "textarea" and (found := _UNSEEN.search(data)):  # what is edited is given back as it is
            around = data[max(0, found.start() - 20) : found.end() + 20]
            self.wrong.append(f"U+{ord(found[0]):04X} in {inside}: {around!r}")
        if inside == "script":
            self.wrong.append(f"script with a text: {data[:100]!r}")


def _is_own_meta(given: dict[str, str]) -> bool:
    return given.get("http-equiv") != "refresh" or given.get("content") == "60"


def _leads_well(tag: str, name: str, value: str) -> bool:
    if _OURS.fullmatch(value):
        return True
    # One that is empty leads to the page itself, which is loaded again by it.
    return (tag, name) == ("a", "href") and (not value or _WEB.fullmatch(value) is not None)


def wrongs(body: bytes) -> Iterator[str]:
    """Why a page is not as it must be."""
    text = body.decode()
    reader = _Reader()
    reader.feed(text)
    reader.close()
    yield from reader.wrong
    if PRODUCT in text:
        yield "a template was made of a text"
    if SECRET in text:
        yield "a secret stands on it"
    if (size := len(zlib.compress(body, 5))) > MOST_BYTES:
        yield f"{size} bytes on the wire"
