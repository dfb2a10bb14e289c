"""What stands before applications, on a real panel: changed without a deploy, in force at once, never for others."""

from __future__ import annotations

import asyncio
import json
import os
import ssl
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
import yaml

from headway.core.deployments.model import SubjectType
from headway.features.edge import domains_store
from headway.features.edge.domains_model import Domain, DomainRequest
from headway.infra.db.engine import SqlDatabase
from headway.kernel.ids import new_id
from tests.support.applications.visitors import Visitors
from tests.support.certificates.certificates import certificate_for
from tests.support.panel.panel import KEY, Panel, free_port, git_repository, panel, until, web

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Panel]:
    folder = tmp_path_factory.mktemp("edge")
    with panel(folder / "data", HEADWAY_HTTPS_PORT=str(free_port())) as started:
        for name in ("shop", "other"):
            url = git_repository(folder / name, web(name))
            started.done(started.deploy(started.application(url, name=name)))
        yield started


def ask(running: Panel, host: str, path: str = "/", **headers: str) -> httpx.Response:
    """What the edge answers over HTTP."""
    url = f"http://127.0.0.1:{running.edge_port}{path}"
    return httpx.get(url, headers={"host": host, **headers}, timeout=10, trust_env=False)


def application_id(running: Panel, name: str = "shop") -> str:
    """The application of that name."""
    found = [
        each["applicationId"]
        for project in running.get("project.all")
        for environment in project["environments"]
        for each in environment["applications"]
        if each["name"] == name
    ]
    return str(found[0])


def test_a_domain_is_asked_by_the_edge_whatever_the_dns_says_of_it(shared: Panel) -> None:
    given = {"host": "nobody.invalid", "path": "/asked"}
    made = shared.post("domain.create", applicationId=application_id(shared), **given)
    assert made["look"] is None
    begun = datetime.now(UTC)
    look = shared.post("domain.ask", domainId=made["domainId"])
    assert (look["status"], look["warning"], look["goodUntil"]) == (200, None, None)
    assert 0 <= look["ms"] < 10_000
    assert begun - timedelta(seconds=1) <= datetime.fromisoformat(look["at"]) <= datetime.now(UTC)
    assert shared.get("domain.one", domainId=made["domainId"])["look"] == look
    shared.post("domain.toggleEnable", domainId=made["domainId"])
    look = shared.post("domain.ask", domainId=made["domainId"])
    assert (look["status"], look["ms"]) == (None, None)
    assert "Nothing leads there now" in look["warning"]
    shared.post("domain.delete", domainId=made["domainId"])


def test_a_domain_leads_at_once_is_changed_at_once_and_gone_at_once(shared: Panel) -> None:
    made = shared.post("domain.create", applicationId=application_id(shared), host="WWW.Bücher.example.")
    assert made["host"] == "www.xn--bcher-kva.example"
    assert ask(shared, made["host"]).text == "shop"
    shared.post("domain.update", domainId=made["domainId"], host="new.example", path="/part/", stripPath=True)
    assert ask(shared, made["host"]).status_code == 404
    assert [ask(shared, "new.example", path).status_code for path in ("/", "/parts", "/part", "/part/x")] == [
        404,
        404,
        200,
        200,
    ]
    shared.post("domain.toggleEnable", domainId=made["domainId"])
    assert ask(shared, "new.example", "/part").status_code == 404
    shared.post("domain.toggleEnable", domainId=made["domainId"])
    assert ask(shared, "new.example", "/part").status_code == 200
    shared.post("domain.delete", domainId=made["domainId"])
    assert ask(shared, "new.example", "/part").status_code == 404
    assert ask(shared, "shop.localhost").text == "shop"


def test_a_domain_stays_with_the_application_through_a_deploy(shared: Panel) -> None:
    shop = application_id(shared)
    made = shared.post("domain.create", applicationId=shop, host="stays.example")
    shared.done(shared.deploy(shop, "application.redeploy"))
    assert ask(shared, "stays.example").text == "shop"
    shared.post("application.stop", applicationId=shop)
    assert ask(shared, "stays.example").status_code == 404
    later = shared.post("domain.create", applicationId=shop, host="later.example")
    shared.post("application.start", applicationId=shop)
    until(lambda: ask(shared, "later.example").text == "shop", 10, what="the domain made while it was stopped leads")
    for each in (made, later):
        shared.post("domain.delete", domainId=each["domainId"])


