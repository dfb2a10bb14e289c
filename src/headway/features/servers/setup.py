"""Preparing a server: what is there already is left as it is, so that it may be done again at any time."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from headway.core.deployments.model import Deployment
from headway.core.deployments.run import Frozen, Json, Run, RunFailed, Success, Undo
from headway.core.deployments.status import Reason
from headway.features.servers import store
from headway.features.servers.examination import docker_of, examined
from headway.features.servers.fleet import Fleet
from headway.features.servers.model import ServerFacts
from headway.infra.db.transaction import Tx
from headway.infra.docker.api import EngineAway
from headway.infra.hosts.anchor_start import CLEAN_PATH
from headway.infra.hosts.command import command
from headway.kernel.dataclass import dataclass
from headway.kernel.phrase import phrase

KIND = "server.setup"
VERSION = 1

DEBIAN, UBUNTU = "debian", "ubuntu"
# Debian parts the engine's programs since 13; where a name is not known its package brings all of them.
_ENGINE: Mapping[str, tuple[str, ...]] = {
    DEBIAN: ("docker.io", "docker-cli", "docker-buildx", "docker-compose", "iptables", "ca-certificates"),
    UBUNTU: ("docker.io", "docker-buildx", "docker-compose-v2", "iptables", "ca-certificates"),
}
# What keeps applications up there, with or without an engine.
_UP = ("python3", "python3-cryptography", "ca-certificates")
# Newer programs of Node are linked with libatomic; the last three compile what nobody has built for the machine.
_NATIVE = ("python3-venv", "xz-utils", "libatomic1", "build-essential", "python3-dev", "pkg-config")
_LEAST_FREE_BYTES = 1 << 30
_MOST_DRIFT_SECONDS = 60.0
_ENGINE_SECONDS = 60.0
_ENGINE_PAUSE_SECONDS = 0.5
_SHOWN = "${Package} ${db:Status-Status}\\n"
_ENV: Mapping[str, str] = {"PATH": CLEAN_PATH, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wants:
    """What a server is to have: a Docker engine, the parts that native builds need. ``dry_run`` only says what would be
    done.
    """

    docker: bool = True
    native: bool = False
    dry_run: bool = False

    def dump(self) -> dict[str, Json]:
        """As the deployment's input."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class SetupKind:
    """How a server is prepared; fits ``core.deployments.run.Kind``."""

    fleet: Fleet
    name: str = KIND
    version: int = VERSION
    repeatable_until: str | None = None

    def freeze(self, tx: Tx, deployment: Deployment) -> Frozen:
        """What is wanted. Raises RunFailed (refused) where the server is gone."""
        if store.owner(tx, deployment.subject_id) is None:
            raise RunFailed("The server was removed.", Reason.REFUSED)
        return Frozen(plan={name: bool(deployment.input.get(name)) for name in Wants().dump()})

    async def perform(self, run: Run) -> Success:
        """See the module's docstring; every line is a recorded step."""
        setup = _Setup(run, self.fleet, Wants(**run.plan))
        distribution = await setup.look()
        missing = await setup.missing(distribution)
        await setup.install(missing)
        await setup.engine()
        return await setup.success()

    @property
    def undos(self) -> Mapping[str, Undo]:
        """Nothing is taken back: what was installed is found by the next run."""
        return {}


def problems_of(facts: ServerFacts) -> list[str]:
    """What would come in the way of work on a server, each with what to do."""
    problems = []
    drift, free = facts.clock_drift_seconds or 0.0, facts.disk_free_bytes
    if abs(drift) > _MOST_DRIFT_SECONDS:
        problems.append(
            f"The server's clock is {abs(drift):.0f} s {'ahead of' if drift > 0 else 'behind'} Headway's, which breaks "
            "certificates and tokens. Set it right (timedatectl set-ntp true)."
        )
    if free is not None and free < _LEAST_FREE_BYTES:
        problems.append(
            f"Only {free >> 20} MiB are free on the server's disk, and {_LEAST_FREE_BYTES >> 20} MiB are needed. Make "
            "room."
        )
    return problems


