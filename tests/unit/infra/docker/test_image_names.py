"""One image has many names, and each of them is judged as the engine understands it."""

from __future__ import annotations

import pytest

from headway.infra.docker.image_names import is_kept, is_of_the_machine, normalized, repository

RELEASE = "V1StGXR8_Z5jdHi6B-myT"
DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("name", "whole"),
    [
        ("nginx", "docker.io/library/nginx:latest"),
        ("docker.io/nginx", "docker.io/library/nginx:latest"),
        ("index.docker.io/library/nginx:1.27", "docker.io/library/nginx:1.27"),
        ("team/app", "docker.io/team/app:latest"),
        ("localhost/app:1", "localhost/app:1"),
        ("registry.example.org:5000/app", "registry.example.org:5000/app:latest"),
        (f"app@{DIGEST}", f"docker.io/library/app@{DIGEST}"),
        (f"app:1@{DIGEST}", f"docker.io/library/app:1@{DIGEST}"),
        ("Team/app", "Team/app:latest"),
    ],
)
def test_a_name_is_read_as_the_engine_reads_it(name: str, whole: str) -> None:
    assert normalized(name) == whole


@pytest.mark.parametrize("name", ["nginx", "nginx:1.27", f"nginx@{DIGEST}", f"docker.io/nginx:1@{DIGEST}"])
def test_a_repository_is_a_name_without_what_tells_its_images_apart(name: str) -> None:
    assert repository(name) == "docker.io/library/nginx"
    assert repository(f"registry.example.org:5000/{name.rpartition('/')[2]}") == "registry.example.org:5000/nginx"


@pytest.mark.parametrize("registry", ["", "docker.io/", "index.docker.io/"])
@pytest.mark.parametrize(
    "name",
    [
        f"headway-0123456789ab/shop:r-{RELEASE}",
        "headway-0123456789ab/shop",
        "headway-compose/shop/web:new",
        "headway-0123456789ab-01234567/shop:1",
        f"headway-compose/shop/web@{DIGEST}",
        f"headway-0123456789ab/shop:r-{RELEASE}@{DIGEST}",
    ],
)
def test_the_images_of_releases_are_known_by_each_of_their_names(registry: str, name: str) -> None:
    assert is_kept(registry + name)


def test_what_was_taken_to_a_registry_is_known_by_its_tag() -> None:
    assert is_kept(f"registry.example.org/team/shop:r-{RELEASE}")
    assert is_kept(f"registry.example.org:5000/shop:r-{RELEASE}@{DIGEST}")


@pytest.mark.parametrize(
    "name",
    [
        "nginx",
        "headway-test/base:local",
        "headway/headway:1",
        "team/headway-compose:1",
        "registry.example.org/headway-compose/shop:1",
        "shop:r-1",
        "shop:release",
    ],
)
def test_other_images_are_not(name: str) -> None:
    assert not is_kept(name)


@pytest.mark.parametrize(
    "name",
    ["localhost/x", "localhost:5000/x", "127.0.0.1:1/x", "127.1/x", "0:80/x", "169.254.169.254/x", "[::1]:5/x:1"],
)
def test_a_registry_of_the_machine_is_known_by_its_address(name: str) -> None:
    assert is_of_the_machine(name)


@pytest.mark.parametrize("name", ["nginx", "127/x", "registry.example.org/x", "10.0.0.1:5000/x", "local/host:1"])
def test_another_is_not(name: str) -> None:
    assert not is_of_the_machine(name)
