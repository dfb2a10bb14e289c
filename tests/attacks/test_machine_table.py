"""Every setting that reaches the machine or a server, by every kind of caller: saved, deployed, gone back to and
restarted.
"""

from __future__ import annotations

import copy
import shutil
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from headway.core.access.machine import Power
from headway.features.services.model import ReleaseState
from tests.integration.http.world import as_it_was, open_world
from tests.support.panel.machine_stage import (
    CALLERS,
    LOW_FILE,
    MACHINE,
    PLAIN_FILE,
    SERVER,
    Call,
    Setting,
    Stage,
    Starts,
    is_kept,
    open_stage,
)

Json = Any
INSIDE = ("owner", "admin", "member", "key of the project", "key for CI")
APP, COMPOSE = {"applicationId": "{app}"}, {"composeId": "{compose}"}
NO, ALWAYS = (None, None, None), (True, True, True)
LATE, AT_ONCE = (True, True, False), (True, False, False)
WHOLE: Starts = {"deploy": LATE, "rollback": AT_ONCE, "restart": LATE}


def of_application(power: Power, save: Call, out: Call, starts: Starts = WHOLE, made: str = "") -> Setting:
    """A setting of an application."""
    given = {"deploy": ("application.deploy", APP), "restart": ("application.reload", APP)}
    return Setting(power=power, save=save, out=out, starts=starts, made=made, **given)  # type: ignore[arg-type]


def of_compose(power: Power, save: Mapping[str, Json], out: Mapping[str, Json], starts: Starts) -> Setting:
    """A setting of a compose service."""
    given = {"deploy": ("compose.deploy", COMPOSE), "restart": ("compose.start", COMPOSE)}
    calls = {"save": ("compose.update", {**COMPOSE, **save}), "out": ("compose.update", {**COMPOSE, **out})}
    return Setting(power=power, starts=starts, **given, **calls)  # type: ignore[arg-type]


def changed(**fields: Json) -> Call:
    """A change of the application."""
    return ("application.update", APP | fields)


AT_DEPLOY: Starts = {"deploy": LATE, "rollback": ALWAYS, "restart": ALWAYS}
ONCE: Starts = {"deploy": (True, None, False), "rollback": NO, "restart": NO}
SCHEDULED = {"name": "s", "cronExpression": "@daily", "command": "id"}
OF_THE_MACHINE: Mapping[str, Setting] = {
    "bind": of_application(
        Power.BIND,
        ("mounts.create", {"serviceId": "{app}", "type": "bind", "hostPath": "/", "mountPath": "/host"}),
        ("mounts.remove", {"mountId": "{made}"}),
        made="mountId",
    ),
    "port": of_application(
        Power.PORT,
        ("port.create", {**APP, "publishedPort": 53, "targetPort": 53, "protocol": "udp"}),
        ("port.delete", {"portId": "{port}"}),
    ),
    "folder": of_application(
        Power.FOLDER,
        changed(customGitUrl="file:///var/lib/x"),
        changed(customGitUrl="https://git.example/x.git"),
        AT_DEPLOY,
    ),
    "fetch": of_application(Power.FETCH, changed(engineFetch=True), changed(engineFetch=False), AT_DEPLOY),
    "loopback": of_application(
        Power.LOOPBACK, changed(loopback=[5432]), changed(loopback=[]), dict.fromkeys(WHOLE, LATE)
    ),
    "routing": of_application(
        Power.ROUTING,
        ("application.updateTraefikConfig", {**APP, "traefikConfig": "{routing}"}),
        ("application.updateTraefikConfig", {**APP, "traefikConfig": ""}),
        dict.fromkeys(WHOLE, LATE),
    ),
    "host": of_compose(
        Power.HOST,
        {"allowHostAccess": True},
        {"allowHostAccess": False},
        {"deploy": LATE, "rollback": AT_ONCE, "restart": AT_ONCE},
    ),
    "port of a compose file": replace(
        of_compose(Power.PORT, {"composeFile": LOW_FILE}, {"composeFile": PLAIN_FILE}, WHOLE), at_deploy=True
    ),
    "fetch of a compose file": of_compose(
        Power.FETCH,
        {"engineFetch": True},
        {"engineFetch": False},
        {"deploy": LATE, "rollback": ALWAYS, "restart": ALWAYS},
    ),
    "schedule": Setting(
        power=Power.SCHEDULE,
        save=("schedule.create", {**SCHEDULED, "scheduleType": "dokploy-server"}),
        out=None,
        deploy=("schedule.runManually", {"scheduleId": "{made}"}),
        made="scheduleId",
        starts=ONCE,
    ),
    "destination": Setting(
        power=Power.DESTINATION,
        save=("destination.create", {"name": "d", "provider": "local"}),
        out=None,
        deploy=("backup.manualBackupCompose", {"backupId": "{backup}"}),
        made="destinationId",
        starts=ONCE,
    ),
}
ONLY_OF_THE_PANEL = {Power.FOLDER, Power.DESTINATION}  # which fetches and keeps on its own machine


