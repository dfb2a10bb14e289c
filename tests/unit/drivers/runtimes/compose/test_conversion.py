"""A compose file as Headway hands it to the engine."""

from __future__ import annotations

from typing import Any

from headway.drivers.runtimes.compose.conversion import (
    Identity,
    fingerprint,
    image_repository,
    labelled,
    needed_variables,
    owned,
    pinned,
    replicas,
)
from headway.infra.docker.labels import BLANK

IDENTITY = Identity(panel_id="panel", compose_id="compose", project="shop")
OURS = {"headway.panel": "panel", "headway.compose": "compose"}


def converted(model: dict[str, Any], moved: dict[str, str] | None = None) -> dict[str, Any]:
    return owned(model, IDENTITY, moved or {})


def test_everything_is_called_after_the_project_and_carries_its_labels() -> None:
    made = converted(
        {
            "name": "of their choice",
            "services": {"web": {"image": "debian:12", "labels": {"own": "1"}}},
            "networks": {"default": {"name": "x_default"}, "back": None},
            "volumes": {"data": {"name": "of_another"}},
        }
    )
    assert made == {
        "name": "shop",
        "services": {
            "web": {"image": "debian:12", "labels": {"own": "1", **BLANK, **OURS, "headway.image": "debian:12"}},
        },
        "networks": {
            "default": {"name": "shop_default", "labels": OURS},
            "back": {"name": "shop_back", "labels": OURS},
        },
        "volumes": {"data": {"name": "shop_data", "labels": OURS}},
    }


def test_what_an_owner_let_be_external_keeps_its_name() -> None:
    made = converted({"services": {}, "volumes": {"v": {"name": "theirs", "external": True}}})
    assert made["volumes"] == {"v": {"name": "theirs", "external": True}}


def test_a_container_name_becomes_one_more_name_in_its_networks() -> None:
    made = converted({"services": {"web": {"image": "a", "container_name": "front", "networks": {"back": None}}}})
    assert "container_name" not in made["services"]["web"]
    assert made["services"]["web"]["networks"] == {"back": {"aliases": ["front"]}}


def test_images_that_are_built_have_names_of_ours_wherever_they_are_used() -> None:
    built = {"build": {"context": "/t", "tags": ["somebody/else:latest"]}, "image": "somebody/app"}
    made = converted({"services": {"web": built, "worker": {"image": "somebody/app"}, "db": {"image": "pg"}}})
    images = {name: service["image"] for name, service in made["services"].items()}
    assert images == {"web": "headway-compose/shop/web:new", "worker": "headway-compose/shop/web:new", "db": "pg"}
    assert "tags" not in made["services"]["web"]["build"]


def test_repositories_of_services_that_differ_in_case_or_signs_only_differ() -> None:
    names = ["web", "Web", "w_eb", "w--eb", "-web"]
    repositories = [image_repository("shop", name) for name in names]
    assert repositories[0] == "headway-compose/shop/web"
    assert len(set(repositories)) == len(names)


def test_what_an_image_brings_in_the_family_of_compose_does_not_show() -> None:
    before = pinned(converted({"services": {"web": {"image": "a"}}}), {"web": "kept"}, {})
    brought = {"com.docker.compose.new": "x", "com.docker.compose.replace": "y", "com.docker.compose.project": "z"}
    made = pinned(before, {"web": "kept"}, {"web": {**brought, "their.own": "w"}})
    blank = {"com.docker.compose.new": "", "com.docker.compose.replace": ""}  # a project Compose gives by itself
    assert made["services"]["web"]["labels"] == {**before["services"]["web"]["labels"], **blank}
    assert fingerprint(made, "web") == fingerprint(before, "web")


def test_mounts_lie_where_they_were_moved() -> None:
    mount = {"type": "bind", "source": "/release/data", "target": "/data"}
    made = converted({"services": {"web": {"image": "a", "volumes": [mount]}}}, {"/release/data": "/files/data"})
    assert made["services"]["web"]["volumes"] == [{"type": "bind", "source": "/files/data", "target": "/data"}]
    assert mount["source"] == "/release/data"


def test_a_pinned_file_builds_and_pulls_nothing() -> None:
    made = pinned(
        converted({"services": {"web": {"build": {"context": "/t"}, "pull_policy": "always"}}}), {"web": "i:1"}, {}
    )
    assert (made["services"]["web"]["image"], made["services"]["web"].keys() & {"build", "pull_policy"}) == (
        "i:1",
        set(),
    )


def test_a_fingerprint_knows_what_a_container_is_made_of_and_not_who_made_it() -> None:
    plain = converted({"services": {"web": {"image": "a", "depends_on": {"db": {}}}}})
    first = fingerprint(plain, "web")
    assert fingerprint(labelled(plain, {"web": "a deployment"}), "web") == first
    changed = converted({"services": {"web": {"image": "a", "environment": {"A": "1"}}}})
    assert fingerprint(changed, "web") != first


def test_a_fingerprint_knows_the_configs_that_are_used() -> None:
    def of(content: str) -> str:
        services = {"web": {"image": "a", "configs": [{"source": "c", "target": "/c"}]}}
        return fingerprint(converted({"services": services, "configs": {"c": {"content": content}}}), "web")

    assert of("one") != of("two")


def test_variables_of_configs_and_secrets_are_known() -> None:
    model = {"secrets": {"a": {"environment": "B"}, "c": {"file": "/x"}}, "configs": {"d": {"environment": "A"}}}
    assert needed_variables(model) == ["A", "B"]


def test_a_service_has_one_container_unless_the_file_says_otherwise() -> None:
    assert [replicas(each) for each in ({}, {"scale": 3}, {"deploy": {"replicas": 0}})] == [1, 3, 0]
