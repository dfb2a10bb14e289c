"""Tells one thing by Apprise, as a program: what and where comes as JSON on the standard input, what became of it goes
as JSON to the standard output. Before it reads that, it becomes the account of ``--as=NUMBER``, where that stands, with
the group of ``--as=NUMBER:GROUP``.
"""

from __future__ import annotations

import json
import logging
import netrc  # noqa: F401 - requests loads it with its first question
import sys
from collections.abc import Mapping, Sequence
from io import StringIO
from typing import Any

import apprise
from apprise import plugins
from apprise.conversion import convert_between
from apprise.manager_plugins import NotificationManager
from apprise.utils.parse import parse_urls

from headway.features.notifications import apprise_confinement
from headway.features.notifications.apprise_policy import refusal_to_tell
from headway.infra.outward_connections import only_outward

_UNKNOWN = "Apprise does not know such an address."
_LONGEST = 4096


def main(arguments: Sequence[str]) -> None:
    """Tells it."""
    _load()
    apprise_confinement.be_ended_first()
    for each in arguments:
        apprise_confinement.become(*map(int, each.removeprefix("--as=").split(":")))
    apprise_confinement.bound()
    given = json.load(sys.stdin)
    apprise_confinement.close_files()
    answer = _told(given)
    sys.stdout.write(json.dumps(answer))
    sys.stdout.flush()


def _load() -> None:
    """All that telling takes: an account that gets into no folder could load nothing any more."""
    list(NotificationManager().plugins())
    refusal_to_tell("json", {})
    "example.org".encode("idna")
    text, html = apprise.NotifyFormat.TEXT, apprise.NotifyFormat.HTML
    for first, second in ((text, html), (html, text), (apprise.NotifyFormat.MARKDOWN, html)):
        convert_between(first, second, "a line")


def _told(given: Mapping[str, Any]) -> dict[str, Any]:
    said = StringIO()
    logging.getLogger("apprise").addHandler(logging.StreamHandler(said))
    near: list[bool] = []
    if given.get("guarded"):
        only_outward(lambda: near.append(True))
    service = apprise.Apprise(asset=apprise.AppriseAsset(storage_mode=apprise.PersistentStoreMode.MEMORY))
    refused = _add(service, given["url"])
    if refused is not None:
        is_unknown = refused == _UNKNOWN
        return {"told": False, "why": refused, "near": bool(near), "refused": None if is_unknown else refused}
    # Said to be plain text: what looks like markup in it, a commit's message for one, is shown as it was written.
    text = apprise.NotifyFormat.TEXT
    told = bool(service.notify(title=given["title"], body=given["body"], body_format=text))
    why = None if told else (said.getvalue().strip().splitlines() or [""])[-1][:_LONGEST] or None
    return {"told": told, "why": why, "near": bool(near), "refused": None}


def _add(service: apprise.Apprise, url: str) -> str | None:
    """Adds what an address names, which may be several; why not, where one of them is refused or not known."""
    for each in parse_urls(url) or [url]:
        parsed = plugins.url_to_dict(each)
        if not parsed:
            return _UNKNOWN
        refused = refusal_to_tell(str(parsed["schema"]).lower(), parsed.get("qsd", {}))
        if refused is not None:
            return refused
        if not service.add(parsed):
            return _UNKNOWN
    return None


if __name__ == "__main__":
    main(sys.argv[1:])
