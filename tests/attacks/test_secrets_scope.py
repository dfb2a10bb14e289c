"""A key without the scope ``secrets``, or of a member, is told no value that is one; what it was told can be saved."""

from __future__ import annotations

import json
import shutil
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import httpx
import pytest

from headway.core.access import store
from headway.core.access.model import Grants, Role, Scope, Terms
from headway.core.access.upgrades import keys_survey
from headway.features.services.application.artifacts import dump_artifact
from headway.features.services.application.model import AppSettings, VariableSettings
from headway.features.services.application.snapshot import Snapshot
from headway.features.services.model import ReleaseState
from headway.kernel.artifacts import Bundle, Commit
from headway.kernel.veil import MARK
from tests.integration.http.access_rows import QUERY
from tests.integration.http.access_table import TABLE
from tests.integration.http.test_access_table import ENDLESS, call, given_to, things_of
from tests.integration.http.world import Json, World, add_person, client_with, open_world

WIRES = ("rest", "trpc")
READERS = (Scope.READ, Scope.DEPLOY, Scope.KILL, Scope.REMOVE)
FILE = """\
x-shared: &shared
  SHARED: planted-compose-shared
services:
  web:
    image: nginx:1
    build:
      context: .
      args: [BUILD_TOKEN=planted-compose-arg]
    environment:
      PASSWORD: "planted-compose-map"
      <<: *shared
  job:
    image: nginx:1
    environment:
      - TOKEN=planted-compose-list
      - {DEEP: planted-compose-deep}
configs:
  own:
    content: planted-compose-content
"""


@pytest.fixture
async def world(tmp_path: Path, sqlite_template: Path) -> AsyncIterator[World]:
    folder = tmp_path / "data"
    folder.mkdir()
    shutil.copyfile(sqlite_template, folder / "headway.db")
    async with open_world(folder) as opened:
        yield opened


class Planted:
    """Secrets by where they were put, each with a word of its own, under things by the names of the table."""

    def __init__(self, world: World, things: dict[str, str]) -> None:
        self.world = world
        self.things = things

    async def plant(self) -> None:
        """Puts one wherever a row can carry one."""
        post, things = self.world.post, self.things
        await post("project.update", projectId=things["project"], env=env("project"))
        await post("environment.update", environmentId=things["environment"], env=env("environment"))
        await post(
            "application.update",
            applicationId=things["application"],
            env=env("app"),
            buildArgs=env("buildarg"),
            buildSecrets=env("buildsecret"),
            previewEnv=env("preview"),
            previewBuildArgs=env("previewarg"),
            previewBuildSecrets=env("previewsecret"),
            customGitUrl="https://user:planted-app-url@git.example/team/x.git",
        )
        await post(
            "compose.update",
            composeId=things["compose"],
            env=env("compose"),
            previewEnv=env("composepreview"),
            composeFile=FILE,
            customGitUrl="https://planted-compose-url@git.example/team/y.git",
        )
        for kind in ("postgres", "mysql", "mariadb", "mongo", "redis", "libsql"):
            await post(f"{kind}.update", **{f"{kind}Id": things[kind]}, env=env(kind), externalPort=None)
        mount = {"type": "file", "filePath": "a.conf", "mountPath": "/a.conf", "content": "planted-file"}
        made = await post("mounts.create", serviceId=things["application"], **mount)
        things["mount"] = made["mountId"]
        commit = Commit(hash="c" * 40, subject="First", author="Ann", branch="main")
        snapshot = Snapshot(
            commit=commit,
            artifact=dump_artifact(Bundle(folder="/x")),
            settings=AppSettings(variables=VariableSettings(open=("OPEN",))),
            variables={"OPEN": "planted-release-open", "CLOSED": "planted-release-closed"},
            mask=(),
            hosts=(),
        )
        of = things["application"]
        things["release"] = await self.world.release(of, snapshot, seq=7, state=ReleaseState.SERVING)


def env(name: str) -> str:
    """A text of variables, of which nothing but the names may show."""
    lines = (
        f"# planted-{name}-comment",
        f'export A_{name}="planted-{name}-one',
        f'planted-{name}-two" # planted-{name}-end',
    )
    return "\n".join((*lines, f"B_{name}=1", ""))


@pytest.fixture
async def planted(world: World) -> Planted:
    planted = Planted(world, await things_of(world))
    await planted.plant()
    return planted


async def key(world: World, *scopes: Scope) -> httpx.AsyncClient:
    """A client with a key of the owner's for these scopes."""
    name = "-".join(scopes).ljust(64, "-")

    def add(tx: Json) -> None:
        owner = store.first_owner(tx)
        assert owner is not None
        terms = Terms(scopes=frozenset(scopes))
        store.add_key(tx, name, name="k", user_id=owner[0], organization_id=owner[1], terms=terms)

    await world.services.db.run(add)
    return client_with(world.app, name)


