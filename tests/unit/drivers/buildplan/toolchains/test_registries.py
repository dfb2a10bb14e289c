"""Which registry a machine's own configuration names."""

from __future__ import annotations

import pytest

from headway.drivers.buildplan.toolchains.registries import of_npmrc, of_pip


def test_without_anything_they_are_the_public_ones() -> None:
    assert of_npmrc([], None).url == "https://registry.npmjs.org"
    assert of_pip([], None).url == "https://pypi.org/simple"


def test_the_machines_mirror_counts_with_what_opens_it() -> None:
    npm = of_npmrc(
        [
            "registry=https://first.example/\n",
            """\
# registry=https://no.example
registry = https://npm.example/repository/npm/
//npm.example/repository/npm/:_authToken=letmein
//other.example/:_authToken=secret
cafile=/etc/ssl/own.pem
https-proxy=http://proxy.example:3128
""",
        ],
        None,
    )
    assert npm.url == "https://npm.example/repository/npm"
    assert npm.asked["authorization"] == "Bearer letmein"
    assert (npm.cafile, npm.proxy) == ("/etc/ssl/own.pem", "http://proxy.example:3128")
    assert npm.package("@deno/linux-x64-glibc") == "https://npm.example/repository/npm/@deno%2Flinux-x64-glibc"
    assert "letmein" not in repr(npm)


def test_pips_index_counts_and_its_login_is_not_part_of_the_address() -> None:
    pip = of_pip(
        [
            "[global]\nindex_url = https://old.example/simple\n",
            "[install]\nindex-url=https://me:a%40b@py.example/simple/\n",
        ],
        None,
    )
    assert pip.url == "https://py.example/simple"
    assert pip.asked["authorization"] == "Basic bWU6YUBi"
    assert pip.place == "py.example"
    assert "a%40b" not in repr(pip)


def test_what_the_operator_has_set_goes_before_both() -> None:
    assert of_npmrc(["registry=https://first.example/"], "https://own.example").url == "https://own.example"
    assert (
        of_pip(["[global]\nindex-url=https://first.example/"], "https://own.example/simple").url
        == "https://own.example/simple"
    )


@pytest.mark.parametrize("text", ["no section", "[global\nindex-url=x", "[global]\nindex-url"])
def test_a_broken_configuration_is_as_none(text: str) -> None:
    assert of_pip([text], None).url == "https://pypi.org/simple"