def _there(name: str, setting: Setting) -> Setting:
    """The same on a server: its organisation's own, so that no grant of the machine is asked for."""
    starts = {action: (allowed, out, allowed) for action, (allowed, out, _) in setting.starts.items()}
    if name == "schedule":
        save = ("schedule.create", {**SCHEDULED, "scheduleType": "server", "serverId": "{server}"})
        return replace(setting, save=save, starts=starts, there=True)
    return replace(setting, starts=starts, there=True)


ROWS: Mapping[str, Setting] = {
    **OF_THE_MACHINE,
    **{
        f"{name} on a server": _there(name, each)
        for name, each in OF_THE_MACHINE.items()
        if each.power not in ONLY_OF_THE_PANEL
    },
}
# Settings by which the panel, or a build, connects to somewhere; by what says whether it may be near, where it starts.
A_DATABASE = {"name": "d", "databaseName": "d", "databaseUser": "u", "databasePassword": "p"}
A_BACKUP = {"databaseType": "postgres", "database": "d", "prefix": "/", "environmentId": "{environment}"}
A_LOGIN = {"username": "u", "password": "p"}
ADDRESSES: Mapping[str, tuple[Call, str]] = {
    "repository": (changed(customGitUrl="http://10.1.1.1/x.git"), "git"),
    "image": (changed(sourceType="docker", dockerImage="10.1.1.1:5000/x"), "docker"),
    "repository of a compose file": (
        ("compose.update", {**COMPOSE, "sourceType": "git", "customGitUrl": "http://10.1.1.1/x.git"}),
        "git",
    ),
    "channel": (("notification.create", {"name": "n", "endpoint": "http://10.1.1.1/x"}), ""),
    "registry": (("registry.create", {"registryName": "r", "registryUrl": "10.1.1.1:5000", **A_LOGIN}), ""),
    "server": (("server.create", {"name": "s", "ipAddress": "10.1.1.1"}), ""),
    "gitea": (("gitea.create", {"name": "g", "giteaUrl": "http://10.1.1.1", "accessToken": "t"}), ""),
    "gitlab": (("gitlab.create", {"name": "g", "gitlabUrl": "http://10.1.1.1", "accessToken": "t"}), ""),
    "storage": (("destination.create", {"name": "d", "type": "webdav", "options": {"url": "http://10.1.1.1"}}), ""),
    "database": (
        ("postgres.create", {**A_DATABASE, "environmentId": "{environment}", "connection": {"host": "10.1.1.1"}}),
        "",
    ),
    "server of a backup": (
        ("backup.create", {**A_BACKUP, "destinationId": "{made}", "connection": {"host": "10.1.1.1", **A_LOGIN}}),
        "",
    ),
}
NEAR = "private network"
pytestmark = pytest.mark.slow  # all of them take a tenth of the time of the short form
every_row = pytest.mark.parametrize("name", ROWS)
in_one_loop = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stages(
    tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path
) -> AsyncIterator[Mapping[bool, Stage]]:
    """One on the panel's machine, and one whose services are on a server (True)."""
    async with AsyncExitStack() as stack:
        made = {}
        for there in (False, True):
            folder = tmp_path_factory.mktemp("stage")
            shutil.copyfile(sqlite_template, folder / "headway.db")
            world = await stack.enter_async_context(open_world(folder))
            made[there] = await stack.enter_async_context(open_stage(world, there=there))
        yield made


