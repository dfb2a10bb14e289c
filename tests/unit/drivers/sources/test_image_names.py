"""How names of images are read: as Docker does."""

from __future__ import annotations

import pytest

from headway.drivers.sources.image import registry_of, with_tag


@pytest.mark.parametrize(
    ("name", "registry"),
    [
        ("nginx", ""),
        ("nginx:1.27", ""),
        ("team/shop:main", ""),
        ("docker.io/library/nginx", ""),
        ("registry.example.org/shop", "registry.example.org"),
        ("registry:5000/shop:1", "registry:5000"),
        ("localhost/shop", "localhost"),
        ("127.0.0.1:5000/team/shop", "127.0.0.1:5000"),
        ("Upper/shop", "Upper"),
    ],
)
def test_the_registry_that_a_name_leads_to(name: str, registry: str) -> None:
    assert registry_of(name) == registry


@pytest.mark.parametrize(
    ("name", "tagged"),
    [
        ("registry:5000/shop", "registry:5000/shop:latest"),
        ("registry:5000/shop:1", "registry:5000/shop:1"),
        ("nginx", "nginx:latest"),
    ],
)
def test_a_name_without_a_tag_has_the_one_that_docker_takes(name: str, tagged: str) -> None:
    assert with_tag(name) == tagged
