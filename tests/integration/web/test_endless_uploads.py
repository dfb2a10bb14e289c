"""A form with a file whose body never ends: nothing of it is kept before it is known that it may be sent."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from typing import Any

from headway.http.uploads import MOST_DRAINED_BYTES
from tests.integration.http.world import World
from tests.integration.web.browsers import COOKIE, OWN, fields_of, send, signed_in

_PIECE = b"x" * (1 << 20)
_MOST = MOST_DRAINED_BYTES + (8 << 20)  # read on for a while, so that the sender hears the answer
_BOUNDARY = "an-end-that-never-comes"


class Endless:
    """Sends a form's fields and then a file without an end, and looks what of it lies on the panel's disk."""

    def __init__(self, world: World, path: str, session: str | None, fields: Mapping[str, str]) -> None:
        self._world, self._path, self._session = world, path, session
        self.sent = 0
        self.kept = 0
        self.status = 0
        parts = [
            f'--{_BOUNDARY}\r\ncontent-disposition: form-data; name="{k}"\r\n\r\n{v}\r\n' for k, v in fields.items()
        ]
        file = f'--{_BOUNDARY}\r\ncontent-disposition: form-data; name="zip"; filename="shop.zip"\r\n\r\n'
        self._head: bytes | None = ("".join(parts) + file).encode()

    async def go(self) -> None:
        headers = {**OWN, "host": "127.0.0.1:3000", "content-type": f"multipart/form-data; boundary={_BOUNDARY}"}
        if self._session is not None:
            headers["cookie"] = f"{COOKIE}={self._session}"
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "POST",
            "scheme": "http",
            "path": self._path,
            "raw_path": self._path.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
            "client": ("127.0.0.1", 50_000),
            "server": ("127.0.0.1", 3000),
        }
        await self._world.app(scope, self._receive, self._send)

    async def _receive(self) -> dict[str, Any]:
        folder = self._world.platform.data_dir.uploads
        self.kept = max(self.kept, sum(each.stat().st_size for each in folder.iterdir()))
        if self.sent > _MOST:
            return {"type": "http.disconnect"}
        body, self._head = self._head or _PIECE, None
        self.sent += len(body)
        return {"type": "http.request", "body": body, "more_body": True}

    async def _send(self, message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]


async def test_nothing_of_it_is_kept_without_a_session_a_token_or_the_right(world: World) -> None:
    async with signed_in(world) as client, signed_in(world, "member") as member:
        page = (await send(client, "/new/upload", name="sent")).headers["location"]
        path, fields = f"{page}/upload", await fields_of(client, f"{page}/upload")
        session, of_member = (each.cookies[COOKIE] for each in (client, member))

        stranger = Endless(world, path, None, fields)
        await stranger.go()
        assert (stranger.status, stranger.sent) == (303, 0), "led to sign in, and not a byte was read"

        for wrong in ({}, {"form_token": "0" * 64}, {**fields, "form_token": fields["form_token"][::-1]}):
            forged = Endless(world, path, session, wrong)
            await forged.go()
            assert (forged.status, forged.kept) == (403, 0)
            assert forged.sent <= _MOST

        unseen = Endless(world, path, of_member, fields)
        await unseen.go()
        assert (unseen.status, unseen.sent) == (404, 0), "it lies in no project of theirs"

        own = Endless(world, path, session, fields)
        await own.go()
        assert own.kept >= 8 << 20, "and what may be sent is taken as it comes"