@pytest.fixture
def stage(stages: Mapping[bool, Stage], request: pytest.FixtureRequest) -> Iterator[Stage]:
    """The one that the test's row is about, which the next test finds as this one did."""
    name = request.node.callspec.params.get("name", "")
    made = stages[name in ROWS and ROWS[name].there]
    things = copy.deepcopy(made.things)
    with as_it_was(made.world):
        yield made
    made.things = things


def test_no_power_is_missing() -> None:
    assert {each.power for each in ROWS.values()} == set(Power)
    assert {each.power for each in ROWS.values() if each.there} == set(Power) - ONLY_OF_THE_PANEL


@every_row
@in_one_loop
async def test_only_who_may_use_the_machine_saves_it(stage: Stage, name: str) -> None:
    setting = ROWS[name]
    if setting.at_deploy:
        await _is_judged_at_the_deploy(stage, setting)
        return
    may = {"owner", "admin", "owner of another", "admin of another"} if setting.there else {"owner"}
    for caller in (each for each in CALLERS if each not in may):
        answer = await stage.save(caller, setting)
        assert answer.status_code in {403, 404}, (caller, answer.text)
        if "admin" in caller or caller == "owner of another":
            assert MACHINE in answer.text, caller
        if caller == "key of the project" and setting.out is not None:
            assert (SERVER if setting.there else MACHINE) in answer.text
    if not setting.there:
        await _give(stage, "owner")
        assert MACHINE in (await stage.save("admin of another", setting)).text
    for caller in ("owner", "owner of another", *(("admin", "admin of another") if setting.there else ())):
        answer = await stage.save(caller, setting)
        assert is_kept(answer), (caller, answer.text)
        if setting.out is not None:
            await stage.ok(caller, setting.out)


async def _is_judged_at_the_deploy(stage: Stage, setting: Setting) -> None:
    """Whoever may change the file writes it; who deploys it first says whether it may reach so far."""
    may = ("admin", "owner") if setting.there else ("owner",)
    await stage.ok("admin", setting.save)
    for caller in (each for each in INSIDE if each not in may):
        assert await stage.deploys(caller, setting.deploy) is False, caller
    assert await stage.deploys(may[0], setting.deploy) is True
    await stage.ok("admin of another", setting.save)
    if not setting.there:
        for caller in ("owner of another", "admin of another"):
            assert await stage.deploys(caller, setting.deploy) is False, caller
        await _give(stage, "owner")
        assert await stage.deploys("admin of another", setting.deploy) is False
    assert await stage.deploys("owner of another", setting.deploy) is True


@every_row
@in_one_loop
async def test_it_starts_for_whoever_may_start_it_as_long_as_it_is_allowed(stage: Stage, name: str) -> None:
    setting = ROWS[name]
    await _begun(stage, "owner", setting)
    callers = ("owner", "admin") if setting.power in {Power.SCHEDULE, Power.DESTINATION} else INSIDE
    for column, change in enumerate((None, setting.out)):
        if column and change is None:
            continue
        if change is not None:
            await stage.ok("owner", change)
        for caller in callers:
            for action, expected in setting.starts.items():
                if expected[column] is not None:
                    done = await _tried(stage, caller, setting, action)
                    assert done is expected[column], (caller, action, "taken out" if column else "allowed")


