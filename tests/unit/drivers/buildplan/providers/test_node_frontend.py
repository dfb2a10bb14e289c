"""The front end in JavaScript of an application in another language."""

from __future__ import annotations

from headway.drivers.buildplan.plan import Need, Phase
from headway.drivers.buildplan.providers.node_frontend import frontend
from headway.drivers.buildplan.settings import BuildSettings
from headway.drivers.buildplan.tree import tree_of

BUILDS = '{"scripts": {"build": "vite build"}, "devDependencies": {"vite": "^6"}}'
NPM = ("npm", "ci", "--include=dev", "--no-audit", "--no-fund")


def test_the_one_at_the_build_path_is_installed_and_built() -> None:
    tree = tree_of({"package.json": BUILDS, "package-lock.json": "{}", ".nvmrc": "22", "manage.py": ""})

    found = frontend(tree, BuildSettings())

    assert found is not None
    assert found.folder == ""
    assert found.reason == "package.json: its script build"
    assert found.needs == (
        Need(tool="node", wanted="22", source=".nvmrc"),
        Need(tool="npm", source="package-lock.json"),
    )
    assert found.phases == (
        Phase(
            name="frontend install", argv=NPM, follows=("package-lock.json", "package.json"), makes=("node_modules",)
        ),
        Phase(name="frontend build", argv=("npm", "run", "build")),
    )
    assert found.path == ("node_modules/.bin",)


def test_the_one_in_a_folder_lies_there_with_all_that_it_follows_and_makes() -> None:
    files = {
        "theme/static_src/package.json": BUILDS,
        "theme/static_src/yarn.lock": "# yarn lockfile v1",
        ".nvmrc": "20",
    }

    found = frontend(tree_of(files), BuildSettings())

    assert found is not None
    assert found.folder == "theme/static_src"
    assert found.needs[0] == Need(tool="node", wanted="20", source=".nvmrc")
    assert found.phases[0].folder == "theme/static_src"
    assert found.phases[0].follows == ("theme/static_src/yarn.lock", "theme/static_src/package.json")
    assert found.phases[0].makes == ("theme/static_src/node_modules",)
    assert found.phases[1] == Phase(name="frontend build", argv=("yarn", "run", "build"), folder="theme/static_src")
    assert found.path == ("theme/static_src/node_modules/.bin",)


def test_what_a_page_loads_from_node_modules_is_installed_without_a_build() -> None:
    tree = tree_of({"package.json": '{"dependencies": {"htmx.org": "^2"}}', "package-lock.json": "{}"})

    found = frontend(tree, BuildSettings())

    assert found is not None
    assert [phase.name for phase in found.phases] == ["frontend install"]


def test_tools_of_developers_are_no_front_end() -> None:
    tree = tree_of({"package.json": '{"scripts": {"lint": "eslint ."}, "devDependencies": {"eslint": "^9"}}'})

    assert frontend(tree, BuildSettings()) is None


def test_the_root_without_anything_to_build_leaves_it_to_a_folder() -> None:
    tree = tree_of({"package.json": '{"devDependencies": {"husky": "^9"}}', "frontend/package.json": BUILDS})

    found = frontend(tree, BuildSettings())

    assert found is not None
    assert found.folder == "frontend"


def test_the_commands_of_the_settings_are_the_applications_and_not_the_front_ends() -> None:
    tree = tree_of({"package.json": BUILDS, "package-lock.json": "{}"})

    found = frontend(tree, BuildSettings(install="pip install .", build="make", versions={"node": "24"}))

    assert found is not None
    assert [phase.argv[0] for phase in found.phases] == ["npm", "npm"]
    assert found.needs[0] == Need(tool="node", wanted="24", source="the settings")
