"""An uploaded archive on a real panel: built and served, deployed again without it, and replaced."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.support.panel.panel import Panel, panel, web
from tests.support.storages.archives import packed

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Panel]:
    with panel(tmp_path_factory.mktemp("panel") / "data") as started:
        yield started


def application(running: Panel, name: str) -> str:
    """An application without a source."""
    environment_id = running.post("project.create", name=name)["environment"]["environmentId"]
    application_id: str = running.post("application.create", name=name, environmentId=environment_id)["applicationId"]
    return application_id


def drop(running: Panel, application_id: str, files: Mapping[str, str]) -> str:
    """Uploads the files; the deployment's id."""
    answer = running.client.post(
        "/application.dropDeployment",
        data={"applicationId": application_id},
        files={"zip": ("shop.tar.gz", packed(files))},
    )
    assert answer.status_code == 200, answer.text
    return answer.headers["x-deployment-id"]


def test_an_archive_is_built_and_serves_and_its_row_names_its_digest(running: Panel) -> None:
    application_id = application(running, "dropped")

    row = running.done(drop(running, application_id, web("from an archive")))

    assert running.visit("dropped").text == "from an archive"
    digest = running.get("application.one", applicationId=application_id)["archive"]["digest"]
    assert (row["title"], row["description"]) == ("Upload of shop.tar.gz", f"Archive: {digest}")
    assert row["commit"]["hash"] == digest


def test_what_serves_is_deployed_again_although_a_later_upload_failed(running: Panel) -> None:
    application_id = application(running, "again")
    running.done(drop(running, application_id, web("first")))
    failed = running.ended(drop(running, application_id, {"README": "nothing to run"}))
    assert "No way to build this was found" in failed["errorMessage"]

    running.done(running.deploy(application_id, "application.redeploy"))

    assert running.visit("again").text == "first"


def test_the_newest_upload_is_deployed_again_after_a_restart(running: Panel) -> None:
    application_id = application(running, "kept")
    running.done(drop(running, application_id, web("kept")))
    running.stop()
    running.start()

    running.done(running.deploy(application_id))

    assert running.visit("kept").text == "kept"


def test_nothing_is_left_of_a_deployed_archive_that_its_application_took_along(running: Panel) -> None:
    application_id = application(running, "gone")
    running.done(drop(running, application_id, web("gone")))
    archives = running.data_dir / "archives" / application_id
    assert [path.stat().st_mode & 0o777 for path in Path(archives).iterdir()] == [0o600]

    running.post("application.delete", applicationId=application_id)

    assert not archives.exists()


def test_a_build_that_asks_a_question_ends_and_says_that_nobody_answers(running: Panel) -> None:
    application_id = application(running, "asking")
    asks = "printf 'Overwrite? [y/N] '; read answer"
    running.post("application.update", applicationId=application_id, buildCommand=asks)
    row = running.ended(drop(running, application_id, web("x")))
    assert "Overwrite? [y/N]" in row["errorMessage"]
    assert "nobody is there to answer" in row["errorMessage"]