async def everything_read(client: httpx.AsyncClient, things: Mapping[str, str], wire: str) -> dict[str, str]:
    """What every query answers to this caller, by its name."""
    told = {}
    for procedure, row in TABLE.items():
        if row.method == QUERY and procedure not in ENDLESS:
            if wire == "rest":
                answer = await call(client, procedure, things)
            else:
                given = {"json": given_to(procedure, things)}
                answer = await client.get(f"/trpc/{procedure}", params={"input": json.dumps(given)})
            told[procedure] = answer.text
    return told


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.slow
async def test_no_answer_to_a_read_key_holds_a_secret(planted: Planted, wire: str) -> None:
    async with await key(planted.world, *READERS) as client:
        told = await everything_read(client, planted.things, wire)
    assert {name: text for name, text in told.items() if "planted" in text} == {}
    assert MARK in told["application.one"]
    assert "A_app" in told["application.one"], "the names are told"


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("given", ["project", "services"])
@pytest.mark.slow
async def test_no_answer_to_a_member_holds_a_secret_though_the_key_has_all_scopes(
    planted: Planted, wire: str, given: str
) -> None:
    things = planted.things
    services = frozenset(things[each] for each in ("application", "compose", "postgres", "libsql"))
    grants = Grants(projects=frozenset({things["project"]})) if given == "project" else Grants(services=services)

    def join(tx: Json) -> str:
        owner = store.first_owner(tx)
        assert owner is not None
        _user_id, member_id = add_person(tx, "joined", owner[1], Role.MEMBER)
        store.give(tx, member_id, grants)
        return member_id

    member_id = await planted.world.services.db.run(join)
    async with client_with(planted.world.app, "joined".ljust(64, "-")) as client:
        told = await everything_read(client, things, wire)
        assert {name: text for name, text in told.items() if "planted" in text} == {}
        for router, name in (("application", "A_app"), ("compose", "A_compose"), ("postgres", "A_postgres")):
            assert MARK in told[f"{router}.one"]
            assert name in told[f"{router}.one"], "the names are told"
        if wire == "rest":
            await planted.world.post("organization.updateMemberRole", memberId=member_id, role="admin")
            again = await call(client, "application.one", things)
            assert "planted-app-one" in again.text, "who may change them is shown them"


@pytest.mark.slow
async def test_a_key_with_secrets_sees_all_that_was_planted(planted: Planted) -> None:
    async with await key(planted.world, Scope.READ, Scope.SECRETS) as client:
        found = await everything_read(client, planted.things, "rest")
    told = " ".join(found.values())
    for name in ("project", "environment", "app", "buildarg", "buildsecret", "preview", "previewarg", "compose"):
        assert f"planted-{name}-one" in told, name
    for word in ("planted-file", "planted-app-url", "planted-compose-url", "planted-compose-map", "release-open"):
        assert word in told, word
    # What is saved and not in effect tells of an address that it is another one, and to nobody what opens it.
    assert {name for name, text in found.items() if MARK in text} == {"service.pending"}


async def test_what_a_deploy_key_starts_tells_it_nothing(planted: Planted) -> None:
    async with await key(planted.world, Scope.DEPLOY) as client:
        for procedure, ids in (
            ("application.stop", {"applicationId": planted.things["application"]}),
            ("postgres.stop", {"postgresId": planted.things["postgres"]}),
            ("postgres.deploy", {"postgresId": planted.things["postgres"]}),
        ):
            answer = await client.post(f"/{procedure}", json=ids)
            assert answer.status_code == 200, answer.text
            assert "planted" not in answer.text, procedure


async def test_no_search_tells_a_token_bit_by_bit(planted: Planted) -> None:
    async with await key(planted.world, Scope.READ) as client:
        for words in ({"q": "planted-app"}, {"repository": "planted-app-url"}, {"repository": "user:planted"}):
            assert (await client.get("/application.search", params=words)).json()["total"] == 0, words
        assert (await client.get("/application.search", params={"repository": "git.example/team"})).json()["total"] == 1


async def test_what_was_read_with_marks_is_saved_without_loss(planted: Planted) -> None:
    world, things = planted.world, planted.things
    of = {
        "application": ("applicationId", ("env", "buildArgs", "buildSecrets", "previewEnv", "customGitUrl")),
        "compose": ("composeId", ("env", "composeFile", "customGitUrl", "previewEnv")),
        "project": ("projectId", ("env",)),
        "environment": ("environmentId", ("env",)),
        "postgres": ("postgresId", ("env",)),
    }
    async with await key(world, Scope.READ) as reader:
        for router, (id_, fields) in of.items():
            ids = {id_: things[router]}
            before = await world.get(f"{router}.one", **ids)
            seen = (await reader.get(f"/{router}.one", params=ids)).json()
            assert all(seen[name] != before[name] for name in fields), router
            await world.post(f"{router}.update", **ids, **{name: seen[name] for name in fields})
            after = await world.get(f"{router}.one", **ids)
            assert {name: after[name] for name in fields} == {name: before[name] for name in fields}
        mount = (await reader.get("/mounts.one", params={"mountId": things["mount"]})).json()
    assert mount["content"] == MARK
    await world.post("mounts.update", mountId=things["mount"], content=MARK, mountPath="/b.conf")
    kept = await world.get("mounts.one", mountId=things["mount"])
    assert (kept["content"], kept["mountPath"]) == ("planted-file", "/b.conf")


