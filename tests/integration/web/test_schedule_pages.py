"""The pages of schedules: what is due, how one is made, changed, run and removed, and who may."""

from __future__ import annotations

import html

from tests.integration.http.schedule_rows import A_SCHEDULE
from tests.integration.http.world import World
from tests.integration.web.browsers import send, signed_in

EVIL = "<script>alert(1)</script>\u202e"


async def test_a_schedule_is_made_where_somebody_chose_and_changed(world: World) -> None:
    application_id = await world.application()
    where = f"/schedules/in/application/{application_id}"
    async with signed_in(world) as client:
        assert "No schedule is here yet." in (await client.get("/schedules")).text
        assert f'href="{where}/create"' in (await client.get("/schedules/new")).text
        bad = await send(client, f"{where}/create", name="nightly", cronExpression="61 4 * * *", script="true")
        assert bad.status_code == 400
        assert "cannot be read, or is never due" in bad.text
        assert 'value="61 4 * * *"' in bad.text
        typed = {"name": "nightly", "cronExpression": "30 4 * * *", "timezone": "Europe/Berlin", "script": "a\r\nb"}
        made = await send(client, f"{where}/create", **typed, enabled="true", overlap="queue", keepDays="7")
        assert made.status_code == 303
        path = made.headers["location"]
        schedule_id = path.removeprefix("/schedules/")
        row = await world.get("schedule.one", scheduleId=schedule_id)
        assert (row["applicationId"], row["script"], row["overlap"]) == (application_id, "a\nb", "queue")
        assert (row["enabled"], row["keepDays"], row["timezone"]) == (True, 7, "Europe/Berlin")
        page = (await client.get(path)).text
        assert "It is due each day at 04:30 (Europe/Berlin), next" in page
        assert f'<time datetime="{row["nextRunAt"][:19]}Z" data-age="due"' in page
        asked = (await client.get(f"{path}/change")).text
        assert 'value="30 4 * * *"' in asked
        assert '<option value="queue" selected>' in asked
        changed = await send(
            client, f"{path}/change", name="hourly", cronExpression="0 * * * *", script="c", keepDays=""
        )
        assert changed.headers["location"] == path
        row = await world.get("schedule.one", scheduleId=schedule_id)
        assert (row["name"], row["cronExpression"], row["script"]) == ("hourly", "0 * * * *", "c")
        assert (row["keepDays"], row["timezone"], row["enabled"]) == (None, "UTC", False)
        assert "switched off" in (await client.get("/schedules")).text


async def test_a_schedule_is_switched_run_and_removed(world: World) -> None:
    application_id = await world.application()
    made = await world.post("schedule.create", applicationId=application_id, **A_SCHEDULE)
    path = f"/schedules/{made['scheduleId']}"
    async with signed_in(world) as client:
        await send(client, f"{path}/switch-off")
        assert "Switched off: nothing of it is due." in (await client.get(path)).text
        assert not (await world.get("schedule.one", scheduleId=made["scheduleId"]))["enabled"]
        await send(client, f"{path}/switch-on")
        assert (await world.get("schedule.one", scheduleId=made["scheduleId"]))["enabled"]
        run = await send(client, f"{path}/run")
        assert run.headers["location"].startswith("/deployments/")
        deployment_id = run.headers["location"].removeprefix("/deployments/")
        assert (await world.get("deployment.one", deploymentId=deployment_id))["scheduleId"] == made["scheduleId"]
        for each in (path, "/schedules", f"{path}/-/runs"):
            assert f"/deployments/{deployment_id}" in (await client.get(each)).text, each
        assert (await send(client, f"{path}/remove", typed="other")).status_code == 422
        gone = await send(client, f"{path}/remove", typed="nightly")
        assert (gone.status_code, gone.headers["location"]) == (303, "/schedules")
        assert (await client.get(path)).status_code == 404
    assert await world.get("schedule.overview") == []


