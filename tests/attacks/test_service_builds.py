"""What a service of a panel has built is kept to itself, and only who may use the machine says otherwise."""

from __future__ import annotations

import functools
import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, select, update

from headway.infra.db.tables.services import services
from headway.kernel.ids import new_id
from headway.kernel.vault import Vault
from tests.e2e.boxes import BUILD_SECONDS, DOCKERFILE, boxed_web
from tests.support.docker.compose import SLEEPS, Stack, panel_with_engine, stack
from tests.support.docker.docker_engine import BASE_IMAGE, Engine
from tests.support.panel.panel import Panel, commit, git_repository

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.timeout(240)]

FROM = f"FROM {BASE_IMAGE}\n"
MOUNT = "--mount=type=cache,target=/cache"


@pytest.fixture(scope="module")
def panel(tmp_path_factory: pytest.TempPathFactory, docker_engine: Engine) -> Iterator[Panel]:
    folder = tmp_path_factory.mktemp("builds")
    folder.chmod(0o711)
    with panel_with_engine(folder / "data", docker_engine) as started:
        yield started


def builds(made: Stack, dockerfile: str, **fields: Any) -> None:  # noqa: ANN401 - as JSON is
    """Gives it a file with one service, which is built of this Dockerfile."""
    build = {"context": ".", "dockerfile_inline": dockerfile, **fields}
    made.change(composeFile=json.dumps({"services": {"web": {**SLEEPS, "build": build}}}))


def test_no_build_of_a_compose_file_reaches_beyond_it(panel: Panel, docker_engine: Engine) -> None:
    evil = stack(panel, docker_engine, "evil")
    release = f"headway-0123456789ab/shop:r-{new_id()}"
    docker_engine.docker("tag", BASE_IMAGE, release)
    tries: list[tuple[str, dict[str, Any], str]] = [
        (f"{FROM}ADD http://127.0.0.1:9/x /x\n", {}, "Fetch it in a step"),
        (f"FROM index.docker.io/{release}\n", {}, "is a release of a service here"),
        (
            f"{FROM}COPY --from=more /etc /x\n",
            {"additional_contexts": {"more": f"docker-image://{release}"}},
            "build context docker-image://",
        ),
        (f"# syntax={BASE_IMAGE}\n{FROM}", {}, "wants to be built by the front end"),
        (FROM, {"args": {"BUILDKIT_SYNTAX": BASE_IMAGE}}, "is an order to the builder"),
        (FROM, {"args": {"A=B": "c"}}, "cannot be called"),
        (FROM, {"cache_from": ["type=registry,ref=127.0.0.1:9/x"]}, "on the machine's own network"),
    ]
    for dockerfile, fields, said in tries:
        builds(evil, dockerfile, **fields)
        row = evil.fail()
        assert said in row["errorMessage"], (dockerfile, row["errorMessage"])


def test_caches_are_of_one_compose_service(panel: Panel, docker_engine: Engine) -> None:
    victim, attacker = (stack(panel, docker_engine, name) for name in ("first", "second"))
    builds(victim, f"{FROM}RUN {MOUNT} echo private > /cache/package && cp /cache/package /kept\n")
    victim.deploy()
    builds(attacker, f"{FROM}RUN {MOUNT} cat /cache/package > /read; echo poisoned > /cache/package\n")
    attacker.deploy()
    ((container,),) = attacker.containers().values()
    assert docker_engine.docker("exec", container, "cat", "/read") == ""
    builds(victim, f"{FROM}RUN {MOUNT} cat /cache/package > /kept # again\n")
    victim.deploy()
    ((container,),) = victim.containers().values()
    assert docker_engine.docker("exec", container, "cat", "/kept") == "private\n"


