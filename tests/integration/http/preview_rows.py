"""The rows of the table of access that are about previews, and the things that they are called with."""

from __future__ import annotations

from collections.abc import Mapping

from headway.core.access.policy import Noun
from tests.integration.http.access_rows import DEPLOY, MEMBER, MUTATION, OWN, QUERY, READ, SERVICE, Row
from tests.integration.http.world import World

PREVIEW = {"previewDeploymentId": "{preview}"}

PREVIEW_ROWS: Mapping[str, Row] = {
    "previewDeployment.all": Row(QUERY, {"applicationId": "{application}"}, MEMBER, READ, SERVICE, Noun.APPLICATION),
    "previewDeployment.approve": Row(MUTATION, {"previewDeploymentId": "{fork}", "commit": "b" * 40}, MEMBER, DEPLOY),
    "previewDeployment.delete": Row(MUTATION, PREVIEW, MEMBER, DEPLOY),
    "previewDeployment.one": Row(QUERY, PREVIEW, MEMBER, READ),
    "previewDeployment.overview": Row(QUERY, {}, MEMBER, READ, OWN),
    "previewDeployment.redeploy": Row(MUTATION, PREVIEW, MEMBER, DEPLOY),
}


def pull_request(number: int, head: str, *, action: str = "opened", fork: bool = False, **fields: object) -> object:
    """What GitHub tells of a pull request."""
    return {
        "action": action,
        "number": number,
        "repository": {"default_branch": "main"},
        "pull_request": {
            "number": number,
            "title": "A change",
            "html_url": f"https://git.example/pull/{number}",
            "state": "closed" if action == "closed" else "open",
            "updated_at": "2026-01-01T00:00:00Z",
            "user": {"login": "ann"},
            "head": {"ref": "change", "sha": head, "repo": {"full_name": "fork/app" if fork else "team/app"}},
            "base": {"ref": "main", "repo": {"full_name": "team/app"}},
            "labels": [],
            **fields,
        },
    }


async def told(world: World, application_id: str, payload: object) -> dict[str, object]:
    """What was done about a pull request."""
    token = (await world.get("application.one", applicationId=application_id))["refreshToken"]
    answer = await world.nobody.post(f"/deploy/{token}", json=payload, headers={"x-github-event": "pull_request"})
    assert answer.status_code == 200, answer.text
    done: dict[str, object] = answer.json()["services"][0]
    return done


async def previews_of(world: World, application_id: str) -> dict[str, str]:
    """The ids of a preview of the application, and of one of a fork."""
    await world.post("application.update", applicationId=application_id, isPreviewDeploymentsActive=True)
    await told(world, application_id, pull_request(1, "a" * 40))
    await told(world, application_id, pull_request(2, "b" * 40, fork=True))
    fork, preview = await world.get("previewDeployment.all", applicationId=application_id)
    return {"preview": preview["previewDeploymentId"], "fork": fork["previewDeploymentId"]}
