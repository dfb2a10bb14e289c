"""What is set of a service, by topics: shown without secrets, changed by forms that are filled with it."""

from __future__ import annotations

import html
import re
from typing import Any

import httpx
import pytest

from headway.features.services.database.model import DatabaseKind
from headway.features.services.pages.settings import PAGE
from headway.features.services.pages.settings_topics import TOPICS
from headway.features.services.pages.settings_values import value_of
from headway.operations import bare_registry
from headway.pages.forms import Kind
from tests.integration.http.world import World
from tests.integration.web.browsers import OWN, form_token_of, send, signed_in

SECRET = "correct-horse-battery"
MARKED = "--broker=redis://(hidden-secret)@redis:6379"
NAMED = {"databaseName": "shop", "databaseUser": "shop", "databasePassword": SECRET, "databaseRootPassword": SECRET}


async def made(world: World, kind: str, **given: str) -> str:
    """A service of a kind."""
    if kind == "application":
        return await world.application("shop", **given)
    named = NAMED if kind in {each.value for each in DatabaseKind} else {}
    row = await world.post(f"{kind}.create", name="shop", environmentId=await world.environment(), **{**named, **given})
    id_: str = row[f"{kind}Id"]
    return id_


async def row_of(world: World, kind: str, id_: str) -> dict[str, Any]:
    row: dict[str, Any] = await world.get(f"{kind}.one", **{f"{kind}Id": id_})
    return row


def filled(text: str) -> dict[str, str]:
    """What a browser would send of a form as it was opened."""
    fields = dict(re.findall(r'<input id="field-([^"]+)"[^>]*? type="(?:text|number)" value="([^"]*)"', text))
    fields |= dict(re.findall(r'<textarea id="field-([^"]+)"[^>]*>\n(.*?)</textarea>', text, re.DOTALL))
    fields |= dict.fromkeys(re.findall(r'<input id="field-([^"]+)"[^>]*type="checkbox"[^>]* checked', text), "true")
    for name, options in re.findall(r'<select id="field-([^"]+)"[^>]*>(.*?)</select>', text, re.DOTALL):
        fields[name] = next(iter(re.findall(r'<option value="([^"]*)" selected', options)), "")
    return {name: html.unescape(value) for name, value in fields.items()}


async def change(client: httpx.AsyncClient, path: str, typed: dict[str, str]) -> httpx.Response:
    """Opens a form and sends it with what is typed anew."""
    return await send(client, path, **(filled((await client.get(path)).text) | typed))


def test_every_choice_is_offered_that_its_operation_takes_and_no_other() -> None:
    """A builder that is added is missed here."""
    registry = bare_registry()
    wrong, compared = {}, set()
    for router, topics in TOPICS.items():
        for topic in topics.values():
            operation = registry.named(f"{router}.{topic.operation}")
            assert operation is not None
            properties = operation.input.model_json_schema()["properties"]
            for name, shape in topic.fields.items():
                told = properties.get(name, {})
                taken = {word for each in (told, *told.get("anyOf", ())) for word in each.get("enum", ())}
                if taken and taken != (offered := {word for word, _ in shape.options or ()}):
                    wrong[f"{router} {name}"] = taken ^ offered
                compared |= {name} if taken else set()
    assert wrong == {}
    assert "builder" in compared


def test_every_field_is_one_that_its_operation_takes() -> None:
    registry = bare_registry()
    for router, topics in TOPICS.items():
        for name, topic in topics.items():
            operation = registry.named(f"{router}.{topic.operation}")
            assert operation is not None, (router, name)
            taken = set(operation.expected)
            passive = name.startswith("source-git") or name in {
                f"source-{each}" for each in ("github", "gitea", "bitbucket")
            }
            unknown = {each.partition(".")[0] for each in topic.fields} - taken
            assert unknown == set() or passive, (router, name, unknown)
            assert set(topic.fixed) <= taken


