"""Functions of an application that read a variable whose name they are given: what calls them reads it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final

# `os.getenv(env_key, default)` in `def extract_comma_list(env_key, default=None):`
_HANDED_ON = re.compile(r"(?:\benviron(?:\.get)?[ \t]*[\[(]|\bgetenv\()[ \t]*(?P<name>[a-z_]\w{0,40})[ \t]*[,)\]]")
_DEFINED = re.compile(r"^(?:async[ \t]+)?def[ \t]+(?P<function>[A-Za-z_]\w{1,60})\(\s{0,40}(?P<name>[a-z_]\w{0,40})\b")
_NUMBER = re.compile(r"\bint\(")
_PARTS = re.compile(r"\bsplit\([ \t]*(?:[a-z_]|[\"'],)")
_KNOWN: Final = re.compile(r"(?:\w{1,60}_)?env(?:_\w*)?|getenv|config")  # which need no other name
_MOST_BODY: Final = 2000
_MOST_READS: Final = 400
_MOST_READERS: Final = 20


def spelled_out(texts: Sequence[str]) -> tuple[str, ...]:
    """The texts, where each call of such a function of any of them is one of ``env_value``, ``env_int`` or
    ``env_list``, after what it makes of a value.
    """
    readers = {name: kind for text in texts for name, kind in _readers(text)}
    if not readers:
        return tuple(texts)
    named = "|".join([*readers][:_MOST_READERS])
    called = re.compile(rf"""(?<![\w.])(?P<name>{named})\((?=\s{{0,80}}["'][A-Z])""")
    return tuple(called.sub(lambda match: f"{readers[match['name']]}(", text) for text in texts)


def _readers(text: str) -> Iterator[tuple[str, str]]:
    for match in islice(_HANDED_ON.finditer(text), _MOST_READS):
        begin = text.rfind("\ndef ", max(0, match.start() - _MOST_BODY), match.start()) + 1
        above = _DEFINED.match(text[begin : match.end()])
        if above is None or above["name"] != match["name"] or _KNOWN.fullmatch(above["function"]):
            continue
        end = text.find("\n\n\n", match.end())
        body = text[begin : min(match.end() + _MOST_BODY, end if end >= 0 else len(text))]
        body = body.split("\ndef ")[0]
        kind = "env_int" if _NUMBER.search(body) else "env_list" if _PARTS.search(body) else "env_value"
        yield above["function"], kind