@every_row
@in_one_loop
async def test_it_starts_no_more_once_the_machine_is_taken_back(stage: Stage, name: str) -> None:
    setting = ROWS[name]
    await _give(stage, "owner")
    await _begun(stage, "owner of another", setting)
    await stage.ok("owner", ("organization.withdrawMachine", {"organizationId": await stage.others()}))
    for caller in ("owner of another", "admin of another"):
        for action, expected in setting.starts.items():
            if expected[2] is not None:
                assert await _tried(stage, caller, setting, action) is expected[2], (caller, action)


async def _begun(stage: Stage, owner: str, setting: Setting) -> None:
    """The setting is saved and serves."""
    other = "another" in owner
    assert is_kept(await stage.save(owner, setting))
    if setting.at_deploy:
        assert await stage.deploys(owner, setting.deploy) is True
    await stage.serve(other=other)
    if setting.power is Power.DESTINATION:
        given = {"databaseType": "postgres", "database": "d", "serviceName": "web", "destinationId": "{made}"}
        made = await stage.ok(owner, ("backup.create", {**given, **COMPOSE}))
        stage.things[other]["backup"] = made["backupId"]


async def _tried(stage: Stage, caller: str, setting: Setting, action: str) -> bool:
    things = stage.things["another" in caller]
    if action == "deploy":
        return await stage.deploys(caller, setting.deploy)
    if action == "rollback":
        release = things["back"] if setting.is_of_compose else things[f"release {ReleaseState.RETIRED}"]
        return await stage.allows(caller, ("rollback.rollback", {"rollbackId": release}))
    assert setting.restart is not None
    return await stage.allows(caller, setting.restart)


async def _give(stage: Stage, giver: str) -> None:
    await stage.ok(giver, ("organization.grantMachine", {"organizationId": await stage.others()}))


@pytest.mark.parametrize("address", ADDRESSES)
@in_one_loop
async def test_only_who_may_use_the_machine_saves_an_address_that_is_near(stage: Stage, address: str) -> None:
    save, _ = ADDRESSES[address]
    for owner in ("owner", "owner of another"):
        far = {"name": "d", "type": "webdav", "options": {"url": "https://dav.example.org/"}}
        things = stage.things["another" in owner]
        things["made"] = (await stage.ok(owner, ("destination.create", far)))["destinationId"]
    for caller in (each for each in CALLERS if each != "owner"):
        answer = await stage.post(caller, save)
        assert answer.status_code in {403, 404}, (caller, answer.text)
        assert NEAR in answer.text or caller in {"member", "key of the project", "key for CI"}, (caller, answer.text)
    assert (await stage.post("owner", save)).status_code == 200
    await _give(stage, "owner")
    assert NEAR in (await stage.post("admin of another", save)).text
    assert (await stage.post("owner of another", save)).status_code == 200


@pytest.mark.parametrize("address", [name for name, (_, mark) in ADDRESSES.items() if mark])
@in_one_loop
async def test_an_address_leads_as_far_as_whoever_saved_it_may_whoever_starts(stage: Stage, address: str) -> None:
    """A rollback and a restart ask no address: they begin from what was made."""
    (procedure, given), source = ADDRESSES[address]
    deploy = ("compose.deploy", COMPOSE) if procedure.startswith("compose") else ("application.deploy", APP)
    far = {
        name: value.replace("10.1.1.1", "git.example") if isinstance(value, str) else value
        for name, value in given.items()
    }
    for saved, guarded in ((("admin", far), True), (("owner", given), False)):
        await stage.ok(saved[0], (procedure, saved[1]))
        for caller in INSIDE:
            assert (await stage.planned(caller, deploy))[source]["guarded"] is guarded, (saved[0], caller)
    others = {"organizationId": await stage.others()}
    await stage.ok("owner", ("organization.grantMachine", others))
    await stage.ok("owner of another", (procedure, given))
    for telling, guarded in (("grantMachine", False), ("withdrawMachine", True)):
        await stage.ok("owner", (f"organization.{telling}", others))
        for caller in ("owner of another", "admin of another"):
            assert (await stage.planned(caller, deploy))[source]["guarded"] is guarded, (telling, caller)