def test_every_topic_has_its_form() -> None:
    assert set(PAGE.forms) >= {f"{name}-{router}" for router, topics in TOPICS.items() for name in topics}


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["application", "compose", "postgres", "libsql"])
async def test_a_form_that_is_sent_as_it_was_opened_changes_nothing(world: World, kind: str) -> None:
    id_ = await made(world, kind)
    before = after = await row_of(world, kind, id_)
    source = {"source-git"} if kind == "application" else {"source-file"}
    async with signed_in(world) as client:
        shown = (await client.get(f"/services/{id_}/settings")).text
        assert SECRET not in shown
        for name, topic in TOPICS[kind].items():
            if topic.sources and name not in source:
                continue
            path = f"/services/{id_}/settings/{name}-{kind}"
            assert path in shown
            opened = await client.get(path)
            assert SECRET not in opened.text, name
            typed = filled(opened.text)
            assert {each for each, shape in topic.fields.items() if shape.kind not in {Kind.SECRET, Kind.FLAG}} <= set(
                typed
            ), name
            done = await send(client, path, **typed)
            assert done.status_code == 303, (name, done.text)
            after = await row_of(world, kind, id_)
            changed = {each for each in after if after[each] != before.get(each)}
            assert changed <= {"build", "deployments"}, (
                name,
                {each: (before.get(each), after[each]) for each in changed},
            )
    assert after.get("build", {}).get("install") == before.get("build", {}).get("install")


async def test_each_kind_of_field_is_saved_and_shown_and_taken_back(world: World) -> None:
    id_ = await made(world, "application")
    path = f"/services/{id_}/settings"
    async with signed_in(world) as client:
        of_build = {
            "build.install": "make deps",
            "build.versions": "node=22",
            "build.keep": "a\nb",
            "builder": "native",
        }
        await change(client, f"{path}/build-application", {**of_build, "cleanCache": "true"})
        await change(client, f"{path}/processes-application", {"scale": "web=2\nworker=1"})
        await change(client, f"{path}/health-application", {"healthCheckPath": "/up", "drainSeconds": "1.5"})
        row = await row_of(world, "application", id_)
        assert (row["build"]["install"], row["build"]["versions"], row["build"]["keep"]) == (
            "make deps",
            {"node": "22"},
            ["a", "b"],
        )
        assert (row["builder"], row["cleanCache"], row["scale"]) == ("native", True, {"web": 2, "worker": 1})
        assert (row["healthCheckPath"], row["drainSeconds"]) == ("/up", 1.5)
        shown = (await client.get(path)).text
        for text in ("make deps", "Headway itself, without containers", "node=22", "web=2", "/up", "as detected"):
            assert text in shown, text
        await change(client, f"{path}/build-application", {"build.install": "", "builder": ""})
        await change(client, f"{path}/health-application", {"healthCheckPath": "", "drainSeconds": ""})
    row = await row_of(world, "application", id_)
    assert (row["build"]["install"], row["builder"], row["cleanCache"]) == (None, None, True)
    assert (row["healthCheckPath"], row["drainSeconds"], value_of(row, "build.keep")) == (None, None, ["a", "b"])


async def test_another_source_is_chosen_by_its_form(world: World) -> None:
    id_ = await made(world, "application")
    path = f"/services/{id_}/settings"
    async with signed_in(world) as client:
        assert f"{path}/source-image-application" in (await client.get(path)).text
        await send(
            client, f"{path}/source-image-application", dockerImage="nginx:stable", username="ann", password=SECRET
        )
        row = await row_of(world, "application", id_)
        assert (row["sourceType"], row["dockerImage"], row["username"]) == ("docker", "nginx:stable", "ann")
        shown = (await client.get(path)).text
        assert "Source: an image" in shown
        assert f"{path}/source-git-application" in shown
        assert SECRET not in shown
        assert SECRET not in (await client.get(f"{path}/source-image-application")).text
        stack = await made(world, "compose")
        url = "https://git.example/team/stack.git"
        await send(client, f"/services/{stack}/settings/source-git-compose", customGitUrl=url)
    assert (await row_of(world, "compose", stack))["sourceType"] == "git"


