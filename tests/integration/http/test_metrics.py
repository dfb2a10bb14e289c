"""What Prometheus reads, who may, and what it says of deployments, queue and calls."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import httpx
from prometheus_client.parser import text_string_to_metric_families

from headway.core.deployments.status import Status
from headway.http.metrics import create_metrics_app
from headway.kernel.events import LogGrew, SwarmLooked
from headway.operations import http_needs
from tests.integration.http.world import KEYS, World

PLACE = "http://headway.test/metrics"
KIND = "application.deploy"
Samples = Mapping[tuple[str, tuple[tuple[str, str], ...]], float]


def samples_of(text: str) -> Samples:
    """Every figure by its name and labels, as Prometheus would understand them."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def figures_of(world: World) -> Samples:
    answer = await world.owner.get(PLACE)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    return samples_of(answer.text)


def figure(samples: Samples, name: str, **labels: str) -> float | None:
    return samples.get((name, tuple(sorted(labels.items()))))


async def test_an_owner_may_read_them_and_others_may_not(world: World) -> None:
    assert (await world.owner.get(PLACE)).status_code == 200
    assert (await world.member.get(PLACE)).status_code == 403
    assert (await world.nobody.get(PLACE)).status_code == 401
    assert (
        await world.owner.get(PLACE, headers={"x-api-key": "", "authorization": f"Bearer {KEYS['owner']}"})
    ).is_success


async def test_nothing_can_be_written_there(world: World) -> None:
    assert (await world.owner.post(PLACE)).status_code == 404


async def test_deployments_are_counted_by_kind_end_and_reason(world: World) -> None:
    application_id = await world.application()
    await world.ended(application_id)
    await world.ended(application_id, Status.ERROR)
    cancelled = await world.deploy(application_id)
    await world.post("deployment.cancel", deploymentId=cancelled)

    samples = await figures_of(world)

    ended = partial(figure, samples, "headway_deployments_ended_total", kind=KIND)
    assert ended(status="done", reason="") == 1
    assert ended(status="error", reason="failed") == 1
    assert ended(status="error", reason="cancelled") == 1
    assert figure(samples, "headway_deployment_duration_seconds_count", kind=KIND, status="done") == 1
    assert figure(samples, "headway_deployment_duration_seconds_count", kind=KIND, status="error") == 1, "one never ran"
    assert figure(samples, "headway_deployment_wait_seconds_count", kind=KIND) == 2


async def test_the_queue_and_its_leases_are_as_they_are_now(world: World) -> None:
    application_id = await world.application()
    await world.deploy(application_id)
    lease = await world.claim()
    await world.deploy(application_id)

    samples = await figures_of(world)
    assert figure(samples, "headway_deployments_running", kind=KIND) == 1
    assert figure(samples, "headway_queue_length", kind=KIND) == 1
    assert (figure(samples, "headway_queue_oldest_seconds") or 0) > 0
    assert figure(samples, "headway_leases") == 1
    assert figure(samples, "headway_leases_lapsed") == 0

    await world.end(lease)
    await world.end(await world.claim())
    samples = await figures_of(world)
    assert figure(samples, "headway_deployments_running", kind=KIND) == 0
    assert figure(samples, "headway_queue_length", kind=KIND) == 0
    assert figure(samples, "headway_queue_oldest_seconds") == 0
    assert figure(samples, "headway_leases") == 0


async def test_calls_are_counted_by_wire_procedure_and_status(world: World) -> None:
    await world.get("project.all")
    await world.nobody.get("/project.all")
    await world.owner.get("/project.one")
    await world.owner.get("/trpc/project.all,user.get?batch=1&input={}")
    for name in ("nope.one", "nope.two"):
        await world.owner.get(f"/{name}")

    samples = await figures_of(world)

    calls = partial(figure, samples, "headway_http_calls_total")
    assert calls(wire="rest", procedure="project.all", status="200") == 1
    assert calls(wire="rest", procedure="project.all", status="401") == 1
    assert calls(wire="rest", procedure="project.one", status="400") == 1
    assert calls(wire="trpc", procedure="project.all", status="200") == 1
    assert calls(wire="trpc", procedure="user.get", status="200") == 1
    assert calls(wire="rest", procedure="unknown", status="404") == 2, "nobody can make up names"
    assert figure(samples, "headway_http_call_seconds_count", procedure="project.all") == 3


async def test_bytes_of_logs_are_counted_and_the_process_is_described(world: World) -> None:
    for _ in range(2):
        world.services.events.announce(LogGrew(deployment_id="x", added_bytes=21))

    samples = await figures_of(world)

    assert figure(samples, "headway_log_bytes_total") == 42
    assert figure(samples, "headway_followers") == 0
    assert (figure(samples, "process_resident_memory_bytes") or 0) > 1 << 20


async def test_on_a_port_of_its_own_they_take_no_key_and_nothing_else_is_there(world: World) -> None:
    app = create_metrics_app(http_needs(world.platform.base, world.platform.features), lambda: 7, open_to_all=True)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as client:
        answer = await client.get("/metrics")
        assert figure(samples_of(answer.text), "headway_followers") == 7
        assert (await client.get("/api/project.all")).status_code == 404


async def test_a_swarm_is_told_by_its_machines_and_copies(world: World) -> None:
    world.services.events.announce(SwarmLooked(machines={"ready": 1, "down": 1}, wanted=4, running=3))
    world.services.events.announce(SwarmLooked(machines={"ready": 2}, wanted=4, running=4))
    samples = await figures_of(world)
    assert figure(samples, "headway_swarm_machines", state="ready") == 2
    assert figure(samples, "headway_swarm_machines", state="down") == 0
    assert figure(samples, "headway_swarm_copies", which="wanted") == 4
    assert figure(samples, "headway_swarm_copies", which="running") == 4
