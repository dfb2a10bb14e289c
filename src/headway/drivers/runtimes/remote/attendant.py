"""The attendant: a process on a server, for as long as the link stands, that keeps runtimes and edge there as the panel
asks. What it starts outlives it.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import json
import os
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

from headway.drivers.edge.edge import Edge
from headway.drivers.edge.issuance import IssuanceFiles
from headway.drivers.edge.traefik import Https
from headway.drivers.runtimes.container.exec_sessions import ExecSessions
from headway.drivers.runtimes.container.runtime import ContainerRuntime
from headway.drivers.runtimes.container.start_networks import OwnBeginning
from headway.drivers.runtimes.contract.machine import OwnMachine
from headway.drivers.runtimes.gates.panel_gates import gates_of
from headway.drivers.runtimes.gates.table_content import Ports
from headway.drivers.runtimes.process.runtime import NativeRuntime
from headway.drivers.runtimes.remote.codec import NotUnderstood, decode, encode
from headway.drivers.runtimes.remote.contract import Setting, types_of
from headway.drivers.runtimes.remote.failures import told
from headway.drivers.runtimes.remote.frames import HEAD, framed, length_of
from headway.infra.docker.api import DockerApi, unix_socket
from headway.infra.hosts.private_file import write_privately
from headway.kernel.errors import HeadwayError
from headway.kernel.vault import Vault

_SILENCE_SECONDS = 900.0  # a panel asks every few seconds while applications are here
Mask = Callable[[str], str]
MakeMask = Callable[[Sequence[str]], Mask]


class Work:
    """The part of a run that a runtime sees here. The epoch is held still by the panel, for as long as a call lasts
    that changes anything; it falls with the link, and with it this process.
    """

    def __init__(self, say: Callable[[str], Any], masked: Mask) -> None:
        self._say = say
        self.masked = masked

    async def say(self, text: str) -> None:
        """A line for the run's log."""
        await self._say(text)

    def fence(self) -> AbstractAsyncContextManager[None]:
        """As said above."""
        return _held()


@asynccontextmanager
async def _held() -> AsyncIterator[None]:
    yield


class RuntimeAgent:
    """Answers one panel over two streams."""

    def __init__(self, reader: asyncio.StreamReader, write: Callable[[bytes], None], make_mask: MakeMask) -> None:
        self._reader = reader
        self._write = write
        self._make_mask = make_mask
        self._parts: Mapping[str, Any] = {}
        self._calls: set[asyncio.Task[None]] = set()

    async def serve(self) -> None:
        """Until the panel is gone, or has said nothing for so long that it must be, with nobody having told us."""
        setting: Setting = decode(await self._hear(), Setting)
        self._parts = await asyncio.to_thread(parts_of, setting)
        self._write(framed({"ready": True}))
        while True:
            async with asyncio.timeout(_SILENCE_SECONDS):
                message = await self._hear()
            task = asyncio.get_running_loop().create_task(self._answer(message))
            self._calls.add(task)
            task.add_done_callback(self._calls.discard)

    async def _hear(self) -> Any:  # noqa: ANN401 - JSON
        head = await self._reader.readexactly(HEAD.size)
        return json.loads(await self._reader.readexactly(length_of(head)))

    async def _answer(self, message: Mapping[str, Any]) -> None:
        number = message["id"]
        try:
            answer = {"ok": await self._called(message)}
        except HeadwayError as error:
            answer = {"error": told(error)}
        except Exception as error:  # noqa: BLE001 - the panel is told of it, and logs it
            sys.stderr.write(f"{message['part']}.{message['method']}: {type(error).__name__}: {error}\n")
            sys.stderr.flush()
            sentence = f"What keeps applications up met an unforeseen {type(error).__name__} ({error})."
            answer = {"error": {"kind": HeadwayError.__name__, "message": sentence}}
        self._write(framed({"id": number, **answer}))

    async def _called(self, message: Mapping[str, Any]) -> Any:  # noqa: ANN401 - JSON
        part, method = message["part"], message["method"]
        if part not in self._parts:
            raise NotUnderstood(part)
        wanted, gives = types_of(part, method)
        arguments = {name: decode(told, wanted[name]) for name, told in message["with"].items()}
        called = getattr(self._parts[part], method)
        mask = self._make_mask(message.get("mask", ()))
        taken = inspect.signature(called).parameters
        if "work" in taken:
            arguments["work"] = Work(self._saying(message["id"]), mask)
        if "masked" in taken:
            arguments["masked"] = mask
        answer = await called(**arguments)
        return None if gives is type(None) else encode(answer)

    def _saying(self, number: int) -> Callable[[str], Any]:
        async def say(text: str) -> None:
            self._write(framed({"id": number, "say": text}))

        return say


def parts_of(setting: Setting) -> Mapping[str, Any]:
    """What calls are made on, by name."""
    root = Path(setting.root)
    key = root / "vault.key"
    if not key.exists():
        write_privately(key, Vault.new_key().decode())
    api = DockerApi(unix_socket(setting.engine))
    accounts = None if setting.accounts is None else range(*setting.accounts)
    ports = Ports(open=[each for each in (setting.edge_port, setting.https_port) if each is not None])
    wanted = None if setting.use_cgroups is False else accounts
    gates = gates_of(setting.panel_id, wanted, ports, runs=setting.runs)
    beginning = OwnBeginning(api=api, gates=gates)
    https = None if setting.https_port is None else https_of(setting, setting.https_port)
    native = NativeRuntime(
        root / "native",
        panel_id=setting.panel_id,
        vault=Vault(key.read_bytes()),
        vault_key=key,
        use_cgroups=setting.use_cgroups,
        caddy=Path(setting.site),
        gates=gates,
    )
    return {
        "native": native,
        "closing": native,
        "beginning": beginning,
        "container": ContainerRuntime(root / "containers", panel_id=setting.panel_id, api=api, beginning=beginning),
        "edge": Edge(
            root / "edge",
            host=setting.edge_host,
            port=setting.edge_port,
            https=https,
            traefik=Path(setting.edge),
            alone=True,
            accounts=setting.edge_accounts if os.geteuid() == 0 else None,
        ),
        "issuance": IssuanceFiles(root / "edge"),
        "machine": OwnMachine(),
        "visits": ExecSessions(api),
    }


def https_of(setting: Setting, port: int) -> Https:
    """The second entrance of the edge there."""
    return Https(
        port=port,
        mail=setting.certificate_mail,
        authority=setting.certificate_authority,
        roots=setting.certificate_roots,
    )


def attend(make_mask: MakeMask) -> None:
    """The whole life of the process: it ends at once when its standard input does, whatever is under way."""
    answers = os.dup(1)
    os.dup2(2, 1)  # what anybody prints is no answer

    def write(data: bytes) -> None:
        while data:
            data = data[os.write(answers, data) :]

    async def main() -> None:
        reader = asyncio.StreamReader(limit=1 << 20)
        loop = asyncio.get_running_loop()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        with contextlib.suppress(asyncio.IncompleteReadError, TimeoutError):
            await RuntimeAgent(reader, write, make_mask).serve()
        os._exit(0)

    asyncio.run(main())