async def test_what_a_repository_is_opened_with_is_hidden_and_stays(world: World) -> None:
    url = f"https://ann:{SECRET}@git.example/team/repository.git"
    id_ = await made(world, "application", customGitUrl=url)
    path = f"/services/{id_}/settings/source-git-application"
    async with signed_in(world) as client:
        opened = await client.get(path)
        assert SECRET not in opened.text
        assert SECRET not in (await client.get(f"/services/{id_}/settings")).text
        await change(client, path, {"customGitBranch": "next"})
    row = await row_of(world, "application", id_)
    assert (row["customGitUrl"], row["customGitBranch"]) == (url, "next")


async def test_what_an_address_in_a_command_is_opened_with_is_hidden_and_stays(world: World) -> None:
    command, install = f"worker -b redis://:{SECRET}@redis:6379", f"pip install -i https://ann:{SECRET}@pip.example/"
    id_ = await made(world, "application")
    argument = f"--broker=redis://:{SECRET}@redis:6379"
    given = {"startCommand": command, "args": ["-q", argument], "build": {"install": install}}
    await world.post("application.update", applicationId=id_, **given)
    path = f"/services/{id_}/settings"
    async with signed_in(world) as client:
        assert SECRET not in (await client.get(f"{path}/start-application")).text
        saved = await change(client, f"{path}/start-application", {"args": f"-v\n{MARKED}", "restartAttempts": "3"})
        assert saved.status_code == 303, saved.text
        assert (await change(client, f"{path}/build-application", {"buildCommand": "make"})).status_code == 303
        opened = await client.get(f"/new/services/{id_}/save")
        assert SECRET not in opened.text
        assert (await change(client, f"/new/services/{id_}/save", {"healthCheckPath": "/up"})).status_code == 303
        other = {"startCommand": "worker -b redis://(hidden-secret)@evil.example:6379"}
        refused = await change(client, f"{path}/start-application", other)
        assert (refused.status_code, "there is none" in refused.text) == (400, True)
    row = await row_of(world, "application", id_)
    assert (row["startCommand"], row["args"], row["restartAttempts"]) == (command, ["-v", argument], 3)
    assert (row["build"]["install"], row["buildCommand"], row["healthCheckPath"]) == (install, "make", "/up")


@pytest.mark.parametrize(
    ("form", "typed", "kept", "told"),
    [
        ("health", {"healthCheckPath": "no-slash"}, 'value="no-slash"', "field-problem"),
        ("processes", {"scale": "web=many"}, "web=many", "scale"),
        ("resources", {"memoryLimit": "plenty"}, 'value="plenty"', "field-problem"),
        ("build", {"build.keep": "../up"}, "../up", "field-problem"),
        ("source-git", {"customGitUrl": "", "customGitBranch": "kept"}, 'value="kept"', "field-problem"),
    ],
)
async def test_what_cannot_be_set_is_told_at_its_field_and_kept(
    world: World, form: str, typed: dict[str, str], kept: str, told: str
) -> None:
    id_ = await made(world, "application")
    before = await row_of(world, "application", id_)
    async with signed_in(world) as client:
        answer = await send(client, f"/services/{id_}/settings/{form}-application", **typed)
    assert answer.status_code == 422, answer.text
    assert kept in answer.text
    assert told in answer.text
    assert await row_of(world, "application", id_) == before


async def test_who_may_not_change_settings_sees_them_and_no_form(world: World) -> None:
    id_ = await made(world, "application")
    member = next(each for each in await world.get("user.all") if each["user"]["name"] == "member")
    await world.post("user.assignPermissions", id=member["userId"], accessedServices=[id_])
    async with signed_in(world, "member") as client:
        shown = (await client.get(f"/services/{id_}/settings")).text
        assert "Source: a git repository" in shown
        assert "-application" not in shown
        path, fields = f"/services/{id_}/settings/name-application", {"form_token": await form_token_of(client)}
        assert (await client.get(path)).status_code == 403
        assert (await client.post(path, data={**fields, "name": "mine"}, headers=OWN)).status_code == 403
    assert (await row_of(world, "application", id_))["name"] == "shop"