async def test_in_a_compose_service_the_service_of_its_file_is_named(world: World) -> None:
    environment_id = await world.environment()
    text = "services:\n  db:\n    image: postgres\n  web:\n    image: nginx\n"
    given = {"name": "stack", "environmentId": environment_id, "composeFile": text, "sourceType": "raw"}
    compose_id = (await world.post("compose.create", **given))["composeId"]
    where = f"/schedules/in/compose/{compose_id}"
    async with signed_in(world) as client:
        assert f'href="{where}/create-in-compose"' in (await client.get("/schedules/new")).text
        assert f'href="{where}/create-in-compose"' in (await client.get(where)).text
        asked = (await client.get(f"{where}/create-in-compose")).text
        assert '<option value="web">web</option>' in asked
        typed = {"name": "dump", "cronExpression": "@daily", "script": "true", "serviceName": "db"}
        made = await send(client, f"{where}/create-in-compose", **typed, shellType="sh")
        assert made.status_code == 303, made.text
        path = made.headers["location"]
        row = await world.get("schedule.one", scheduleId=path.removeprefix("/schedules/"))
        assert (row["composeId"], row["serviceName"]) == (compose_id, "db")
        assert f"{path}/change-in-compose" in (await client.get(path)).text
        await send(client, f"{path}/change-in-compose", **typed | {"serviceName": "web"}, shellType="sh")
        row = await world.get("schedule.one", scheduleId=path.removeprefix("/schedules/"))
        assert row["serviceName"] == "web"
        assert (await client.get(f"{path}/change")).status_code == 404
        assert (await client.get(f"{where}/create")).status_code == 404


async def test_the_list_is_filtered_by_its_address(world: World) -> None:
    first, second = (
        await world.application(),
        await world.application("other", customGitUrl="https://git.example/x.git"),
    )
    for application_id, name in ((first, "one"), (second, "two")):
        await world.post("schedule.create", applicationId=application_id, **A_SCHEDULE | {"name": name})
    here = await world.post("schedule.create", scheduleType="dokploy-server", **A_SCHEDULE | {"name": "three"})
    async with signed_in(world) as client:
        of = {
            f"/schedules?serviceId={first}": {"one"},
            f"/schedules/in/application/{first}": {"one"},
            "/schedules?text=TWO": {"two"},
            "/schedules/in/dokploy-server/here": {"three"},
            "/schedules?serviceId=unknown": set(),
            "/schedules": {"one", "two", "three"},
            f"/schedules?after={here['scheduleId']}": {"two"},
        }
        for path, names in of.items():
            text = (await client.get(path)).text
            assert {name for name in ("one", "two", "three") if f'title="{name}"' in text} == names, path
        assert f'href="/schedules/new?serviceId={first}"' in (await client.get(f"/schedules?serviceId={first}")).text
        chosen = (await client.get(f"/schedules/new?serviceId={first}")).text
        assert (f"/schedules/in/application/{first}/create" in chosen, second in chosen) == (True, False)
        for path in (f"/schedules/in/compose/{first}", "/schedules/in/nothing/here", "/schedules/in/server/unknown"):
            assert (await client.get(path)).status_code == 404, path


async def test_what_a_member_may_not_is_not_offered_and_refused(world: World) -> None:
    application_id = await world.application()
    made = await world.post("schedule.create", applicationId=application_id, **A_SCHEDULE)
    path = f"/schedules/{made['scheduleId']}"
    async with signed_in(world, "member") as client:
        assert (await client.get(path)).status_code == 404
        for name in ("run", "change", "remove"):
            assert (await client.get(f"{path}/{name}")).status_code == 404
        await _give(world, application_id)
        page = (await client.get(path)).text
        assert f"{path}/run" in page
        assert f"{path}/change" not in page
        refused = await client.get(f"{path}/remove")
        assert (refused.status_code, "needs the role admin" in refused.text) == (403, True)
        listed = (await client.get("/schedules")).text
        assert path in listed
        assert "/schedules/new" not in listed


async def test_text_from_outside_stays_text(world: World) -> None:
    application_id = await world.application()
    fields = {"name": EVIL, "description": EVIL, "script": EVIL * 400}
    made = await world.post("schedule.create", applicationId=application_id, **A_SCHEDULE | fields)
    path = f"/schedules/{made['scheduleId']}"
    async with signed_in(world) as client:
        for each in ("/schedules", path, f"{path}/remove", f"{path}/change"):
            text = (await client.get(each)).text
            assert html.escape("<script>alert(1)</script>") in text
            assert "<script>alert" not in text


async def _give(world: World, application_id: str) -> None:
    """The member is given the project of an application."""
    project_id = (await world.get("service.one", serviceId=application_id))["environment"]["project"]["projectId"]
    member = next(each for each in await world.get("user.all") if each["role"] == "member")
    await world.post("user.assignPermissions", id=member["userId"], accessedProjects=[project_id])
