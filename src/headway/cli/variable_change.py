"""Saves a change to a text of variables so that what somebody else changes meanwhile stays."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus

from headway.cli.client import Client, Refused

_TRIES = 10
_LONGEST_PAUSE_SECONDS = 0.3  # those that have met do not meet again


def save(
    client: Client, procedure: str, ids: Mapping[str, str], read: Callable[[], str], change: Callable[[str], str]
) -> str:
    """The text as it is saved: what ``read`` gives, changed. Where it was changed between reading and saving it is read
    and changed again. Raises Refused with status 409 where that happens time and again, and what reading, changing and
    saving raise.
    """
    for left in reversed(range(_TRIES)):
        was = read()
        text = change(was)
        try:
            client.post(procedure, {**ids, "env": text, "envWas": was})
        except Refused as refused:
            if refused.status != HTTPStatus.CONFLICT or not left:
                raise
            time.sleep(random.uniform(0, _LONGEST_PAUSE_SECONDS))  # noqa: S311 - it keeps nothing secret
            continue
        return text
    raise AssertionError("the last try returns or raises")
