"""The panel's end: an attendant on a server, started when it is needed, and asked."""

from __future__ import annotations

import asyncio
import gzip
import itertools
import json
import platform
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from headway.drivers.runtimes.remote.bundle import START, bundle
from headway.drivers.runtimes.remote.codec import NotUnderstood, decode, encode
from headway.drivers.runtimes.remote.contract import Setting, types_of
from headway.drivers.runtimes.remote.failures import heard
from headway.drivers.runtimes.remote.frames import HEAD, framed, length_of
from headway.infra.hosts.base import FileFailed, HostUnreachable
from headway.infra.hosts.ssh import SshHost
from headway.infra.hosts.ssh_program import Conversation
from headway.infra.hosts.wheel_programs import beside_python
from headway.kernel.errors import Conflict, HeadwayError, Unavailable

Say = Callable[[str], Awaitable[None]]
Message = Mapping[str, Any]
_Heard = asyncio.Queue[Message]
_SECONDS = 60.0
_START_SECONDS = 30.0
_RUN_SECONDS = 120.0
_MOST_ANSWER_BYTES = 4 << 20


class NotPrepared(Unavailable):
    """The server lacks what keeps applications up there."""


class RuntimeAgentClient:
    """What is asked of one server's attendant. Everything of it lies below ``setting.root`` there."""

    def __init__(self, host: SshHost, setting: Setting) -> None:
        self.host = host
        self.setting = setting
        self._starting = asyncio.Lock()
        self._providing = asyncio.Lock()
        self._conversation: Conversation | None = None
        self._hearing: asyncio.Task[None] | None = None
        self._calls: dict[int, tuple[Conversation, _Heard]] = {}
        self._numbers = itertools.count(1)

    async def call(
        self,
        part: str,
        method: str,
        *,
        say: Say | None = None,
        mask: Sequence[str] = (),
        seconds: float = _SECONDS,
        **arguments: object,
    ) -> Any:  # noqa: ANN401 - as the contract says
        """The answer of a method; ``say`` is told what it says meanwhile. Raises HostUnreachable, NotPrepared, and what
        the method raises.
        """
        conversation = await self._ready()
        number, answers = next(self._numbers), _Heard()
        self._calls[number] = (conversation, answers)
        told = {name: encode(value) for name, value in arguments.items()}
        message = {"id": number, "part": part, "method": method, "with": told, "mask": list(mask)}
        try:
            async with asyncio.timeout(seconds):
                await conversation.write(framed(message))
                answer = await self._answered(answers, say)
        except TimeoutError as error:
            self._drop()  # the next call begins with another
            raise HostUnreachable(
                f"{self.host.target.place} did not answer ({part}.{method}) within {seconds:g} s."
            ) from error
        finally:
            self._calls.pop(number, None)
        if "error" in answer:
            raise heard(answer["error"], self.host.target.name)
        try:
            return decode(answer.get("ok"), types_of(part, method)[1])
        except NotUnderstood as error:
            raise HeadwayError(f"{self.host.target.place} answered something else than was asked.") from error

    async def provide(self, name: str, path: str) -> None:
        """Sees to it that a program of the panel's is on the server too. Raises NotPrepared where it cannot run."""
        async with self._providing:
            await self._provide(name, path)

    async def link(self, path: str, name: str) -> None:
        """Gives a file there a second name, which may have been another's. Raises FileFailed."""
        await self._run("ln", "--force", path, name)

    async def _provide(self, name: str, path: str) -> None:
        own = beside_python(name)
        length = (await asyncio.to_thread(own.stat)).st_size if own.exists() else 0
        if length and await self.host.length_of(path) == length:
            return
        if not length or platform.machine() != self.host.machine:
            raise NotPrepared(
                f"{self.host.target.place} needs the program {name}, and that of this panel ({platform.machine()}) "
                f"does not run there ({self.host.machine})."
            )
        draft = f"{path}.{length}.new"
        await self.host.make_folder(path.rpartition("/")[0], mode=0o711)
        with tempfile.TemporaryDirectory() as folder:
            packed = Path(folder) / "packed"
            await asyncio.to_thread(_pack, own, packed)
            await self.host.send_file(packed, f"{draft}.gz")
        await self._run("gzip", "--decompress", "--force", f"{draft}.gz")
        await self._run("chmod", "0755", draft)
        await self.host.sync(draft)  # its length is all by which it is known later
        await self._run("mv", "-f", draft, path)

    async def _answered(self, heard: _Heard, say: Say | None) -> Message:
        while "say" in (message := await heard.get()):
            if say is not None:
                await say(str(message["say"]))
        if "lost" in message:
            raise message["lost"]
        return message

    async def _ready(self) -> Conversation:
        async with self._starting:
            if self._conversation is None:
                self._conversation = await self._started()
                self._hearing = asyncio.get_running_loop().create_task(self._hear(self._conversation))
            return self._conversation

    async def _started(self) -> Conversation:
        folder = await self._sent()
        conversation = await self.host.converse("python3", "-I", f"{folder}/{START}")
        try:
            async with asyncio.timeout(_START_SECONDS):
                await conversation.write(framed(encode(self.setting)))
                await _message(conversation)
        except TimeoutError as error:
            conversation.close()
            raise HostUnreachable(
                f"{self.host.target.place} does not start what keeps applications up within {_START_SECONDS:g} s."
            ) from error
        except HostUnreachable as error:
            said = await _complaint(conversation)
            conversation.close()
            if not said:
                raise
            raise NotPrepared(
                f"{self.host.target.place} lacks what keeps applications up ({said}). Prepare it (server.setup with "
                "native), and deploy again; Python 3.11 or newer is needed there."
            ) from error
        except BaseException:  # whoever asked first may have gone, and no session is to go with them
            conversation.close()
            raise
        return conversation

    async def _sent(self) -> str:
        """The folder of the attendant's code there, which has come over whole."""
        ours = await asyncio.to_thread(bundle)
        folder = f"{self.setting.root}/attendants/{ours.digest}"
        if await self.host.length_of(f"{folder}/{START}"):
            return folder
        await self.host.make_folder(self.setting.root, mode=0o711)
        tar, draft = f"{folder}.tar", f"{folder}.{next(self._numbers)}.new"
        await self.host.remove_tree(draft)
        await self.host.make_folder(draft)
        await self.host.write_file(tar, ours.content)
        await self._run("tar", "--extract", "--no-same-owner", f"--file={tar}", f"--directory={draft}")
        await self.host.sync(draft)
        with suppress(Conflict):
            await self.host.rename(draft, folder)
        await self.host.remove_tree(tar)
        return folder

    async def _run(self, *argv: str) -> None:
        conversation = await self.host.converse(*argv)
        try:
            said = await _complaint(conversation, _RUN_SECONDS)
            status = await conversation.ended()
        finally:
            conversation.close()
        if status != 0:
            raise FileFailed(f"{argv[0]} does not succeed on {self.host.target.place}: {said or f'status {status}'}.")

    async def _hear(self, conversation: Conversation) -> None:
        lost: HeadwayError = HostUnreachable(f"The connection to {self.host.target.place} was lost.")
        try:
            while True:
                message = await _message(conversation)
                if (call := self._calls.get(message.get("id", 0))) is not None:
                    call[1].put_nowait({name: each for name, each in message.items() if name != "lost"})
        except HostUnreachable as away:
            lost = away
        finally:
            if self._conversation is conversation:
                self._conversation = None
            conversation.close()
            for asked, answers in self._calls.values():
                if asked is conversation:
                    answers.put_nowait({"lost": lost})

    def _drop(self) -> None:
        if self._conversation is not None:
            self._conversation.close()
            self._conversation = None


async def _message(conversation: Conversation) -> Message:
    try:
        length = length_of(await conversation.read(HEAD.size), _MOST_ANSWER_BYTES)
        message: Message = json.loads(await conversation.read(length))
    except ValueError as error:
        raise HostUnreachable(f"{conversation.place} answered something that is no answer.") from error
    return message


async def _complaint(conversation: Conversation, seconds: float = 5.0) -> str:
    try:
        return await conversation.complaint(seconds)
    except (TimeoutError, OSError, HostUnreachable):
        return ""


def _pack(source: Path, target: Path) -> None:
    """Made small beside the loop, which would else do it for every byte that it sends; the same bytes each time."""
    with source.open("rb") as file, target.open("wb") as out, gzip.GzipFile("", "wb", 1, out, mtime=0) as packed:
        shutil.copyfileobj(file, packed, 1 << 20)
