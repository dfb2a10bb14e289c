"""What services are made of, as pages: projects, what opens repositories, images and storages, and the path to a first
deployment.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.integration.http.world import World
from tests.integration.web.browsers import OWN, fields_of, form_token_of, send, signed_in
from tests.integration.web.test_new_outlook import settled
from tests.support.panel.panel import git_repository, web

EVIL = "</title><script>alert(1)</script><img src=x onerror=alert(1)>"


async def test_from_nothing_to_a_deployment_that_waits(world: World, tmp_path: Path) -> None:
    """A project is made where there is none, and what was detected is shown before anything is deployed."""
    url = git_repository(tmp_path / "shop", web("one"))
    async with signed_in(world) as client:
        assert 'href="/new"' in (await client.get("/home")).text
        made = await send(client, "/new/git", customGitUrl=url)
        (project,) = await world.get("project.all")
        (row,) = project["environments"][0]["applications"]
        assert (project["name"], row["name"]) == ("default", "shop")
        page = f"/new/services/{row['applicationId']}"
        assert (made.status_code, made.headers["location"]) == (303, page)

        await settled(client, page)
        text = html.unescape((await client.get(f"{page}/-/source")).text)
        assert "python3 app.py" in text, "what was detected is shown"
        assert "Commit" in text
        saved = await send(client, f"{page}/save", startCommand="python3 other.py", healthCheckPath="/healthz")
        assert (saved.status_code, saved.headers["location"]) == (303, page)
        one = await world.get("application.one", applicationId=row["applicationId"])
        assert (one["startCommand"], one["healthCheckPath"]) == ("python3 other.py", "/healthz")
        assert "python3 other.py" in (await client.get(page)).text

        fields = await fields_of(client, f"{page}/deploy")
        typed = {"startCommand": "", "buildCommand": "", "publishDirectory": "", "port": "", "healthCheckPath": ""}
        fields["once"] = _once_in((await client.get(page)).text)
        first = await client.post(f"{page}/deploy", data={**fields, **typed}, headers=OWN)
        again = await client.post(f"{page}/deploy", data={**fields, **typed}, headers=OWN)
        assert first.headers["location"].startswith("/deployments/"), "and it leads to the deployment"
        assert first.headers["location"] == again.headers["location"], "twice is once"
        one = await world.get("application.one", applicationId=row["applicationId"])
        assert (one["startCommand"], one["healthCheckPath"]) == (None, None), "what was taken away is gone"
        assert _once_in((await client.get(page)).text) != fields["once"], "and what comes after it is another one"


async def test_what_the_files_leave_open_is_asked_with_what_answers_it(world: World, tmp_path: Path) -> None:
    files = {"go.mod": "module shop\n", "main.go": "package main\n", "Cargo.toml": ""}
    application_id = await world.application(customGitUrl=git_repository(tmp_path / "shop", files))
    async with signed_in(world) as client:
        await settled(client, f"/new/services/{application_id}")
        text = html.unescape((await client.get(f"/new/services/{application_id}/-/source")).text)
        assert "go, rust. Answered by headway apps set APP --provider NAME (build.provider)." in text
        page = (await client.get(f"/services/{application_id}/detected")).text
        text = " ".join(html.unescape(re.sub(r"<[^>]++>", "", page)).split())
        assert "Answered by headway apps set APP --provider NAME, the field build.provider, or in the settings" in text


async def test_a_repository_that_cannot_be_had_is_said_with_the_way_to_mend_it(world: World, tmp_path: Path) -> None:
    application_id = await world.application(customGitUrl=(tmp_path / "nothing").as_uri())
    page = f"/new/services/{application_id}"
    async with signed_in(world) as client:
        text = await settled(client, page)
        assert "This cannot be deployed as it is." in text
        assert f'href="{page}/source"' in text
        url = git_repository(tmp_path / "shop", web("one"))
        mended = await send(client, f"{page}/source", customGitUrl=url)
        assert mended.headers["location"] == page
        assert "This cannot be deployed as it is." not in await settled(client, page)


async def test_what_cannot_be_taken_leaves_nothing_and_keeps_what_was_typed(world: World) -> None:
    async with signed_in(world) as client:
        answer = await send(client, "/new/git", customGitUrl="", name="kept <b>as it is</b>")
        assert answer.status_code == 422
        assert "kept &lt;b&gt;as it is&lt;/b&gt;" in answer.text
        answer = await send(client, "/new/image", dockerImage="nginx", port="99999999", name="nginx")
        assert answer.status_code == 422
        assert "99999999" in answer.text
    assert await world.get("project.all") == [], "not even a project"


async def test_an_archive_is_sent_and_deployed(world: World) -> None:
    packed = BytesIO()
    with ZipFile(packed, "w") as archive:
        archive.writestr("Procfile", "web: python3 app.py\n")
    async with signed_in(world) as client:
        page = (await send(client, "/new/upload", name="sent")).headers["location"]
        assert 'type="file"' in (await client.get(page)).text
        fields = await fields_of(client, f"{page}/upload")
        sent = {"zip": ("shop.zip", packed.getvalue())}
        foreign = await client.post(f"{page}/upload", data={"once": "x"}, files=sent, headers=OWN)
        assert foreign.status_code == 403, "without the session's token"
        assert (await client.post(f"{page}/upload", data=fields, headers=OWN)).status_code == 415
        nothing = await client.post(f"{page}/upload", data=fields, files={"zip": ("", b"")}, headers=OWN)
        assert nothing.status_code == 422, nothing.text
        done = await client.post(f"{page}/upload", data=fields, files=sent, headers=OWN)
        assert done.status_code == 303, done.text
        again = await client.post(f"{page}/upload", data=fields, files=sent, headers=OWN)
        assert again.headers["location"] == done.headers["location"], "twice is once"
        deployment_id = done.headers["location"].rpartition("/")[2]
        assert "shop.zip" in (await client.get(page)).text
    row = await world.get("deployment.one", deploymentId=deployment_id)
    assert row["status"] == "pending"


FORMS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "image": ("application", {"dockerImage": "registry.example:5000/team/nginx:stable", "port": "80"}),
    "upload": ("application", {"name": "sent"}),
    "compose": ("compose", {"composeFile": "services:\n  web:\n    image: nginx\n"}),
    "compose-git": ("compose", {"customGitUrl": "https://git.example/team/stack.git"}),
    "postgres": ("postgres", {}),
    "mysql": ("mysql", {}),
    "mariadb": ("mariadb", {}),
    "mongo": ("mongo", {}),
    "redis": ("redis", {}),
    "libsql": ("libsql", {}),
}


async def test_each_form_makes_what_it_says_and_it_can_be_removed_again(world: World) -> None:
    async with signed_in(world) as client:
        made = {}
        for name, (router, typed) in FORMS.items():
            answer = await send(client, f"/new/{name}", **typed)
            assert answer.status_code == 303, (name, answer.text)
            page = answer.headers["location"]
            shown = await client.get(page)
            assert shown.status_code == 200, name
            assert f"{page}/remove-{router}" in shown.text
            made[name] = page, router
        names = {each["name"] for each in await world.get("service.all")}
        assert {"nginx", "sent", "compose", "stack", "postgres", "redis"} <= names
        text = (await client.get("/new")).text
        assert {page for page, _ in made.values() if f'href="{page}"' not in text} == set(), "what was begun is shown"
        for page, router in made.values():
            assert (await send(client, f"{page}/remove-{router}")).headers["location"] == "/new"
    assert await world.get("service.all") == []


async def test_a_file_that_was_pasted_is_as_it_was(world: World) -> None:
    file = "  # begins with spaces\nservices:\n  web:\n    image: nginx\n\n"
    async with signed_in(world) as client:
        answer = await send(client, "/new/compose", composeFile=file.replace("\n", "\r\n"), name="stack")
        compose_id = answer.headers["location"].rpartition("/")[2]
    assert (await world.get("compose.one", composeId=compose_id))["composeFile"] == file


async def test_a_project_is_made_filled_and_removed(world: World) -> None:
    async with signed_in(world) as client:
        path = (await send(client, "/projects/create", name=EVIL, description="Ours")).headers["location"]
        text = (await client.get(path)).text
        assert "<script>alert" not in text
        await send(client, f"{path}/rename", name="Shop", description="")
        await send(client, f"{path}/variables", env="TOKEN=abc\nREGION=eu\n")
        await send(client, f"{path}/add-environment", name="staging")
        (project,) = await world.get("project.all")
        assert (project["name"], project["description"], project["env"]) == ("Shop", "", "TOKEN=abc\nREGION=eu\n")
        text = (await client.get(path)).text
        assert "REGION" in text
        assert "TOKEN" in text
        assert "REGION=eu" not in text
        await send(client, f"{path}/variables", env="")
        assert (await world.get("project.all"))[0]["env"] == "", "what was taken away is gone"
        (staging,) = [each for each in project["environments"] if each["name"] == "staging"]
        inside = f"{path}/environments/{staging['environmentId']}"
        await send(client, f"{inside}/variables", env="A=1")
        await send(client, f"/new/redis?environment={staging['environmentId']}", environmentId=staging["environmentId"])
        assert f"{inside}/remove" not in (await client.get(inside)).text, "what is not empty is not offered"
        question = (await client.get(f"{path}/remove")).text
        assert "redis" in question, "what lies in it is named"
        refused = await send(client, f"{path}/remove", typed="Shop")
        assert refused.status_code == 409
        copied = (await send(client, f"{inside}/copy", name="Copy")).headers["location"]
        assert "redis" in (await client.get(copied)).text
        (redis,) = [each for each in await world.get("service.all") if each["environment"]["name"] == "staging"]
        await send(client, f"/new/services/{redis['serviceId']}/remove-redis")
        assert (await send(client, f"{inside}/rename", name="stage")).status_code == 303
        assert (await send(client, f"{inside}/remove", typed="stage")).headers["location"] == path
        assert (await send(client, f"{path}/remove", typed="another")).status_code == 422
        assert (await send(client, f"{path}/remove", typed="Shop")).headers["location"] == "/projects"
    assert [each["name"] for each in await world.get("project.all")] == ["Copy"]


async def test_what_opens_things_is_kept_and_never_shown(world: World) -> None:
    secret = "swordfish-of-ours"
    async with signed_in(world) as client:
        typed = {"registryName": "ours", "registryUrl": "registry.example", "username": "us", "password": secret}
        registry = (await send(client, "/registries/create", **typed)).headers["location"]
        provider = (
            await send(client, "/git-providers/connect-gitea", giteaUrl="http://127.0.0.1:1", accessToken=secret)
        ).headers["location"]
        s3 = {"name": "bucket", "bucket": "b", "endpoint": "https://s3.example", "accessKey": "a", "provider": "AWS"}
        destination = (await send(client, "/destinations/create", **s3, secretAccessKey=secret)).headers["location"]
        for path in (registry, f"{registry}/change", provider, f"{provider}/change-gitea", destination):
            answer = await client.get(path)
            assert answer.status_code == 200, path
            assert secret not in answer.text, path
        answer = await send(client, f"{registry}/change", registryName="", password=secret, username="x" * 2_000)
        assert answer.status_code == 422
        assert secret not in answer.text, "not even to who has just typed it"
        changed = await send(client, f"{registry}/change", **{**typed, "registryName": "theirs", "password": ""})
        assert changed.status_code == 303, changed.text
        changed = await send(client, f"{destination}/change", **{**s3, "name": "other"}, secretAccessKey="")
        assert changed.status_code == 303, changed.text
        changed = await send(client, f"{provider}/change-gitea", name="Our Gitea", giteaUrl="http://127.0.0.1:1")
        assert changed.status_code == 303, changed.text
    row = await world.get("registry.one", registryId=registry.rpartition("/")[2])
    assert (row["registryName"], row["username"]) == ("theirs", "us")
    (found,) = await world.get("gitProvider.getAll")
    assert (found["name"], found["gitea"]["has"]) == ("Our Gitea", ["token"])
    row = await world.get("destination.one", destinationId=destination.rpartition("/")[2])
    assert (row["name"], row["endpoint"], row["accessKey"]) == ("other", "https://s3.example", "a")


async def test_a_git_provider_that_does_not_answer_says_why(world: World) -> None:
    made = await world.post("gitea.create", name="Ours", giteaUrl="http://127.0.0.1:1", accessToken="x")
    async with signed_in(world) as client:
        for path in ("/git-providers", "/new/provider"):
            answer = await client.get(f"{path}/{made['gitProviderId']}")
            assert answer.status_code == 200, path
            assert "What it shows could not be had." in answer.text, path


@pytest.mark.parametrize("forge", ["gitea", "gitlab"])
async def test_a_forge_that_lists_no_branches_leaves_the_form(world: World, forge: str) -> None:
    given = {f"{forge}Url": "http://127.0.0.1:1", "accessToken": "x"}
    made = await world.post(f"{forge}.create", name="Ours", **given)
    path = f"/new/provider/{made['gitProviderId']}/team/shop/application-{forge}"
    async with signed_in(world) as client:
        answer = await client.get(path)
        assert answer.status_code == 200, answer.text
        assert "Left empty: the default branch. What there is to choose from could not be had:" in answer.text
        assert f'<select id="field-{forge}Branch"' not in answer.text
        page = (await send(client, path, **{f"{forge}Branch": "next"})).headers["location"]
    one = await world.get("application.one", applicationId=page.rpartition("/")[2])
    assert [one[f"{forge}{each}"] for each in ("Owner", "Repository", "Branch")] == ["team", "shop", "next"]


async def test_a_key_shows_its_public_part_alone(world: World) -> None:
    async with signed_in(world) as client:
        path = (await send(client, "/ssh-keys/create", name="deploy key", description="")).headers["location"]
        row = await world.get("sshKey.one", sshKeyId=path.rpartition("/")[2])
        text = html.unescape((await client.get(path)).text)
        assert row["publicKey"].strip() in text
        assert "PRIVATE KEY" not in text
        assert (await send(client, f"{path}/rename", name="other")).headers["location"] == path
        assert (await send(client, f"{path}/remove", typed="other")).headers["location"] == "/ssh-keys"
    assert await world.get("sshKey.all") == []


async def test_a_folder_of_the_machine_is_tried(world: World) -> None:
    async with signed_in(world) as client:
        path = (await send(client, "/destinations/create-folder", name="here")).headers["location"]
        told = await send(client, f"{path}/test")
        assert told.headers["location"] == path, told.text
        assert "It can be written to and read from." in (await client.get(path)).text
        assert (await send(client, f"{path}/rename", name="there")).status_code == 303
        assert (await send(client, f"{path}/remove", typed="there")).headers["location"] == "/destinations"


REFUSED = (
    "/new/git",
    "/new/postgres",
    "/projects/create",
    "/git-providers/connect-github",
    "/ssh-keys/create",
    "/registries/create",
    "/destinations/create",
)


async def test_a_member_is_neither_offered_nor_let_do_it(world: World) -> None:
    async with signed_in(world, "member") as client:
        token = await form_token_of(client)
        for path in REFUSED:
            assert (await client.post(path, data={"form_token": token, "name": "x"}, headers=OWN)).status_code == 403
        text = (await client.get("/projects")).text
        assert 'href="/projects/create"' not in text
        assert 'href="/new"' not in text
    assert await world.get("project.all") == []


@pytest.mark.parametrize("path", ["/new/services/unknown", "/projects/unknown", "/git-providers/unknown"])
async def test_what_is_not_there_is_said_not_to_be(world: World, path: str) -> None:
    async with signed_in(world) as client:
        assert (await client.get(path)).status_code == 404


def _once_in(text: str) -> str:
    found = re.search(r'name="once" value="([^"]+)"', text)
    assert found is not None
    return found[1]


async def test_a_name_that_has_to_be_typed_can_be_read_whole(world: World) -> None:
    name = "shop " * 45 + "of all"
    project_id = (await world.post("project.create", name=name))["project"]["projectId"]
    async with signed_in(world) as client:
        path = f"/projects/{project_id}/remove"
        assert name in (await client.get(path)).text
        assert (await send(client, path, typed=name)).status_code == 303