def test_an_application_fetches_by_the_engine_only_where_that_was_given_to_it(panel: Panel, tmp_path: Path) -> None:
    adds = f"{DOCKERFILE}ADD http://127.0.0.1:9/x /x\n"
    repository = git_repository(tmp_path / "repo", boxed_web("1", adds))
    application_id = panel.application(repository, name="fetching")
    assert "engineFetch" in panel.ended(panel.deploy(application_id), BUILD_SECONDS)["errorMessage"]
    (project_id,) = {each["projectId"] for each in panel.get("project.all") if "fetching" in json.dumps(each)}
    made = panel.post("user.createApiKey", name="one project", scopes=["admin"], projects=[project_id])
    given = {"applicationId": application_id, "engineFetch": True}
    answer = panel.client.post("/application.update", json=given, headers={"x-api-key": made["key"]})
    assert (answer.status_code, "reaches the machine itself" in answer.text) == (403, True), answer.text
    panel.post("application.update", **given)
    assert panel.get("application.one", applicationId=application_id)["engineFetch"] is True
    assert "connection refused" in panel.ended(panel.deploy(application_id), BUILD_SECONDS)["errorMessage"]


def test_who_has_the_machine_may_have_the_engine_fetch(panel: Panel, docker_engine: Engine) -> None:
    owned = stack(panel, docker_engine, "owned")
    owned.change(allowHostAccess=True)
    builds(owned, f"{FROM}ADD http://127.0.0.1:9/x /x\n")
    assert "connection refused" in owned.fail()["errorMessage"]


def before_it_was_asked(panel: Panel, service_id: str) -> None:
    """Gives a service the settings of a version that did not ask what the engine fetches for its builds."""
    vault = Vault((panel.data_dir / "vault.key").read_bytes())
    engine = create_engine(f"sqlite:///{panel.data_dir / 'headway.db'}")
    with engine.begin() as db:
        row = db.execute(select(services.c.settings).where(services.c.service_id == service_id)).one()
        settings = vault.open(row.settings["sealed"])
        settings["engine_fetch"] = None
        mine = update(services).where(services.c.service_id == service_id)
        db.execute(mine.values(settings={"sealed": vault.seal(settings)}))
    engine.dispose()


@pytest.fixture
def address() -> Iterator[str]:
    """A file on the loopback, for the engine to fetch."""
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory="/etc/alternatives")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/README"
        server.shutdown()


def test_what_an_upgrade_finds_fetching_goes_on_and_is_settled_by_its_first_build(
    panel: Panel, tmp_path: Path, address: str
) -> None:
    folder = tmp_path / "repo"
    application_id = panel.application(git_repository(folder, boxed_web("1")), name="yesterday")
    panel.done(panel.deploy(application_id), BUILD_SECONDS)
    before_it_was_asked(panel, application_id)
    assert panel.get("application.one", applicationId=application_id)["engineFetch"] is None
    panel.post(
        "application.update", applicationId=application_id, engineFetch=None
    )  # as whoever saves what it has read
    commit(folder, boxed_web("2", f"{DOCKERFILE}ADD {address} /x\n"), "fetches")

    row = panel.done(panel.deploy(application_id), BUILD_SECONDS)

    log = panel.deployment_log(row["deploymentId"])
    assert "engineFetch is set from now on" in log, log
    assert panel.get("application.one", applicationId=application_id)["engineFetch"] is True
    panel.done(panel.deploy(application_id), BUILD_SECONDS)

    plain = panel.application(
        git_repository(tmp_path / "plain", boxed_web("1", f"{DOCKERFILE}RUN true\n")), name="plain"
    )
    panel.done(panel.deploy(plain), BUILD_SECONDS)
    before_it_was_asked(panel, plain)
    panel.done(panel.deploy(plain), BUILD_SECONDS)
    assert panel.get("application.one", applicationId=plain)["engineFetch"] is False, "the first build has shown it"
    commit(tmp_path / "plain", boxed_web("2", f"{DOCKERFILE}ADD {address} /x\n"), "fetches")
    assert "engineFetch" in panel.ended(panel.deploy(plain), BUILD_SECONDS)["errorMessage"], "which is a change"


def test_a_compose_file_that_an_upgrade_finds_fetching_goes_on(
    panel: Panel, docker_engine: Engine, address: str
) -> None:
    made = stack(panel, docker_engine, "earlier")
    builds(made, FROM)
    made.deploy()
    before_it_was_asked(panel, made.compose_id)
    builds(made, f"{FROM}ADD {address} /x\n")
    made.deploy()
    assert made.one()["engineFetch"] is True
    other = stack(panel, docker_engine, "fresh")
    before_it_was_asked(panel, other.compose_id)  # made, and never deployed
    builds(other, f"{FROM}ADD {address} /x\n")
    assert "engineFetch" in other.fail()["errorMessage"]
