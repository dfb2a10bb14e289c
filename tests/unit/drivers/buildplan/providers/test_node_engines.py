"""The Node that the packages of a lock file ask for, where the repository itself asks for none or for a wide range."""

from __future__ import annotations

import json
import time

import pytest

from headway.drivers.buildplan.plan import Need
from headway.drivers.buildplan.providers.node_engines import wished_node
from headway.drivers.buildplan.providers.node_package import read_package
from headway.drivers.buildplan.tree import tree_of

PNPM = """lockfileVersion: '9.0'

importers:

  .:
    dependencies:
      vite:
        specifier: ^7

packages:

  '@rollup/rollup-darwin-arm64@4.9.0':
    resolution: {integrity: sha512-a}
    engines: {node: '>=26.5'}
    cpu: [arm64]
    os: [darwin]

  '@tailwindcss/node@4.1.0':
    engines: {npm: '>=9', node: '>= 10'}

  fsevents@2.3.3:
    os: [darwin]
    engines: {node: ^24.1}

  plain@1.0.0:
    resolution: {integrity: sha512-b}
    engines: {node: 6.* || 8.* || >= 20.11}

  vite@7.0.0(@types/node@24.0.0):
    resolution: {integrity: sha512-c}
    engines: {node: ^20.19.0 || >=22.12.0}
    hasBin: true

snapshots:

  vite@7.0.0(@types/node@24.0.0):
    dependencies:
      plain: 1.0.0
"""
PNPM_5 = """lockfileVersion: 5.4
packages:

  /@scope/a/1.0.0:
    engines: {node: '>=18.20'}
    dev: true

  /b/2.0.0_sass@1.2.0:
    engines: {node: '>=8'}
"""


def npm(*packages: tuple[str, str], **optional: str) -> str:
    """A package-lock.json with these packages and the Node that each asks for."""
    found: dict[str, object] = {"": {"engines": {"node": "16"}}, "apps/web": {"engines": {"node": "<1"}}}
    for place, wanted in packages:
        found[f"node_modules/{place}"] = {"version": "1.2.3", "engines": {"node": wanted}}
    for place, wanted in optional.items():
        found[f"node_modules/{place}"] = {"version": "1.2.3", "optional": True, "engines": {"node": wanted}}
    return json.dumps({"lockfileVersion": 3, "packages": found})


@pytest.mark.parametrize(
    ("lock", "text", "wanted", "source"),
    [
        ("package-lock.json", npm(("a", ">=22.22.0"), ("b", ">=18")), ">=22.22.0", "a 1.2.3"),
        ("npm-shrinkwrap.json", npm(("b", ">=10"), ("a/node_modules/@c/d", ">=22")), ">=22.0.0", "@c/d 1.2.3"),
        (
            "package-lock.json",
            npm(("a", "^20.19.0 || >=22.12.0"), ("b", ">=20.3")),
            "^20.19.0 || >=22.12.0",
            "a 1.2.3",
        ),
        ("package-lock.json", npm(("a", "^20.9 || >=24"), ("b", ">22.4")), ">=24.0.0", "a 1.2.3"),
        ("package-lock.json", npm(("a", "20.x || 22.x"), ("b", ">=18.0")), "^20.0.0 || ^22.0.0", "a 1.2.3"),
        # One that was left behind gives way, or says nothing of what there is today.
        ("package-lock.json", npm(("a", "^18 || ^20"), ("b", ">=22")), ">=22.0.0", "b 1.2.3"),
        ("package-lock.json", npm(("a", "<=16"), ("b", "4.x"), ("c", "0.10 || 0.12"), ("d", "any")), None, None),
        ("package-lock.json", npm(("a", ">=18"), ("b", "^12.20 || ^14.13.1 || >=16.0.0"), ("c", "*")), None, None),
        ("package-lock.json", npm(("a", ">=18"), b=">=24"), None, None),
        ("package-lock.json", npm(("a", ">=22"))[:-9], None, None),
        ("package-lock.json", '{"packages": [1]}', None, None),
        ("package-lock.json", '{"packages": {"node_modules/a": {"engines": ["node >= 22"]}}}', None, None),
        ("pnpm-lock.yaml", PNPM, "^20.19.0 || >=22.12.0", "vite 7.0.0"),
        ("pnpm-lock.yaml", PNPM[: PNPM.index("  vite@7")], ">=20.11.0", "plain 1.0.0"),
        ("pnpm-lock.yaml", PNPM_5, ">=18.20.0", "@scope/a 1.0.0"),
        ("yarn.lock", PNPM, None, None),
    ],
)
def test_the_packages_of_a_lock_file_say_which_node_they_run_on(
    lock: str, text: str, wanted: str | None, source: str | None
) -> None:
    found = wished_node(tree_of({lock: text}), lock, ())
    told = None if wanted is None else Need(tool="node", wanted=wanted, source=f"{source} in {lock}", otherwise="*")
    assert found == told


