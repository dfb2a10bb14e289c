"""What is queued for a deploy of a service, of whichever kind."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from headway.core.deployments.model import Request, SubjectType
from headway.features.services.application.model import AppSettings
from headway.features.services.compose.model import ComposeSettings
from headway.features.services.model import DesiredState, Service, ServiceStatus
from headway.features.services.requests import DeployKind, deploy_request

DEPLOYS = DeployKind(name="a kind", version=3)
APPLICATION: Service[Any] = Service(
    service_id="one",
    kind=SubjectType.APPLICATION,
    organization_id="org",
    project_id="project",
    environment_id="environment",
    host_id="there",
    name="One",
    app_name="one",
    description=None,
    status=ServiceStatus.IDLE,
    wanted=DesiredState.DOWN,
    serving_release_id=None,
    settings=AppSettings(),
    env="",
    build_uid=None,
    created_at=datetime(2026, 6, 1, tzinfo=UTC),
)
COMPOSE = replace(APPLICATION, kind=SubjectType.COMPOSE, settings=ComposeSettings())
DATABASE = replace(APPLICATION, kind=SubjectType.DATABASE, database="redis")


def request(service: Service[Any]) -> Request:
    return deploy_request(service, DEPLOYS, allow_file=False)


def test_a_deployment_belongs_to_its_service_and_holds_what_one_at_a_time_may() -> None:
    asked = {
        "application": APPLICATION,
        "preview of it": replace(APPLICATION, preview_of="parent"),
        "database": DATABASE,
        "compose": COMPOSE,
        "preview of that": replace(COMPOSE, preview_of="parent"),
    }
    found = {what: (request(each).subject_type, request(each).exclusive_key) for what, each in asked.items()}
    assert found == {
        "application": (SubjectType.APPLICATION, "application:one"),
        "preview of it": (SubjectType.PREVIEW, "application:one"),
        "database": (SubjectType.DATABASE, "application:one"),
        "compose": (SubjectType.COMPOSE, "compose:one"),
        "preview of that": (SubjectType.PREVIEW, "compose:one"),
    }


def test_what_is_made_is_made_on_the_server_for_it_and_what_others_made_is_fetched_where_it_runs() -> None:
    elsewhere = replace(APPLICATION, build_host_id="workshop")
    image = replace(elsewhere, settings=AppSettings(source_type="docker"))
    hosts = [(each.host_id, each.release_host_id) for each in map(request, (APPLICATION, elsewhere, image, COMPOSE))]
    assert hosts == [("there", None), ("workshop", "there"), ("there", None), ("there", None)]
