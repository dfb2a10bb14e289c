"""Must show 1: every payload that GitHub has sent, and those of the other forges written after their documentation, is
taken or ignored for the right, stated reason; none of them, and nothing made of them, is answered with 5xx.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.http.test_hooks import deliver, told
from tests.integration.http.world import World
from tests.support.forges.webhook_examples import examples
from tests.unit.features.webhooks import deliveries as sent
from tests.unit.features.webhooks.test_forges import mutated

pytestmark = pytest.mark.slow
Json = Any


def expected(event: str, payload: Json) -> set[str]:
    """The reasons for which this may be skipped, or queued."""
    match event:
        case "ping":
            return {"ping"}
        case "push" if payload["deleted"]:
            return {"removed"}
        case "push":
            is_tag = payload["ref"].startswith("refs/tags/")
            return {"tag"} if is_tag else {"queued", "already"}  # several tell of one commit
        case "pull_request" if payload["pull_request"]["state"] == "closed":
            return {"closed", "preview_removed", "outdated"}
        case "pull_request" if payload["pull_request"]["base"]["ref"] != "master":
            return {"branch", "outdated"}
        case "pull_request":
            pull = payload["pull_request"]
            own = (pull["head"]["repo"] or {}).get("full_name") == pull["base"]["repo"]["full_name"]
            # Of one that was closed before, whatever is told but that it was opened again.
            return {"outdated", "closed"} | ({"queued", "already"} if own else {"fork"})
        case "package" | "registry_package":
            return {"source", "not_a_push"}
        case _:
            return {"not_a_push"}


async def test_every_payload_of_github_is_answered_for_the_right_reason(
    world: World, request: pytest.FixtureRequest
) -> None:
    assert request.config.cache is not None
    application_id, url = await told(world, webhookSecret=sent.SECRET)
    wanted = {"customGitBranch": "master", "isPreviewDeploymentsActive": True}
    await world.post("application.update", applicationId=application_id, **wanted)
    found = examples(request.config.cache)
    counts: Counter[str] = Counter()
    for number, (event, payload) in enumerate(found):
        headers, body = sent.github(payload, event, str(number))
        good = await deliver(world, url, (headers, body))
        forged = await deliver(world, url, ({**headers, "x-hub-signature-256": "sha256=0"}, body))
        (done,) = good.json()["services"]
        assert (good.status_code, forged.status_code) == (200, 401), (event, good.text, forged.text)
        assert done["reason"] in expected(event, payload), (event, done)
        assert done["message"]
        counts[done["reason"]] += 1
    print(f"\n{len(found)} payloads of {len({event for event, _ in found})} events: {dict(counts)}")
    assert len(found) > 300
    assert counts["queued"] > 0


async def test_nothing_made_of_them_breaks(world: World, request: pytest.FixtureRequest) -> None:
    assert request.config.cache is not None
    _, url = await told(world, watchPaths=["src"], isPreviewDeploymentsActive=True)
    found = [
        (event, payload)
        for event, payload in examples(request.config.cache)
        if event in {"push", "package", "pull_request"}
    ]
    found += [(event, payload) for event, payload in examples(request.config.cache)[::10]]
    tried: list[tuple[dict[str, str], bytes]] = []

    @given(st.sampled_from(range(len(found))), st.data())
    @settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    def change(number: int, data: st.DataObject) -> None:
        event, payload = found[number]
        for _ in range(data.draw(st.integers(1, 3))):
            payload = mutated(payload, data)
        headers, body = sent.github(payload, event, str(len(tried)))
        tried.append((headers, body))

    change()
    for delivery in tried:
        answer = await deliver(world, url, delivery)
        assert answer.status_code == 200, (delivery, answer.text)
        json.loads(answer.text)