def test_changing_one_application_loses_no_request_of_another_nor_of_itself(shared: Panel) -> None:
    shop = application_id(shared)
    with Visitors(shared.edge_port, ["shop", "other"], kept=4) as visitors:
        for number in range(12):
            made = shared.post("domain.create", applicationId=shop, host=f"n{number}.example", path="/x")
            redirect = {"regex": "^http://never/(.*)", "replacement": "http://there/${1}", "permanent": False}
            if number % 4 == 0:
                shared.post("redirects.create", applicationId=shop, **redirect)
            shared.post("domain.delete", domainId=made["domainId"])
        shared.done(shared.deploy(shop, "application.redeploy"))
    for each in shared.get("application.one", applicationId=shop)["redirects"]:
        shared.post("redirects.delete", redirectId=each["redirectId"])
    print(
        f"{visitors.count} requests, {len(visitors.failures)} failed, the longest took {visitors.longest_seconds:.2f} s"
    )
    assert visitors.failures == []
    assert visitors.count > 500


def test_domains_changed_while_a_deploy_moves_the_route_are_not_lost(shared: Panel) -> None:
    shop = application_id(shared)
    for number in range(4):
        deployment_id = shared.deploy(shop, "application.redeploy")
        made: list[dict[str, str]] = []
        while shared.one(deployment_id)["status"] not in {"done", "error"}:
            host = f"m{number}-{len(made)}.example"
            made.append(shared.post("domain.create", applicationId=shop, host=host))
        row = shared.done(deployment_id)
        served = shared.get("application.one", applicationId=shop)["servingReleaseId"]
        assert served == row["deploymentId"]
        assert made
        assert {ask(shared, each["host"]).text for each in made} == {"shop"}
        for each in made:
            shared.post("domain.delete", domainId=each["domainId"])


def test_a_password_is_asked_for_from_now_on_and_no_more_when_it_is_gone(shared: Panel) -> None:
    shop = application_id(shared)
    assert shared.post("security.create", applicationId=shop, username="me", password="first") is True
    assert ask(shared, "shop.localhost").status_code == 401
    assert httpx.get(f"http://127.0.0.1:{shared.edge_port}", headers={"host": "shop.localhost"}, auth=("me", "first"),
                     trust_env=False).text == "shop"  # fmt: skip
    shared.done(shared.deploy(shop, "application.redeploy"))
    assert ask(shared, "shop.localhost").status_code == 401
    (kept,) = shared.get("application.one", applicationId=shop)["security"]
    assert kept["password"] == ""
    shared.post("security.delete", securityId=kept["securityId"])
    assert ask(shared, "shop.localhost").text == "shop"


def test_a_redirect_answers_and_one_that_cannot_be_read_changes_nothing(shared: Panel) -> None:
    shop = application_id(shared)
    given = {"applicationId": shop, "replacement": "http://new.example/${1}", "permanent": True}
    refused = shared.client.post("/redirects.create", json={**given, "regex": "^http://(shop"})
    assert refused.status_code == 400
    assert "missing closing )" in refused.json()["message"]
    assert ask(shared, "shop.localhost").text == "shop"
    shared.post("redirects.create", **given, regex="^http://shop.localhost(?:[^/]*)/old/(.*)")
    moved = ask(shared, "shop.localhost", "/old/x")
    assert (moved.status_code, moved.headers["location"]) == (301, "http://new.example/x")
    (kept,) = shared.get("application.one", applicationId=shop)["redirects"]
    shared.post("redirects.delete", redirectId=kept["redirectId"])
    assert ask(shared, "shop.localhost", "/old/x").text == "shop"


def test_https_is_led_to_with_a_certificate_that_was_brought_along(shared: Panel) -> None:
    made = shared.post("domain.create", applicationId=application_id(shared), host="safe.example", https=True)
    port = shared.env["HEADWAY_HTTPS_PORT"]
    assert made["address"] == f"https://safe.example:{port}"
    sent = ask(shared, "safe.example", "/a?b")
    assert (sent.status_code, sent.headers["location"]) == (301, f"https://safe.example:{port}/a?b")
    pem, key = certificate_for("safe.example")
    kept = shared.post("certificates.create", name="mine", certificateData=pem, privateKey=key, organizationId="")
    assert (kept["hosts"], kept["privateKey"]) == (["safe.example"], "")
    trusting = ssl.create_default_context(cadata=pem)
    with httpx.Client(verify=trusting, trust_env=False) as client:
        answer = client.get(
            f"https://127.0.0.1:{port}/", headers={"host": "safe.example"}, extensions={"sni_hostname": "safe.example"}
        )
    assert answer.text == "shop"
    files = sorted((shared.data_dir / "edge" / "certificates").iterdir())
    mode = 0o640 if os.geteuid() == 0 else 0o600  # its group is Traefik's account
    assert [path.stat().st_mode & 0o777 for path in files] == [mode, mode]
    assert shared.post("certificates.remove", certificateId=kept["certificateId"]) is True
    assert list((shared.data_dir / "edge" / "certificates").iterdir()) == []
    shared.post("domain.delete", domainId=made["domainId"])


