"""The forms in which a secret may appear in a program's output: as it stands, escaped and encoded."""

from __future__ import annotations

import base64
import html
import json
import re
import urllib.parse
from collections.abc import Callable, Iterable, Iterator

from headway.kernel.dataclass import dataclass

SHORTEST = 4
SHORTEST_LINE = 8
_SHORTEST_WRAPPED = 8
# Every form costs time and memory whenever a log is opened. These many of the values, and of each value's lines, are
# looked for in all forms; others, which a key or a file of any use has none of, as they stand.
_MOST_LINES_IN_ALL_FORMS = 200
_MOST_IN_ALL_FORMS = 1000
_MOST_TEXTS = 50_000

_URL_SAFE_CHARACTERS = ("", "/", "!'()*~", ";,/?:@&=+$#!'()*~")  # strict, Python's, JavaScript's component and whole
_LINE_END = re.compile(r"\r\n|\r|\n")
_NEVER_ESCAPED = re.compile(r"[A-Za-z0-9_.-]*")
_PERCENT = re.compile(r"%[0-9A-F]{2}")
_UNICODE_ESCAPE = re.compile(r"\\u[0-9a-f]{4}")
_SHELL_SPECIAL = re.compile(r"([^A-Za-z0-9_@%+=:,./\-\x80-\U0010ffff])")
_SHELL_SPECIAL_IN_DOUBLE_QUOTES = re.compile(r'([\\"$`])')


@dataclass(frozen=True, slots=True, kw_only=True)
class Variants:
    """Byte strings to look for. ``exact`` ones are found as they stand; ``wrapped`` ones also where a line end stands
    between any two of their bytes, as base64 and hexadecimal dumps are wrapped.
    """

    exact: tuple[bytes, ...]
    wrapped: tuple[bytes, ...]


def variants_of(secrets: Iterable[str]) -> Variants:
    """All forms of all ``secrets``, each once, in a fixed order.

    White space around a secret does not count, since programs trim it. A secret shorter than four bytes has no forms:
    looking for it would blacken every log and hide nothing. Of very many lines, or very many secrets, all but the first
    are looked for as they stand alone, and no more than fifty thousand, the longest.
    """
    exact: set[bytes] = set()
    wrapped: set[bytes] = set()
    whole = _longest_first({reading for stored in secrets for reading in _readings(stored)})
    for secret in whole[:_MOST_IN_ALL_FORMS]:
        exact.update(_as_log_text(form) for form in _texts(secret))
        for form in _dumps(_encoded(secret)):
            (wrapped if len(form) >= _SHORTEST_WRAPPED else exact).add(form)
    lines = {secret: _lines(secret) for secret in whole}
    first = dict.fromkeys(line for each in lines.values() for line in each[:_MOST_LINES_IN_ALL_FORMS])
    for line in list(first)[: max(0, _MOST_IN_ALL_FORMS - len(whole))]:
        exact.update(_as_log_text(form) for form in _escapes(line))
    plain = [*whole, *_longest_first({line for each in lines.values() for line in each})]
    exact.update(_as_log_text(text) for text in plain[:_MOST_TEXTS])
    return Variants(exact=_sorted(exact), wrapped=_sorted(wrapped))


def _longest_first(texts: set[str]) -> list[str]:
    return sorted((text for text in texts if len(_encoded(text)) >= SHORTEST), key=lambda text: (-len(text), text))


def _readings(secret: str) -> Iterator[str]:
    """What the stored text may mean to its program: keys are often kept on one line, line ends written as escapes."""
    yield secret.strip()
    if "\\n" in secret:
        yield secret.replace("\\r\\n", "\n").replace("\\n", "\n").strip()


def _texts(secret: str) -> Iterator[str]:
    if secret.count("\n") <= _MOST_LINES_IN_ALL_FORMS:
        yield from _escapes(secret)
    else:  # where it is escaped as a whole its lines are seen one by one
        yield from (secret, *(json.dumps(secret, ensure_ascii=ascii_only)[1:-1] for ascii_only in (True, False)))
    if _LINE_END.search(secret):
        unix = _LINE_END.sub("\n", secret)
        yield from (unix, unix.replace("\n", "\r\n"))


def _lines(secret: str) -> list[str]:
    """The lines of a secret of several, each once, that are long enough to tell something."""
    lines = _LINE_END.split(secret)
    return (
        list(dict.fromkeys(line.strip() for line in lines if len(line.strip()) >= SHORTEST_LINE)) if lines[1:] else []
    )


def _escapes(text: str) -> Iterator[str]:
    yield text
    if _NEVER_ESCAPED.fullmatch(text):
        return
    for escape in _ESCAPES:
        yield from escape(text)


def _percent(text: str) -> Iterator[str]:
    raw = _encoded(text)
    forms = [urllib.parse.quote_plus(raw, "*").replace("~", "%7E")]  # as browsers, Node and Java write a form
    for safe in _URL_SAFE_CHARACTERS:
        forms += (urllib.parse.quote(raw, safe), urllib.parse.quote_plus(raw, safe))
    for quoted in forms:
        yield quoted
        yield _PERCENT.sub(lambda match: match.group().lower(), quoted)


def _json(text: str) -> Iterator[str]:
    for ascii_only in (True, False):
        quoted = json.dumps(text, ensure_ascii=ascii_only)[1:-1]
        yield quoted
        yield _UNICODE_ESCAPE.sub(lambda match: "\\u" + match.group()[2:].upper(), quoted)
        yield quoted.replace("/", "\\/")
        yield quoted.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")  # as Go writes it


def _shell(text: str) -> Iterator[str]:
    yield text.replace("'", "'\\''")
    yield text.replace("'", "'\"'\"'")
    yield _SHELL_SPECIAL.sub(r"\\\1", text)
    yield _SHELL_SPECIAL_IN_DOUBLE_QUOTES.sub(r"\\\1", text)


def _python(text: str) -> Iterator[str]:
    for shown in (repr(text)[1:-1], repr(_encoded(text))[2:-1]):
        yield shown
        yield shown.replace("'", "\\'")


def _markup(text: str) -> Iterator[str]:
    quoted = html.escape(text)
    yield quoted
    yield quoted.replace("&#x27;", "&#39;")
    yield quoted.replace("&#x27;", "&apos;")
    yield html.escape(text, quote=False)


_ESCAPES: tuple[Callable[[str], Iterator[str]], ...] = (_percent, _json, _shell, _python, _markup)


def _dumps(raw: bytes) -> Iterator[bytes]:
    """Base64 and hexadecimal of the bytes, of base64 the characters that the bytes alone decide, at each of the three
    places where a secret within a longer text can begin; and all of it where nothing follows the secret.
    """
    yield raw.hex().encode()
    yield raw.hex().upper().encode()
    forms = [base64.b64encode(raw)]
    for before in range(3):
        encoded = base64.b64encode(bytes(before) + raw)
        forms.append(encoded[(before * 8 + 5) // 6 : (before + len(raw)) * 8 // 6])
    for form in forms:
        if len(form) >= SHORTEST:
            yield form
            yield form.replace(b"+", b"-").replace(b"/", b"_")


def _encoded(text: str) -> bytes:
    """The bytes that a program gets: an environment keeps bytes that are no UTF-8 as lone surrogates."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace")


def _as_log_text(text: str) -> bytes:
    """The form as it stands in a log, which is valid UTF-8."""
    return _encoded(text).decode("utf-8", "replace").encode()


def _sorted(forms: set[bytes]) -> tuple[bytes, ...]:
    return tuple(sorted(form for form in forms if len(form) >= SHORTEST))
