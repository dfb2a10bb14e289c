"""Whose each byte is, and what is gained when something goes."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.features.disk.model import (
    Counted,
    Freeing,
    Owners,
    beyond_bound,
    counted,
    longest_unused,
)
from headway.features.services.folders import Part
from headway.infra.docker.usage import CacheEntry, EngineUsage, HeldImage, HeldThing, Layer

PANEL = "p1"
SIZES = {"base": 100, "run": 10, "shop1": 3, "shop2": 4, "stack": 5, "other": 7}
OWN = {"headway.panel": PANEL}


def image(*layers: str, names: tuple[str, ...] = (), labels: dict[str, str] | None = None) -> HeldImage:
    return HeldImage(
        image_id=f"sha256:{'-'.join(layers)}",
        names=names,
        labels=labels or {},
        layers=tuple(Layer(chain=layer, bytes=SIZES[layer]) for layer in layers),
        is_used=False,
    )


def usage(
    *images: HeldImage, containers: tuple[HeldThing, ...] = (), volumes: tuple[HeldThing, ...] = ()
) -> EngineUsage:
    return EngineUsage(images=images, containers=containers, volumes=volumes, cache=(), root="/", engine_id="e")


def count(found: EngineUsage) -> Counted:
    return counted(found, Owners(PANEL, {"a": f"headway-{PANEL}/shop", "c": "headway-compose/stack"}))


BASE = image("base", names=("debian:13",))
SHOP1 = image("base", "run", "shop1", names=(f"headway-{PANEL}/shop:r-1",))
SHOP2 = image("base", "run", "shop2", names=(f"headway-{PANEL}/shop:r-2",))
STACK = image("base", "stack", names=("headway-compose/stack/web:abc",))


def test_a_layer_belongs_to_the_one_service_that_has_it_however_many_of_its_images_do() -> None:
    found = count(usage(SHOP1, SHOP2, STACK, BASE))
    assert found.of_service == {"a": {Part.IMAGES: 17}, "c": {Part.IMAGES: 5}}
    assert (found.shared, found.foreign) == (100, 0)


def test_what_nobody_else_has_is_a_service_s_own_also_where_it_is_a_base_image() -> None:
    assert count(usage(SHOP1, SHOP2)).of_service == {"a": {Part.IMAGES: 117}}


@pytest.mark.parametrize(
    ("names", "labels", "owner"),
    [
        (("headway-compose/stack/deep/er:1",), {}, "c"),
        ((f"headway-{PANEL}/shop:r-9", "registry.example:5000/x/y:1"), {}, "a"),
        ((), {**OWN, "headway.application": "a"}, "a"),
        ((), {**OWN, "headway.compose": "c", "headway.application": "a"}, "c"),
        ((), {"headway.panel": "another", "headway.application": "a"}, None),
        (("headway-other/shop:r-1",), {}, None),
        (("headway-compose/stacks/web:1",), {}, None),
        ((), {**OWN, "headway.application": "nobody"}, None),
    ],
)
def test_an_image_is_known_by_its_names_and_labels(
    names: tuple[str, ...], labels: dict[str, str], owner: str | None
) -> None:
    found = count(usage(image("other", names=names, labels=labels)))
    assert found.of_service == ({} if owner is None else {owner: {Part.IMAGES: 7}})
    assert found.foreign == (7 if owner is None else 0)


def test_containers_and_volumes_are_known_by_their_labels() -> None:
    mine = HeldThing(name="x", labels={**OWN, "headway.compose": "c"}, bytes=9)
    other = HeldThing(name="y", labels={"headway.compose": "c"}, bytes=2)
    found = count(usage(containers=(mine, other), volumes=(mine,)))
    assert (found.of_service, found.foreign) == ({"c": {Part.CONTAINERS: 9, Part.VOLUMES: 9}}, 2)


@given(st.lists(st.sampled_from([BASE, SHOP1, SHOP2, STACK, image("other")]), unique_by=lambda each: each.image_id))
def test_every_byte_is_counted_once(images: list[HeldImage]) -> None:
    found = count(usage(*images))
    layers = {layer.chain: layer.bytes for each in images for layer in each.layers}
    mine = sum(size for parts in found.of_service.values() for size in parts.values())
    assert mine + found.shared + found.foreign == sum(layers.values())


def test_an_image_goes_with_its_last_name_and_a_layer_with_its_last_image() -> None:
    twice = image("base", "run", "shop1", names=("one:1", "two:1"))
    freeing = Freeing(usage(twice, SHOP2, BASE))
    assert [freeing.name("one:1"), freeing.name("two:1")] == [0, 3]
    assert freeing.name(SHOP2.names[0]) == 14
    assert freeing.name("never seen") == 0
    assert freeing.image(BASE.image_id) == 100
    assert freeing.image(BASE.image_id) == 0


def test_a_cache_is_bounded_and_the_longest_unused_goes_first() -> None:
    entries = [CacheEntry(bytes=size, used_at=datetime(2026, 1, 1, tzinfo=UTC)) for size in (5, 7)]
    assert [beyond_bound(entries, bound) for bound in (0, 10, 12)] == [0, 2, 0]
    caches = {"old": (5, 1.0), "new": (5, 3.0), "middle": (5, 2.0)}
    assert longest_unused(caches, 10) == ["old"]
    assert longest_unused(caches, 4) == ["old", "middle", "new"]
    assert longest_unused(caches, 0) == []
