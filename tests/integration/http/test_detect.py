"""``application.detect``: what a deploy would do, told before it is done, and nothing left of the look."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from headway.features.services.application.api.detection_rows import DetectedRow
from tests.integration.http.world import World
from tests.support.panel.panel import git_repository
from tests.support.storages.archives import packed

FILES = {"app.py": "print(1)\n", "requirements.txt": "gunicorn\n", "Procfile": "web: python app.py\nworker: ./work\n"}


async def looked_at(world: World, files: dict[str, str], folder: Path, **settings: Any) -> str:  # noqa: ANN401
    return await world.application(customGitUrl=git_repository(folder, files), **settings)


async def test_the_newest_commit_is_looked_at(world: World, tmp_path: Path) -> None:
    application_id = await looked_at(world, FILES, tmp_path / "r", scale={"worker": 2})

    found = await world.get("application.detect", applicationId=application_id)

    TypeAdapter(DetectedRow).validate_python(found)
    assert (found["language"], found["problem"], found["takesRequests"]) == ("python", None, True)
    assert found["commit"]["message"] == "first commit"
    assert [phase["name"] for phase in found["phases"]] == ["venv", "install"]
    assert found["phases"][1]["command"].startswith("python3 -m pip install")
    assert [(each["name"], each["scale"]) for each in found["processes"]] == [("web", 1), ("worker", 2)]
    assert "processes: web, worker (Procfile says so)" in found["reasons"]
    processes = {"name": "processes", "value": "web, worker", "reason": "Procfile says so", "isSet": False}
    assert (processes in found["choices"], found["questions"]) == (True, [])
    assert await world.get("deployment.all", applicationId=application_id) == []


async def test_a_question_names_the_field_and_the_option_that_answer_it(world: World, tmp_path: Path) -> None:
    files = {"go.mod": "module shop\n", "main.go": "package main\n", "Cargo.toml": ""}
    application_id = await looked_at(world, files, tmp_path / "r")
    (asked,) = (await world.get("application.detect", applicationId=application_id))["questions"]
    assert (asked["name"], asked["choices"], asked["means"]) == ("provider", ["go", "rust"], ["", ""])
    assert (asked["setting"], asked["option"]) == ("build.provider", "headway apps set APP --provider NAME")


async def test_settings_can_be_tried_out_without_saving_them(world: World, tmp_path: Path) -> None:
    application_id = await looked_at(world, {"index.html": "x"}, tmp_path / "r")
    tried = {"startCommand": "./serve", "buildCommand": "make", "port": 4000}

    found = await world.get("application.detect", applicationId=application_id, **tried)

    assert found["processes"] == [{"name": "web", "command": "./serve", "scale": 1}]
    assert (found["phases"], found["port"]) == ([{"name": "build", "command": "make"}], 4000)
    again = await world.get("application.detect", applicationId=application_id)
    assert (again["language"], again["staticFolders"], again["port"]) == ("static", ["."], None)


async def test_an_archive_is_looked_at_as_a_repository_is(world: World) -> None:
    application_id = await world.application()
    await world.owner.post(
        "/application.dropDeployment", data={"applicationId": application_id}, files={"zip": ("a.tgz", packed(FILES))}
    )
    found = await world.get("application.detect", applicationId=application_id)
    assert (found["language"], found["commit"]["message"]) == ("python", "Upload of a.tgz")


async def test_what_cannot_be_built_is_an_answer_with_the_way_out(world: World, tmp_path: Path) -> None:
    application_id = await looked_at(world, {"README": "x"}, tmp_path / "r")
    found = await world.get("application.detect", applicationId=application_id)
    assert "No way to build this was found" in found["problem"]
    assert (found["language"], found["processes"], found["takesRequests"]) == (None, [], False)


async def test_a_source_that_cannot_be_had_is_an_error(world: World, tmp_path: Path) -> None:
    application_id = await world.application(customGitUrl=f"file://{tmp_path}/nowhere")
    answer = await world.owner.get("/application.detect", params={"applicationId": application_id})
    assert (answer.status_code, answer.json()["code"]) == (400, "BAD_REQUEST")


async def test_nothing_is_left_of_a_look(world: World, tmp_path: Path) -> None:
    application_id = await looked_at(world, FILES, tmp_path / "r")
    await world.get("application.detect", applicationId=application_id)
    work = world.platform.data_dir.work
    assert [path for name in ("mirrors", "releases") for path in (work / name).iterdir()] == []
    assert await world.platform.fleet.here.remaining() == []
