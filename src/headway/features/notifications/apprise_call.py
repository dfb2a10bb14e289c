"""Tells one thing by Apprise, as a program: what and where comes as JSON on the standard input, what became of it goes
as JSON to the standard output.
"""

from __future__ import annotations

import json
import logging
import sys
from io import StringIO

import apprise

from headway.infra.outward_connections import only_outward


def main() -> None:
    """Tells it."""
    given = json.load(sys.stdin)
    said = StringIO()
    logging.getLogger("apprise").addHandler(logging.StreamHandler(said))
    refused: list[bool] = []
    if given.get("guarded"):
        only_outward(lambda: refused.append(True))
    service = apprise.Apprise()
    known = bool(service.add(given["url"]))
    # Said to be plain text: what looks like markup in it, a commit's message for one, is shown as it was written.
    text = apprise.NotifyFormat.TEXT
    told = known and bool(service.notify(title=given["title"], body=given["body"], body_format=text))
    why = None if told else (said.getvalue().strip().splitlines() or [""])[-1] or None
    if not known:
        why = "Apprise does not know such an address."
    json.dump({"told": told, "why": why, "near": bool(refused)}, sys.stdout)


if __name__ == "__main__":
    main()
