"""What of Traefik's complaints about a route is told back to its user.

Traefik quotes what it could not use, and what it could not use may be the content of a file, or an answer of somebody
else. So only sentences that are known here are told, and what they quote only where the user wrote it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

_KNOWN = tuple(
    re.compile(rf"(?:^|[ :]){sentence}$", re.DOTALL)
    for sentence in (
        r"(error parsing regexp: [a-z\[\])(?: ]+: `(?P<own>.*)`)",
        r"(error parsing regexp: [a-z\[\])(?: ]+)",
        r"(invalid CIDR address: (?P<own>.*))",
        r"(unsupported function: (?P<own>.*))",
        r"(\d+:\d+: expected [a-z' ();]+, found .{1,12})",
        r"(strconv\.[A-Z][A-Za-z]+: parsing \"(?P<own>.*)\": (?:invalid syntax|value out of range))",
        r"(unsupported (?:default )?encoding: (?P<own>.*))",
        r"(excludedContentTypes and includedContentTypes options are mutually exclusive)",
        r"(requestHost and RequestHeaderName are mutually exclusive)",
        r"(mime: [a-z ]+)",
        r"(prefix cannot be empty)",
        r"(path \"(?P<own>.*)\" does not start with a '/')",
        r"(unexpected number of parameters; got \d+, expected one of \[[\d ]+\])",
        r"(no args for matcher (?P<own>.*))",
        r"((?P<own>\w+) cannot be a standalone element \(type \*dynamic\.\w+\))",
        r"(field not found, node: (?P<own>.*))",
        r"(no users found in )",
        r"(recursion detected) in .*",
    )
)
_ELSE = "it cannot work as it is written"


def told(complaints: Sequence[tuple[str, str]], text: str) -> str:
    """The complaints, each with the part that it is about (empty: none), as far as the user of ``text`` may know."""
    parts: dict[str, list[str]] = {}
    for part, why in complaints:
        names = parts.setdefault(_known(why, text), [])
        if part and part not in names and _wrote(part, text):
            names.append(part)
    return "; ".join(f"{', '.join(names)}: {why}" if names else why for why, names in parts.items())


def _known(why: str, text: str) -> str:
    for sentence in _KNOWN:
        if (found := sentence.search(why)) is not None and _wrote(found.groupdict().get("own") or "", text):
            return found[1].strip()
    return _ELSE


def _wrote(quoted: str, text: str) -> bool:
    return json.dumps(quoted)[1:-1] in text
