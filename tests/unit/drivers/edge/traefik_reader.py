"""Reads a route file as strictly as Traefik's reader of YAML (go.yaml.in/yaml/v3): PyYAML takes more than that one."""

from __future__ import annotations

import re
from typing import Any

import yaml

_LONGEST_KEY = 1024
_PRINTABLE = re.compile("[\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]*")
_ENDS_A_LINE = re.compile("[\r\x85\u2028\u2029]")
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)", re.DOTALL)
_KEY = re.compile(r'("(?:[^"\\]|\\.)*")\s*:')


def refusal(text: str) -> str | None:
    """Why Traefik would refuse the file, None where it takes it."""
    if not _PRINTABLE.fullmatch(text):
        return "control characters are not allowed"
    if _ENDS_A_LINE.search(text):
        return "a line ends within a text"
    body = text.partition("\n")[2] if text.startswith("#") else text
    for found in _ESCAPE.finditer(body):
        code = int(found[1][1:], 16) if found[1][0] in "uU" else 0
        if 0xD800 <= code <= 0xDFFF or code > 0x10FFFF:
            return "found invalid Unicode character escape code"
    if any(len(found[1]) > _LONGEST_KEY for found in _KEY.finditer(body)):
        return "did not find expected ',' or '}'"
    return None


def read(text: str) -> Any:  # noqa: ANN401 - YAML
    """What Traefik reads in the file."""
    why = refusal(text)
    assert why is None, why
    return yaml.load(text, yaml.CSafeLoader)