def test_what_the_repository_asks_for_is_no_further_than_that() -> None:
    tree = tree_of({"package-lock.json": npm(("a", ">=22.12"))})
    asks = {
        wanted: wished_node(tree, "package-lock.json", (), Need(tool="node", wanted=wanted, source="package.json"))
        for wanted in (">=18", ">=18 <23", ">=22.13", "18 || 20", "18.x", "none")
    }
    assert {wanted: need.wanted if need else None for wanted, need in asks.items()} == {
        ">=18": ">=22.12.0",
        ">=18 <23": "^22.12.0",
        ">=22.13": ">=22.13",
        "18 || 20": "18 || 20",
        "18.x": "18.x",
        "none": "none",
    }
    told = asks[">=18"]
    assert told is not None
    assert (told.source, told.otherwise) == ("a 1.2.3 in package-lock.json", ">=18")


@pytest.mark.parametrize(
    ("asks", "lock", "wanted"),
    [
        ({"nuxt": "^4"}, {}, "^22.19.0 || ^24.11.0 || >=26.0.0"),
        ({"nuxt": "latest"}, {"yarn.lock": ""}, "^22.19.0 || ^24.11.0 || >=26.0.0"),
        ({"nuxt": "^3.1"}, {}, None),
        ({"@angular/core": "^21.0.0"}, {}, "^20.19.0 || ^22.12.0 || >=24.0.0"),
        ({"astro": "~6.2", "vite": ">=7"}, {}, ">=22.12.0"),
        ({"gatsby": "5.13.0"}, {}, ">=18.0.0 <26.0.0"),
        ({"vite": "file:../vite"}, {}, None),
        ({"astro": "^6"}, {"package-lock.json": npm(("a", ">=20.1"))}, ">=20.1.0"),
        ({"astro": "^6"}, {"pnpm-lock.yaml": "lockfileVersion: '9.0'\n"}, ">=22.12.0"),
    ],
)
def test_where_no_lock_file_says_it_frameworks_are_known(
    asks: dict[str, str], lock: dict[str, str], wanted: str | None
) -> None:
    tree = tree_of({"package.json": json.dumps({"devDependencies": asks}), **lock})
    found = wished_node(tree, next(iter(lock), None), (read_package(tree),))
    assert (None if found is None else found.wanted) == wanted
    if found is not None and not any(text for text in lock.values() if "engines" in text):
        name, version = next(iter(asks.items()))
        assert found.source == f"{name} {version} in package.json"


@pytest.mark.parametrize(
    "text",
    [
        "  a@1.0.0:\n" + "    engines: {" + "node: 1, " * 200_000,
        "  a@" + "1" * 200_000,
        "  a@1" + ":" * 200_000 + "x",
        "  a@1:" + " " * 200_000 + "x",
        "  " + "a" * 200_000,
        "  @" + "a/" * 200_000,
        "    engines: {" + " ,node" * 200_000,
        ("  a@1.0.0:\n    engines: {node: '" + "18 || " * 160 + "18'}\n") * 2_000,
    ],
)
def test_a_lock_file_of_any_kind_is_judged_in_time(text: str) -> None:
    began = time.monotonic()
    assert wished_node(tree_of({"pnpm-lock.yaml": text}), "pnpm-lock.yaml", ()) is None
    assert time.monotonic() - began < 5


def test_a_lock_file_with_more_than_anybody_has_is_judged_in_time() -> None:
    began = time.monotonic()
    many = npm(*((f"a{number}", f">=18.{number}" + " || 17" * 30) for number in range(5_000)))
    assert wished_node(tree_of({"package-lock.json": many}), "package-lock.json", ()) is not None
    assert time.monotonic() - began < 5
