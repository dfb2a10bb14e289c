"""Variables in layers, on a real panel: what a build and an application see of them, and what their logs show."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.panel.panel import Json, Panel, git_repository, panel, until, web

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

PRINTING = "import os; print('seen', os.environ.get('URL'), os.environ.get('REGION'), os.environ.get('ONLY_BUILD'))"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Panel]:
    with panel(tmp_path_factory.mktemp("panel") / "data") as started:
        yield started


def application(running: Panel, folder: Path, name: str, **fields: Json) -> tuple[str, Json]:
    """An application that prints its variables in its build, before it serves, and while it does."""
    files = web("up", **{"say.py": PRINTING})
    files["Procfile"] = "web: python3 say.py && exec python3 app.py\nrelease: python3 say.py\n"
    fields = {"buildCommand": "python3 say.py", **fields}
    application_id = running.application(git_repository(folder, files), name, **fields)
    return application_id, running.get("application.one", applicationId=application_id)["environment"]


def test_references_are_replaced_and_the_secrets_of_other_layers_masked(running: Panel, tmp_path: Path) -> None:
    application_id, where = application(running, tmp_path / "repo", "layered", openVariables=["REGION", "project.ZONE"])
    running.post("project.update", projectId=where["projectId"], env="TOKEN=project-token-1\nZONE=zone-one")
    running.post("environment.update", environmentId=where["environmentId"], env="HOST=db.${{project.ZONE}}")
    env = "URL=https://${{project.TOKEN}}@${{environment.HOST}}/\nREGION=${{project.ZONE}}/${{project.TOKEN}}"
    running.post(
        "application.saveEnvironment", applicationId=application_id, env=env, buildSecrets="ONLY_BUILD=build-only-2"
    )

    row = running.done(running.deploy(application_id))

    log = running.deployment_log(row["deploymentId"])
    until(lambda: "seen" in running.get("application.readLogs", applicationId=application_id))
    whole = log + running.get("application.readLogs", applicationId=application_id)
    assert "seen" in log
    assert "zone-one/" in whole
    assert "project-token-1" not in whole
    assert "build-only-2" not in whole


def test_what_is_of_the_build_alone_does_not_reach_the_application(running: Panel, tmp_path: Path) -> None:
    arguments = {"buildArgs": "ONLY_BUILD=of-the-build", "openVariables": ["ONLY_BUILD"]}
    application_id, _ = application(running, tmp_path / "repo", "argued", **arguments)

    row = running.done(running.deploy(application_id))

    assert running.deployment_log(row["deploymentId"]).count("of-the-build") == 1
    assert "of-the-build" not in running.get("application.readLogs", applicationId=application_id)


def test_a_reference_that_leads_nowhere_ends_the_deployment_with_its_name(running: Panel, tmp_path: Path) -> None:
    application_id, _ = application(running, tmp_path / "repo", "dangling", env="URL=${{project.NONE}}")

    row = running.ended(running.deploy(application_id))

    assert row["reason"] == "refused"
    assert "The variable URL refers to ${{project.NONE}}" in row["errorMessage"]
