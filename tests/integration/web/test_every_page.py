"""Every page of the panel with what there is to be seen on it: bounded, steady, and no secret in it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import httpx
import pytest

from headway.core.access import store
from headway.core.access.model import Grants, Role
from headway.features.deployments.pages.deployment import PAGE as DEPLOYMENT
from headway.features.services.database.model import DatabaseKind
from headway.features.services.pages.service import PAGE as SERVICE
from headway.infra.db.transaction import Tx
from headway.operations import all_pages
from headway.web.answers import POLICY
from tests.integration.http.notification_rows import FORMS
from tests.integration.http.test_deployment_history import done
from tests.integration.http.test_service_pages import serving
from tests.integration.http.world import World, add_person
from tests.integration.web.browsers import signed_in
from tests.integration.web.test_pages import _addresses, _ids, _with_session
from tests.support.certificates.certificates import certificate_for

MOST_BYTES = 150_000
FILLED = ("/services/", "/projects/", "/previews/", "/new/services/", "/notifications/", "/settings/", "/schedules/")
VARIABLE, SIGNING, OPENING = "hunter2-in-a-variable", "hunter2-that-signs", "hunter2-that-opens"
SHARED = f'NODE_ENV=test\nTOKEN={VARIABLE}\nKEY="-----BEGIN KEY-----\n{SIGNING}=\n-----END KEY-----"\n'


async def _seeded(world: World) -> tuple[Mapping[str, str], list[str]]:
    """The ids of what the pages are of, and what must stand on none of them."""
    ids = await _ids(world)
    application_id = ids["{serviceId}"]
    await world.post(
        "application.saveEnvironment", applicationId=application_id, env=f"NODE_ENV=test\nTOKEN={VARIABLE}"
    )
    await world.post("application.update", applicationId=application_id, webhookSecret=SIGNING)
    repository = f"http://ann:{OPENING}@127.0.0.1:1/team/shop.git"
    await world.post("application.update", applicationId=application_id, customGitUrl=repository, previewEnv=SHARED)
    await world.post("project.update", projectId=ids["{projectId}"], env=SHARED)
    await world.post("environment.update", environmentId=ids["{environmentId}"], env=SHARED)
    for form, given in FORMS.items():
        await world.post(f"notification.create{form}", name=form, **given)
    pem, key = certificate_for("seeded.example.org")
    await world.post("certificates.create", name="seeded", certificateData=pem, privateKey=key)
    told = FORMS["Telegram"]["botToken"], FORMS["Gotify"]["appToken"], FORMS["Email"]["password"]
    return ids, [VARIABLE, SIGNING, OPENING, key.splitlines()[1], *(str(each) for each in told)]


async def _busy(world: World) -> Mapping[str, str]:
    """A service of which one release serves, one deployment runs and one waits, and what its pages are of: of each the
    page and its parts.
    """
    service, _, _ = await serving(world)
    await done(world, service, [60] * 5)  # from as many on it is told what is usual
    runs, waits = await world.deploy(service), await world.deploy(service)
    await world.claim()
    assert (await world.get("deployment.one", deploymentId=runs))["status"] == "running"
    named = {
        "a service that serves": (SERVICE, f"/services/{service}"),
        "a deployment that runs": (DEPLOYMENT, f"/deployments/{runs}"),
        "one that waits": (DEPLOYMENT, f"/deployments/{waits}"),
    }
    found = {what: address for what, (_, address) in named.items()}
    parts = {
        f"{what}/-/{part}": f"{address}/-/{part}" for what, (page, address) in named.items() for part in page.parts
    }
    return found | parts


def _add_viewer(tx: Tx, projects: frozenset[str]) -> None:
    """A member who was given all there is."""
    owner = store.first_owner(tx)
    assert owner is not None
    _, member_id = add_person(tx, "viewer", owner[1], Role.MEMBER)
    store.give(tx, member_id, Grants(projects=projects))


async def _settled(client: httpx.AsyncClient, page: str) -> None:
    """Returns once what a source holds is known, or why it is not: until then the page says that it is looked at."""
    async with asyncio.timeout(60):
        while "data-live" in (await client.get(f"{page}/-/looked")).text:  # noqa: ASYNC110 - as a page does
            await asyncio.sleep(0.1)


async def _all(client: httpx.AsyncClient, addresses: Mapping[str, str]) -> dict[str, httpx.Response]:
    return {name: await client.get(address) for name, address in addresses.items()}


@pytest.mark.slow
@pytest.mark.timeout(240)
async def test_every_page_is_bounded_steady_and_tells_no_secret(world: World) -> None:
    busy = await _busy(world)
    ids, secrets = await _seeded(world)
    projects = frozenset(each["projectId"] for each in await world.get("project.all"))
    await world.services.db.run(lambda tx: _add_viewer(tx, projects))
    for person in ("Owner", "viewer", "member", "stranger"):
        async with signed_in(world, person) as client:
            addresses = _addresses(await _with_session(world, ids, client))
            assert {name.partition("/-/")[0] for name in addresses} <= set(all_pages())
            if person == "Owner":
                addresses |= busy
            await _settled(client, addresses["/new/services/{serviceId}"])
            first = await _all(client, addresses)
            await asyncio.sleep(1.1)  # ages and figures of the clock would be others
            again = await _all(client, {name: each for name, each in addresses.items() if "/-/" in name})
        assert {name: each.status_code for name, each in first.items() if each.status_code not in {200, 403, 404}} == {}
        assert [name for name, each in first.items() if each.headers["content-security-policy"] != POLICY] == []
        assert {name: len(each.content) for name, each in first.items() if len(each.content) >= MOST_BYTES} == {}
        assert [(name, each) for name, answer in first.items() for each in secrets if each in answer.text] == []
        assert [name for name, each in again.items() if each.content != first[name].content] == []
        if person == "viewer":
            assert first["/services/{serviceId}"].status_code == first["/webhooks/{deliveryId}"].status_code == 200
        if person == "Owner":
            assert {name for name, each in first.items() if each.status_code != 200} == set()


def _is_of(path: str, form: str) -> bool:
    """Whether the form is one of applications, where a page has some for each kind of services."""
    others = ("compose", *(each.value for each in DatabaseKind))
    return not (path.startswith(("/services/", "/new/services/")) and form.endswith(others))


@pytest.mark.slow
async def test_no_form_tells_a_secret_before_it_is_sent(world: World) -> None:
    ids, secrets = await _seeded(world)
    async with signed_in(world) as client:
        pages = _addresses(await _with_session(world, ids, client))
        known = [each for each in all_pages() if each in pages and each.startswith(FILLED)]
        forms = {f"{path}/{form}": path for path in known for form in all_pages()[path]().forms if _is_of(path, form)}
        asked = {name: await client.get(f"{pages[path]}/{name.rpartition('/')[2]}") for name, path in forms.items()}
    assert [(name, each) for name, answer in asked.items() for each in secrets if each in answer.text] == []
    filled = ("/projects/{projectId}/variables", "/previews/of/{kind}/{serviceId}/change-application")
    for name in (*filled, "/projects/{projectId}/environments/{environmentId}/variables"):
        assert "NODE_ENV=test" in asked[name].text, "what is no secret is filled in"
        assert "TOKEN=(hidden-secret)" in asked[name].text
    assert "http://(hidden-secret)@127.0.0.1:1" in asked["/new/services/{serviceId}/source"].text