class _Setup:
    """The steps of one set-up."""

    def __init__(self, run: Run, fleet: Fleet, wants: Wants) -> None:
        self._run = run
        self._host = fleet.server(run.deployment.host_id)
        self._wants = wants

    async def look(self) -> str:
        """The distribution, where the machine is one that can be prepared."""

        async def examine() -> Json:
            facts = await examined(self._host)
            await self._run.write(lambda tx: store.set_facts(tx, self._run.deployment.subject_id, facts))
            await self._run.say(_told(facts))
            if problems := problems_of(facts):
                raise RunFailed(f"{problems[0]} Then set the server up again.", Reason.REFUSED)
            return _distribution((await self._host.read_file("/etc/os-release") or b"").decode(errors="replace"))

        found: str = await self._run.step("look", examine)
        return found

    async def missing(self, distribution: str) -> list[str]:
        """The packages that are not installed yet."""

        async def ask() -> Json:
            wanted = _packages(distribution, self._wants)
            there = await self._asked("look at packages", "dpkg-query", "--show", f"--showformat={_SHOWN}")
            installed = {line.split()[0] for line in there.splitlines() if line.endswith(" installed")}
            missing = [name for name in wanted if name not in installed]
            return [name for name in missing if name in await self._to_be_had(missing)]

        found: list[str] = await self._run.step("packages", ask)
        await self._run.say(
            phrase("To be installed: {}.", ", ".join(found))
            if found
            else phrase("Every package that is wanted is there.")
        )
        return found

    async def install(self, missing: Sequence[str]) -> None:
        """Installs them, after whatever an earlier run left half-done."""
        if not missing or self._wants.dry_run:
            return

        async def work() -> Json:
            await self._run.command("dpkg --configure", command("dpkg", "--configure", "-a", env=_ENV))
            argv = ("apt-get", "install", "-y", "-q", "--no-install-recommends", *missing)
            await self._run.command("apt-get install", command(*argv, env=_ENV))

        await self._run.step("install", work)

    async def engine(self) -> None:
        """Sees to it that the Docker engine answers, now and after a restart of the machine."""
        if not self._wants.docker or self._wants.dry_run:
            return

        async def start() -> Json:
            if await docker_of(self._host).answers():
                await self._run.say(phrase("The Docker engine answers."))
                return
            has_systemd = command("test", "-d", "/run/systemd/system", env=_ENV)
            if not (await self._run.command("look for systemd", has_systemd, check=False)).succeeded:
                raise RunFailed(
                    "Docker is installed, but its engine does not run, and there is no systemd here to start it. Start "
                    "dockerd as this machine does it, then set the server up again."
                )
            await self._run.command("systemctl", command("systemctl", "enable", "--now", "docker", env=_ENV))
            await self._until_it_answers()

        await self._run.step("engine", start)

    async def success(self) -> Success:
        """What the server is like now."""
        if self._wants.dry_run:
            return Success(message="Nothing was changed: this was a dry run.")
        facts = await examined(self._host)
        server_id = self._run.deployment.subject_id
        return Success(message="The server is prepared.", settle=lambda tx: store.set_facts(tx, server_id, facts))

    async def _to_be_had(self, wanted: Sequence[str]) -> set[str]:
        """Those of the packages that the machine's sources have; their lists are fetched first where some are not
        known. A dry run fetches nothing.
        """
        known = _candidates(await self._asked("look for packages", "apt-cache", "policy", *wanted)) if wanted else set()
        if len(known) == len(wanted):
            return known
        if self._wants.dry_run:
            return known or set(wanted)
        await self._run.command("apt-get update", command("apt-get", "update", "-q", env=_ENV))
        return _candidates(await self._asked("look for packages again", "apt-cache", "policy", *wanted))

    async def _asked(self, name: str, *argv: str) -> str:
        ended = await self._run.command(name, command(*argv, env=_ENV, capture=True))
        return ended.output.decode(errors="replace")

    async def _until_it_answers(self) -> None:
        api = docker_of(self._host)
        try:
            async with asyncio.timeout(_ENGINE_SECONDS):
                while not await api.answers():  # noqa: ASYNC110 - it is on another machine
                    await asyncio.sleep(_ENGINE_PAUSE_SECONDS)
        except TimeoutError as error:
            raise EngineAway(f"no answer for {_ENGINE_SECONDS:g} s after it was started") from error


def _distribution(os_release: str) -> str:
    """Which of the known distributions a machine is of. Raises RunFailed (refused)."""
    found = dict(re.findall(r'^(ID|ID_LIKE)="?([^"\n]*)"?$', os_release, re.MULTILINE))
    for name in (UBUNTU, DEBIAN):
        if name in f"{found.get('ID', '')} {found.get('ID_LIKE', '')}".split():
            return name
    raise RunFailed(
        f"{found.get('ID') or 'This system'} is not known to Headway: a server is prepared on Debian, Ubuntu and what "
        "derives from them. Elsewhere install Docker by hand; the server is then as good as any.",
        Reason.REFUSED,
    )


def _packages(distribution: str, wants: Wants) -> list[str]:
    engine = _ENGINE[distribution] if wants.docker else ()
    native = _NATIVE if wants.native else ()
    return list(dict.fromkeys((*engine, *(_UP if wants.docker or wants.native else ()), *native)))


def _candidates(policy: str) -> set[str]:
    """The packages that `apt-cache policy` has a version for."""
    return set(re.findall(r"^(\S+):\n  Installed: .*\n  Candidate: (?!\(none\))", policy, re.MULTILINE))


def _told(facts: ServerFacts) -> str:
    def gib(size: int | None) -> str:
        return "?" if size is None else f"{size / (1 << 30):.1f} GiB"

    return phrase(
        "{} ({}), {} cores, {} of memory, {} free, {}.",
        facts.system or phrase("An unknown system"),
        facts.machine,
        facts.cores or "?",
        gib(facts.memory_bytes),
        gib(facts.disk_free_bytes),
        f"Docker {facts.docker}" if facts.docker else phrase("no Docker"),
    )
