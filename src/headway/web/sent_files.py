"""Forms that are sent with a file, which lies on disk for as long as it is looked at."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from headway.core.access.model import Actor
from headway.http import errors
from headway.http.seats import Bounds, Seats
from headway.kernel.uploads import Upload
from headway.web.entrance import Admit, ReceiveUpload
from headway.web.requests import Came

_BOUNDS = Bounds(in_all=16, of_token=2, of_address=16, wait_seconds=20)  # each lies on the panel's disk
_FORM = b"multipart/form-data"


class SentFiles:
    """Takes them, few at a time."""

    def __init__(self, receive: ReceiveUpload) -> None:
        self._receive = receive
        self._seats = Seats(_BOUNDS, "uploads")

    @asynccontextmanager
    async def sent(
        self, came: Came, actor: Actor, admit: Admit
    ) -> AsyncIterator[tuple[Mapping[str, str], Upload | None]]:
        """What was typed, and the file beside it: None where none was chosen. Nothing of the file is kept before
        ``admit`` has let through what stands in front of it. Raises Problem, and Unavailable.
        """
        kind = came.headers.get(b"content-type", b"")
        if not kind.lower().startswith(_FORM):
            raise errors.unsupported(kind.decode("latin-1"))
        async with (
            self._seats.one(actor.user_id, came.visitor.address, actor.organization_id),
            self._receive(came.receive, came.headers, b"", admit) as taken,
        ):
            upload = taken.upload if taken.upload is not None and taken.upload.bytes else None
            yield {name: str(value) for name, value in taken.fields.items()}, upload