def test_own_words_are_tried_first_and_what_is_broken_changes_nothing(shared: Panel) -> None:
    shop = application_id(shared)
    told = yaml.safe_load(shared.get("application.readTraefikConfig", applicationId=shop))
    (name,) = [each for each in told["http"]["routers"] if not each.endswith(".secure")]
    named = f"{shared.get('application.one', applicationId=shop)['appName']}.named"
    before = ask(shared, "shop.localhost").text
    for broken in (
        "a: [",
        "{{ x }}",
        yaml.safe_dump({"http": {"middlewares": {named: {"rateLimit": {"average": "abc"}}}}}),
    ):
        refused = shared.client.post(
            "/application.updateTraefikConfig", json={"applicationId": shop, "traefikConfig": broken}
        )
        assert refused.status_code == 400, broken
    told["http"]["middlewares"] = {named: {"headers": {"customResponseHeaders": {"X-Named": "by me"}}}}
    told["http"]["routers"][name]["middlewares"] = [named]
    assert (
        shared.post("application.updateTraefikConfig", applicationId=shop, traefikConfig=yaml.safe_dump(told)) is True
    )
    answer = ask(shared, "shop.localhost")
    assert (answer.text, answer.headers["x-named"]) == (before, "by me")
    assert "x-named" not in ask(shared, "other.localhost").headers
    shared.done(shared.deploy(shop, "application.redeploy"))
    assert ask(shared, "shop.localhost").headers["x-named"] == "by me"
    now = yaml.safe_load(shared.get("application.readTraefikConfig", applicationId=shop))["http"]
    assert {part: now[part] == told["http"][part] for part in now} == {
        "routers": True,
        "middlewares": True,
        "services": False,  # its release listens on another port
    }
    shared.post("application.updateTraefikConfig", applicationId=shop, traefikConfig="")
    assert "x-named" not in ask(shared, "shop.localhost").headers


def test_what_a_panel_kept_and_never_told_the_edge_is_mended_by_the_next(tmp_path: Path) -> None:
    with panel(tmp_path / "data") as running:
        shop = running.application(git_repository(tmp_path / "repository", web("shop")), name="shop")
        running.done(running.deploy(shop))
        running.kill()
        asyncio.run(_keep_domain(running.data_dir, shop, "kept.example"))
        assert ask(running, "kept.example").status_code == 404
        running.start()
        until(lambda: ask(running, "kept.example").text == "shop", 10, what="the domain leads")
        running.stop()
        assert "failed in a round" not in running.log()


def test_the_command_line_lists_adds_and_removes_domains(shared: Panel) -> None:
    shop = application_id(shared)
    said = headway(shared, "domains", "add", "shop", "CLI.example", "--path", "/cli", "--strip-path")
    address = f"http://cli.example:{shared.edge_port}/cli"
    assert (said.returncode, said.stdout.startswith(f"{address} leads to it now")) == (0, True), said.stderr
    assert ask(shared, "cli.example", "/cli").text == "shop"
    listed = headway(shared, "domains", "list", "shop").stdout
    assert listed.splitlines()[0].split() == ["ADDRESS", "CERTIFICATE", "STATE", "ID"]
    assert f"http://shop.localhost:{shared.edge_port}" in listed
    assert address in listed
    rows = json.loads(headway(shared, "domains", "list", "shop", "--json").stdout)
    assert rows == shared.get("domain.byApplicationId", applicationId=shop)
    taken = headway(shared, "domains", "add", "other", "cli.example", "--path", "/cli")
    assert (taken.returncode, "is taken already" in taken.stderr) == (1, True)
    unknown = headway(shared, "domains", "remove", "shop", "no.example")
    assert (unknown.returncode, "cli.example/cli" in unknown.stderr) == (5, True)
    assert (
        headway(shared, "domains", "remove", "shop", "cli.example/cli").stdout == "cli.example/cli leads nowhere now\n"
    )
    assert ask(shared, "cli.example", "/cli").status_code == 404


def headway(running: Panel, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A command, as somebody with the owner's key runs it."""
    env = {
        "PATH": os.environ["PATH"],
        "HEADWAY_URL": f"http://127.0.0.1:{running.port}",
        "HEADWAY_API_KEY": KEY,
        "HOME": str(running.data_dir.parent),
    }
    argv = [sys.executable, "-m", "headway.cli.main", *arguments]
    return subprocess.run(argv, env=env, capture_output=True, text=True, timeout=60, check=False)


async def _keep_domain(data_dir: Path, application_id: str, host: str) -> None:
    """What a panel has written when it dies before it writes the route."""
    db = SqlDatabase(f"sqlite:///{data_dir / 'headway.db'}")
    organization_id = await db.read(
        lambda tx: tx.connection.exec_driver_sql("SELECT organization_id FROM organizations").scalar_one()
    )
    domain = Domain(
        domain_id=new_id(),
        organization_id=organization_id,
        subject_type=SubjectType.APPLICATION,
        subject_id=application_id,
        wish=DomainRequest(host=host),
        created_at=datetime.now(UTC),
    )
    assert await db.run(lambda tx: domains_store.put(tx, domain))
    db.close()
