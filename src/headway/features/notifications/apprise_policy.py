"""Which services of Apprise's a channel may be told on, and what their addresses may say: nothing of this machine.

What may be used is listed, by scheme, in ``apprise_verdicts.json``; what is not in it is told on no channel, and so is
a service of a later Apprise until somebody has judged it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from functools import cache
from importlib import resources
from typing import Any
from urllib.parse import unquote

# Where Apprise has another address begin: of many signs it is looked at once what follows them, not from each on.
_NEXT = re.compile(r"(?<![\s,;])[\s,;]++(?=[A-Za-z0-9]{1,32}://)")
_SIGNS = re.compile(r"[?&;]")


def refusal(url: str) -> str | None:
    """Why nobody saves an address of Apprise's; None where it may be saved. What Apprise itself reads in it is judged
    once more before it is told on.
    """
    for each in _NEXT.split(url):
        scheme, _, rest = each.strip().partition("://")
        why = _of_scheme(scheme.lower()) or _of_files(_files(scheme.lower()), dict(_said(rest)))
        if why is not None:
            return why
    return None


def refusal_to_tell(scheme: str, said: Mapping[str, str]) -> str | None:
    """Why nothing is told by a service, by its scheme and what an address says to it as Apprise has read them."""
    if scheme not in _verdicts()["services"] and _of_scheme(scheme) is None:
        return f"{scheme}:// is a service of an Apprise that this Headway does not know: nothing is told on it."
    return _of_scheme(scheme) or _of_files(_files(scheme), said)


@cache
def _verdicts() -> Mapping[str, Any]:
    """The list, as it lies beside this file."""
    text = resources.files("headway.features.notifications").joinpath("apprise_verdicts.json").read_text("utf-8")
    found: Mapping[str, Any] = json.loads(text)
    return found


def _of_scheme(scheme: str) -> str | None:
    reason = _verdicts()["refused"].get(scheme)
    if reason is None:
        return None
    why = _verdicts()["reasons"][reason]
    return f"{scheme}:// {why}: no channel leads there. Give a service that is reached elsewhere."


def _of_files(files: Collection[str], said: Mapping[str, str]) -> str | None:
    for name in sorted(files):
        if said.get(name, "").strip():
            return (
                f"{name}= names a file, and no channel reads one: leave {name}= out of the address, and give what "
                "opens the service in the address itself."
            )
    return None


def _files(scheme: str) -> Collection[str]:
    """What names a file to a service; of an address that is no scheme of Apprise's, what does to any."""
    named: Mapping[str, list[str]] = _verdicts()["files"]
    if scheme in _verdicts()["services"]:
        return named.get(scheme, ())
    return {each for names in named.values() for each in names}


def _said(rest: str) -> Iterator[tuple[str, str]]:
    for each in _SIGNS.split(rest)[1:]:
        name, _, value = each.partition("=")
        yield unquote(name).strip().lower(), unquote(value)