async def test_marks_among_changed_lines_leave_what_is_kept(world: World) -> None:
    application_id = await world.application()
    await world.post("application.saveEnvironment", applicationId=application_id, env="# why\nA=1\nB='two\nlines'\nC=3")
    sent = f"NEW=4\nB={MARK}\nC=5\n#{MARK}\n"
    await world.post("application.saveEnvironment", applicationId=application_id, env=sent)
    assert (await world.get("application.one", applicationId=application_id))["env"] == (
        "NEW=4\nB='two\nlines'\nC=5\n# why\n"
    )


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("env", f"UNKNOWN={MARK}"),
        ("env", f"A=1{MARK}"),
        ("env", f"#{MARK}"),
        ("buildSecrets", f"A={MARK}"),
        ("previewEnv", f"A={MARK}"),
        ("customGitUrl", f"https://{MARK}@evil.example/team/x.git"),
        ("customGitUrl", f"http://{MARK}@git.example/team/x.git"),
        ("customGitUrl", f"https://{MARK}@git.example:8443/team/x.git"),
        ("customGitUrl", f"https://{MARK}@git.example@evil.example/x.git"),
        ("customGitUrl", f"https://git.example/{MARK}"),
    ],
)
async def test_a_mark_for_what_is_not_kept_is_refused(world: World, field: str, value: str) -> None:
    application_id = await world.application(customGitUrl="https://user:t0ken@git.example/team/x.git")
    await world.post("application.update", applicationId=application_id, env="A=1")
    answer = await world.owner.post("/application.update", json={"applicationId": application_id, field: value})
    assert (answer.status_code, MARK in answer.json()["message"]) == (400, True), answer.text
    row = await world.get("application.one", applicationId=application_id)
    assert (row["env"], row["customGitUrl"]) == ("A=1", "https://user:t0ken@git.example/team/x.git")


async def test_a_mark_is_no_value_of_what_is_new(world: World) -> None:
    environment_id = await world.environment()
    project_id = (await world.get("environment.one", environmentId=environment_id))["projectId"]
    for procedure, body in (
        ("compose.create", {"environmentId": environment_id, "name": "c", "composeFile": FILE.replace("nginx", MARK)}),
        ("environment.create", {"projectId": project_id, "name": "e", "env": f"A={MARK}"}),
        ("application.create", {"environmentId": environment_id, "name": "a", "buildArgs": f"A={MARK}"}),
    ):
        assert (await world.owner.post(f"/{procedure}", json=body)).status_code == 400, procedure


async def test_a_path_may_change_beside_a_kept_token(world: World) -> None:
    application_id = await world.application(customGitUrl="https://user:t0ken@git.example/team/x.git")
    moved = f"https://{MARK}@git.example/team/moved.git"
    await world.post("application.update", applicationId=application_id, customGitUrl=moved)
    row = await world.get("application.one", applicationId=application_id)
    assert row["customGitUrl"] == "https://user:t0ken@git.example/team/moved.git"


async def test_keys_that_are_shown_less_are_named_at_the_upgrade(world: World) -> None:
    for name, scopes in (("ci", ["deploy", "read"]), ("all", None), ("known", ["read", "secrets"])):
        await world.post("user.createApiKey", name=name, **({} if scopes is None else {"scopes": scopes}))
    vault = world.platform.data_dir.vault
    told = await world.services.db.read(lambda tx: [each.sentence for each in keys_survey(tx, vault)])
    assert [each for each in told if each.startswith("The key ")] == [told[0]]
    assert "ci" in told[0]
    assert "deploy, read" in told[0]


async def test_members_are_named_at_the_upgrade_who_are_shown_less(world: World) -> None:
    def join(tx: Json) -> None:
        owner = store.first_owner(tx)
        assert owner is not None
        add_person(tx, "chief", owner[1], Role.ADMIN)
        user_id, organization_id = store.add_user(tx, "clerk"), owner[1]
        store.add_member(tx, organization_id, user_id, Role.MEMBER)
        terms = Terms(scopes=frozenset({Scope.READ}))
        store.add_key(tx, "c" * 64, name="clerk", user_id=user_id, organization_id=organization_id, terms=terms)

    await world.services.db.run(join)
    vault = world.platform.data_dir.vault
    told = await world.services.db.read(lambda tx: [each.sentence for each in keys_survey(tx, vault)])
    (line,) = [each for each in told if "a member of" in each]
    assert line.startswith("member, a member of "), line
    assert "values of variables are shown to no member any more" in line
    assert [each for each in told if each.startswith("The key clerk ")], "whose key has no such scope is told of by it"
