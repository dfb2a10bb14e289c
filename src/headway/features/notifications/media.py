"""The two ways to tell: signed webhooks of our own, and Apprise with its hundred services, in a process of its own."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import os
import re
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import field
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from headway.features.notifications.messages import body_of, calling_nobody, message_title
from headway.features.notifications.model import WEBHOOK, Channel, ChannelTarget, Notice
from headway.features.notifications.turns import Turns
from headway.infra.hosts import cgroups
from headway.infra.hosts.anchor_start import CLEAN_PATH
from headway.infra.hosts.privileges import within
from headway.infra.hosts.program_input import feed
from headway.infra.outward_connections import NEAR, LeadsNear
from headway.infra.panel.data_dir import DataDir
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import HeadwayError

_SECONDS = 20.0
_APPRISE_SECONDS = 60.0
_LONGEST_ERROR = 300
_LEAST_SECRET = 6
_PIECES = re.compile(r"[^A-Za-z0-9_-]+")
_SIGNING = "whsec_"
_LONGEST_ANSWER = 1 << 16
_HANDED_ON = frozenset(
    {
        *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "TZ"),
        *("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"),
    }
)


class NotTold(HeadwayError):
    """A channel has not taken a notice; the sentence says why, and holds no secret."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """Tells on channels. ``home`` is an empty folder, in which Apprise begins as ``program``, and ``account`` what it
    becomes before it hears where to; None where there are no accounts. Of whoever may not name what is near it has the
    group ``outward``, below the control group that ``gated`` gives, where the kernel keeps it to the internet.
    """

    home: str = "/"
    account: int | None = None
    outward: int | None = None
    gated: Callable[[], Path | None] = lambda: None
    program: tuple[str, ...] = ("-m", "headway.features.notifications.apprise_call")
    turns: Turns = field(default_factory=Turns)

    @classmethod
    def of(cls, data_dir: DataDir, gated: Callable[[], Path | None]) -> Self:
        """Those of a panel."""
        return cls(home=data_dir.home, account=data_dir.channels_uid, outward=data_dir.outward_gid, gated=gated)

    async def tell(self, channel: Channel, notice: Notice, now: datetime) -> None:
        """Tells a notice once. Raises NotTold."""
        if channel.medium == WEBHOOK:
            await _post(channel, notice, now)
            return
        title, body = (
            message_title(notice.event, notice.payload),
            body_of(notice.event, notice.notice_id, notice.payload),
        )
        async with self.turns.of(channel.organization_id):
            await self._by_apprise(channel.target, calling_nobody(title), calling_nobody(body))

    async def _by_apprise(self, target: ChannelTarget, title: str, body: str) -> None:
        """Apprise in a process of its own: one that hangs is ended, and the panel does not carry its hundred services,
        nor do they have the panel's rights.
        """
        told = json.dumps({"url": target.url, "title": title, "body": body, "guarded": target.guarded}).encode()
        words = (sys.executable, "-I", *self.program, *self._whom(guarded=target.guarded))
        group = await asyncio.to_thread(lambda: cgroups.make_one(self.gated(), "told")) if target.guarded else None
        try:
            status, output = await self._answer(words if group is None else within(words, group), told)
        finally:
            if group is not None:
                await asyncio.to_thread(cgroups.remove, [group])
        _judge(status, output, target)

    def _whom(self, *, guarded: bool) -> tuple[str, ...]:
        """Whom it becomes."""
        if self.account is None:
            return ()
        return (f"--as={self.account}{f':{self.outward}' if guarded and self.outward is not None else ''}",)

    async def _answer(self, words: tuple[str, ...], told: bytes) -> tuple[int | None, bytes]:
        """The status with which it ends, and what it answers. Raises NotTold."""
        process = await asyncio.create_subprocess_exec(
            *words,
            cwd=self.home,
            env=_environment(),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            async with asyncio.timeout(_APPRISE_SECONDS):
                output = await _exchanged(process, told)
        except TimeoutError:
            raise NotTold(f"The service did not answer within {_APPRISE_SECONDS:.0f} s.") from None
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        return process.returncode, output


def signature(secret: str, notice_id: str, timestamp: str, body: bytes) -> str:
    """What a receiver compares: HMAC-SHA256 over id, time and body, as Standard Webhooks have it."""
    key = base64.b64decode(secret.removeprefix(_SIGNING)) if secret.startswith(_SIGNING) else secret.encode()
    digest = hmac.digest(key, f"{notice_id}.{timestamp}.".encode() + body, hashlib.sha256)
    return f"v1,{base64.b64encode(digest).decode()}"


def body_for(notice: Notice) -> bytes:
    """What a receiver of webhooks gets."""
    told = {
        "id": notice.notice_id,
        "type": notice.event,
        "timestamp": notice.created_at.isoformat(timespec="milliseconds"),
        "title": message_title(notice.event, notice.payload),
        "data": dict(notice.payload),
    }
    return json.dumps(told, ensure_ascii=False).encode()


async def _post(channel: Channel, notice: Notice, now: datetime) -> None:
    import httpx  # noqa: PLC0415 - a panel that tells nobody never loads it

    from headway.infra.outward_http import transport  # noqa: PLC0415 - as above

    body, timestamp = body_for(notice), str(int(now.timestamp()))
    headers = {
        "content-type": "application/json",
        "user-agent": "Headway",
        **channel.target.headers,
        "webhook-id": notice.notice_id,
        "webhook-timestamp": timestamp,
    }
    if channel.target.secret:
        headers["webhook-signature"] = signature(channel.target.secret, notice.notice_id, timestamp, body)
    try:
        way: dict[str, Any] = {"transport": transport(), "trust_env": False} if channel.target.guarded else {}
        async with (
            httpx.AsyncClient(timeout=_SECONDS, **way) as client,  # follows nothing
            asyncio.timeout(_SECONDS),
            client.stream("POST", channel.target.url, content=body, headers=headers) as answer,
        ):
            pass  # what it says beside its status is of no use, and may be without end
    except LeadsNear as near:
        raise NotTold(near.message) from near
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, TimeoutError) as error:
        raise NotTold(f"The receiver could not be reached: {type(error).__name__}.") from None
    if not answer.is_success:
        raise NotTold(f"The receiver answered {answer.status_code}.")


def _environment() -> dict[str, str]:
    """What Apprise is told of its surroundings: how the internet is reached and who is trusted there, and no more."""
    given = {name: value for name, value in os.environ.items() if name.upper() in _HANDED_ON}
    return {"PATH": CLEAN_PATH, "LANG": "C.UTF-8", "MALLOC_ARENA_MAX": "2", **given}


async def _exchanged(process: asyncio.subprocess.Process, told: bytes) -> bytes:
    """What it answers, as far as that is an answer."""
    stdout = process.stdout
    assert stdout is not None  # noqa: S101 - a pipe
    await feed(process, told)
    answer = bytearray()
    while len(answer) <= _LONGEST_ANSWER and (piece := await stdout.read(_LONGEST_ANSWER)):
        answer += piece
    if len(answer) <= _LONGEST_ANSWER:
        await process.wait()
    return bytes(answer[:_LONGEST_ANSWER])


def _judge(status: int | None, output: bytes, target: ChannelTarget) -> None:
    try:
        answer: Mapping[str, object] = json.loads(output)
    except ValueError:
        raise NotTold(f"Apprise ended with the status {status} and said nothing.") from None
    if isinstance(refused := answer.get("refused"), str):  # our own word, which holds nothing of the address
        raise NotTold(refused[:_LONGEST_ERROR])
    if answer.get("told") is not True:
        # What a service says may be what another host says, and is told to nobody who may not ask that host.
        why = None if target.guarded else answer.get("why")
        if answer.get("near") is True:
            why = NEAR
        raise NotTold(hidden(str(why or "The service did not take it."), target.url)[:_LONGEST_ERROR])


def hidden(text: str, url: str) -> str:
    """``text`` without anything that stands in the address, which holds secrets in places that only Apprise knows."""
    pieces = {piece for piece in _PIECES.split(url.partition("://")[2]) if len(piece) >= _LEAST_SECRET}
    for piece in sorted(pieces, key=len, reverse=True):
        text = text.replace(piece, "******")
    return text
