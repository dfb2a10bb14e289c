"""What is chosen among more than a hundred projects, and of hundreds of services, stays as it was chosen."""

from __future__ import annotations

import html
import re

from tests.integration.http.world import World
from tests.integration.web.browsers import OWN, signed_in


async def _projects(world: World, number: int) -> list[str]:
    made = [await world.post("project.create", name=f"project {each:04}") for each in range(number)]
    return [each["project"]["projectId"] for each in made]


def _sent(text: str) -> dict[str, str]:
    """What a browser would send of a form as it stands: its hidden fields, and the boxes that are set."""
    hidden = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', text.partition("<main")[2])
    boxes = re.findall(r'name="([^"]+)" type="checkbox" value="true" checked', text)
    return {name: html.unescape(value) for name, value in hidden} | dict.fromkeys(boxes, "true")


async def test_a_group_keeps_a_project_beyond_the_first_hundred(world: World) -> None:
    projects = await _projects(world, 103)
    listed = [each["projectId"] for each in (await world.get("project.search", limit=100))["items"]]
    late = sorted(set(projects) - set(listed))
    assert len(late) == 3
    made = await world.post("organization.setGroupRule", name="shop", role="member", projects=[late[0], listed[0]])
    path = f"/members/groups/{made['groupRuleId']}"
    async with signed_in(world) as client:
        assert "a project that is gone" not in (await client.get("/members/groups")).text
        assert "a project that is gone" not in (await client.get(path)).text
        form = (await client.get(f"{path}/change")).text
        assert all(f'name="projects.{each}"' in form for each in projects)
        fields = _sent(form) | {"role": "member", f"projects.{late[1]}": "true"}
        done = await client.post(f"{path}/change", data=fields, headers=OWN)
        assert done.status_code == 303, done.text
    (rule,) = (await world.get("organization.groupRules"))["rules"]
    assert set(rule["projects"]) == {late[0], late[1], listed[0]}


async def test_three_hundred_boxes_are_taken(world: World) -> None:
    projects = await _projects(world, 300)
    member = next(each for each in await world.get("user.all") if each["role"] == "member")
    path = f"/members/users/{member['userId']}"
    async with signed_in(world) as client:
        fields = _sent((await client.get(f"{path}/access")).text)
        boxes = {f"accessedProjects.{each}": "true" for each in projects}
        done = await client.post(f"{path}/access", data={**fields, **boxes}, headers=OWN)
        assert (done.status_code, done.headers.get("location")) == (303, path), done.text
    one = await world.get("user.one", userId=member["userId"])
    assert len(one["accessedProjects"]) == 300
