"""The pages of previews: what there is of which pull request, what can be done, and the settings of a service."""

from __future__ import annotations

import html

from tests.integration.http.preview_rows import previews_of, pull_request, told
from tests.integration.http.world import World
from tests.integration.web.browsers import send, signed_in

EVIL = "<script>alert(1)</script>\u202e"


async def test_previews_are_listed_with_how_each_stands(world: World) -> None:
    application_id = await world.application("shop")
    ids = await previews_of(world, application_id)
    async with signed_in(world) as client:
        text = (await client.get("/previews")).text
        assert f"/previews/{ids['preview']}" in text
        assert "waits for approval" in text
        assert 'href="https://git.example/pull/1"' in text
        assert f'href="/services/{application_id}"' in text
        assert f'href="/previews/of/application/{application_id}"' in text
        none = (await client.get("/previews?serviceId=another")).text
        assert f"/previews/{ids['preview']}" not in none
        assert "No preview is like that." in none
        found = (await client.get(f"/previews?serviceId={application_id}&text=change")).text
        assert f"/previews/{ids['preview']}" in found
        page = (await client.get(f"/previews/{ids['preview']}")).text
        (row,) = (await world.get("previewDeployment.one", previewDeploymentId=ids["preview"]))["deployments"]
        assert f"/deployments/{row['deploymentId']}" in page
        assert "with its pull request" in page


async def test_a_preview_is_redeployed_approved_and_removed(world: World) -> None:
    ids = await previews_of(world, await world.application())
    preview, fork = f"/previews/{ids['preview']}", f"/previews/{ids['fork']}"
    async with signed_in(world) as client:
        again = await send(client, f"{preview}/redeploy")
        deployment_id = again.headers["location"].removeprefix("/deployments/")
        row = await world.get("deployment.one", deploymentId=deployment_id)
        assert row["previewDeploymentId"] == ids["preview"]
        asked = (await client.get(f"{fork}/approve")).text
        assert "Look at all of it first." in asked
        assert f'value="{"b" * 40}"' in asked
        assert f"{fork}/redeploy" not in (await client.get(fork)).text
        other = await send(client, f"{fork}/approve", commit="c" * 40)
        assert (other.status_code, "approve that one" in other.text) == (409, True)
        bad = await send(client, f"{fork}/approve", commit="no")
        assert (bad.status_code, "field-bad" in bad.text) == (422, True)
        let = await send(client, f"{fork}/approve", commit="b" * 40)
        assert let.headers["location"].startswith("/deployments/")
        assert not (await world.get("previewDeployment.one", previewDeploymentId=ids["fork"]))["awaitsApproval"]
        gone = await send(client, f"{preview}/remove")
        assert (gone.status_code, gone.headers["location"]) == (303, "/previews")
        assert (await client.get(preview)).status_code == 404


async def test_the_settings_of_previews_are_changed_for_one_service(world: World) -> None:
    application_id = await world.application()
    path = f"/previews/of/application/{application_id}"
    async with signed_in(world) as client:
        page = (await client.get(path)).text
        assert "switched off" in page
        assert "only commits that somebody approves" in page
        typed = {
            "isPreviewDeploymentsActive": "true",
            "previewLimit": "2",
            "previewWildcard": "*.previews.example.org",
            "previewLabels": "preview\r\nlook",
            "previewExpireHours": "48",
            "previewEnv": "A=1\r\nB=2",
        }
        saved = await send(client, f"{path}/change-application", **typed, previewCertificateType="none")
        assert (saved.status_code, saved.headers["location"]) == (303, path), saved.text
        row = await world.get("application.one", applicationId=application_id)
        assert (row["isPreviewDeploymentsActive"], row["previewLimit"]) == (True, 2)
        assert (row["previewLabels"], row["previewExpireHours"]) == (["preview", "look"], 48)
        assert row["previewEnv"] == "A=1\nB=2"
        page = (await client.get(path)).text
        assert "switched on" in page
        assert "*.previews.example.org" in page
        cleared = await send(client, f"{path}/change-application", previewLimit="3", previewCertificateType="none")
        assert cleared.status_code == 303
        row = await world.get("application.one", applicationId=application_id)
        assert (row["isPreviewDeploymentsActive"], row["previewExpireHours"], row["previewLabels"]) == (
            False,
            None,
            None,
        )
        assert (await client.get(f"/previews/of/compose/{application_id}")).status_code == 404
        assert (await client.get(f"{path}/change-compose")).status_code == 404


async def test_what_a_member_may_not_is_not_offered_and_refused(world: World) -> None:
    application_id = await world.application()
    ids = await previews_of(world, application_id)
    path, settings = f"/previews/{ids['preview']}", f"/previews/of/application/{application_id}"
    async with signed_in(world, "member") as client:
        for each in (path, settings, f"{path}/redeploy", f"{settings}/change-application"):
            assert (await client.get(each)).status_code == 404, each
        member = next(each for each in await world.get("user.all") if each["role"] == "member")
        await world.post("user.assignPermissions", id=member["userId"], accessedServices=[application_id])
        assert f"{path}/redeploy" in (await client.get(path)).text
        assert path in (await client.get("/previews")).text
        assert "change-application" not in (await client.get(settings)).text
        refused = await client.get(f"{settings}/change-application")
        assert (refused.status_code, "needs the role admin" in refused.text) == (403, True)


async def test_text_from_outside_stays_text(world: World) -> None:
    application_id = await world.application()
    await world.post("application.update", applicationId=application_id, isPreviewDeploymentsActive=True)
    evil = pull_request(1, "a" * 40, title=EVIL, html_url="javascript:alert(1)", user={"login": EVIL})
    await told(world, application_id, evil)
    (row,) = await world.get("previewDeployment.overview")
    async with signed_in(world) as client:
        for each in ("/previews", f"/previews/{row['previewDeploymentId']}"):
            text = (await client.get(each)).text
            assert html.escape("<script>alert(1)</script>") in text
            assert "<script>alert" not in text
            assert 'href="javascript:' not in text
