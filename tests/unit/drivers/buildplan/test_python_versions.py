"""Which Python a tree asks for: how versions are written, and who is asked first."""

from __future__ import annotations

import itertools
import time

import pytest

from headway.drivers.builders.base import BuildError
from headway.drivers.buildplan.providers import python_pins
from headway.drivers.buildplan.providers.python import PROVIDER
from headway.drivers.buildplan.providers.python_versions import specifier
from headway.drivers.buildplan.settings import BuildSettings
from headway.drivers.buildplan.tree import tree_of

# Each asks for another version; the first of those that are there is heard.
ASKING = {
    ".tool-versions": "python 3.20.1\n",
    "mise.toml": "[tools]\npython = '3.21'\n",
    ".python-version": "# ours\n3.22\n",
    "runtime.txt": "python-3.23.4\n",
    "Pipfile": "[packages]\n[requires]\npython_version = '3.24'\n",
    "pyproject.toml": "[project]\nrequires-python = '>=3.25'\n",
    "uv.lock": "version = 1\nrequires-python = '>=3.26'\n".replace("'", '"'),
}
WANTED = ["3.20.1", "3.21", "3.22", "3.23.4", "3.24", ">=3.25", ">=3.26"]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("3.12", "3.12"),
        ("3.12.4", "3.12.4"),
        ("3", "3"),
        ("v3.12", "3.12"),
        ("python-3.12.4", "3.12.4"),
        ("python3.12", "3.12"),
        ("cpython-3.12.4-linux-x86_64-gnu", "3.12.4"),
        ("cpython@3.12", "3.12"),
        ("3.12.x", "3.12"),
        ("3.x", "3"),
        ("3.13-dev", "3.13"),
        ("3.14.0rc2", "3.14.0rc2"),
        ("^3.11", ">=3.11,<4"),
        ("^3.11.2", ">=3.11.2,<4"),
        ("~3.11", ">=3.11,<3.12"),
        ("~3.11.2", ">=3.11.2,<3.12"),
        ("~=3.11.2", "~=3.11.2"),
        (">=3.8, <4.0", ">=3.8,<4.0"),
        (">=3.8 <4", ">=3.8,<4"),
        (">=3.10,!=3.11.*", ">=3.10,!=3.11.*"),
        ("==3.11.*", "==3.11.*"),
        ("^3.8 || ^3.11", ">=3.11,<4"),
        ("'3.12'", "3.12"),
        ("latest", ""),
        ("*", ""),
        ("shop-env", None),
        ("three", None),
        ("", ""),
    ],
)
def test_a_version_is_written_as_python_writes_it(text: str, wanted: str | None) -> None:
    assert specifier(text) == wanted


def needs(files: dict[str, str], **versions: str) -> list[str]:
    tree = tree_of({"main.py": "print(1)\n", **files})
    return [
        need.wanted for need in PROVIDER.plan(tree, BuildSettings(versions=versions)).needs if need.tool == "python"
    ]


@pytest.mark.parametrize(("first", "second"), list(itertools.combinations(range(len(ASKING)), 2)))
def test_the_first_that_asks_is_heard(first: int, second: int) -> None:
    names = list(ASKING)
    assert needs({names[each]: ASKING[names[each]] for each in (second, first)}) == [WANTED[first]]


def test_the_settings_are_heard_before_all() -> None:
    assert needs(ASKING, python="^3.30") == [">=3.30,<4"]


def test_the_range_of_poetry_is_heard() -> None:
    text = "[tool.poetry]\nname = 'shop'\n[tool.poetry.dependencies]\npython = {version = '~3.12'}\n"
    assert needs({"pyproject.toml": text}) == [">=3.12,<3.13"]


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("pypy3.10", "pypy"),
        ("miniconda3-latest", "miniconda"),
        ("graalpy-24", "graalpy"),
        ("3.13t", "global lock"),
        ("2.7.18", "2020"),
        ("<3", "2020"),
    ],
)
def test_what_is_not_to_be_had_is_refused_with_its_place(text: str, word: str) -> None:
    with pytest.raises(BuildError) as raised:
        needs({".python-version": text})
    assert word in raised.value.message
    assert ".python-version" in raised.value.message


@pytest.mark.parametrize(
    ("text", "month"),
    [
        ("3.9", "October 2025"),
        ("3.10.4", "October 2026"),
        (">=3.7,<3.9", "October 2024"),
        (">=3.6", None),
        ("3.11", None),
    ],
)
def test_a_version_that_has_ended_is_told(text: str, month: str | None) -> None:
    tree = tree_of({"main.py": "print(1)\n", ".python-version": text})
    notes = PROVIDER.plan(tree, BuildSettings()).notes
    assert [month in note for note in notes if month is not None] == ([True] if month else [])
    assert bool(notes) == bool(month)


@pytest.mark.parametrize(
    ("files", "otherwise"),
    [
        ({".python-version": "3.14", "pyproject.toml": "[project]\nname = 'a'\nrequires-python = '>=3.9'\n"}, ">=3.9"),
        ({".tool-versions": "python 3.14.2", "setup.cfg": "[options]\npython_requires = ~=3.11\n"}, "~=3.11"),
        (
            {
                ".python-version": "3.14",
                "pyproject.toml": "[project]\nname = 'a'\nrequires-python = '>=3.9'\n",
                "requirements.txt": "numpy==1.26.4\n",
            },
            ">=3.9,<3.13",
        ),
        ({"pyproject.toml": "[project]\nname = 'a'\nrequires-python = '>=3.14'\n"}, ""),
        ({".python-version": "3.14"}, ""),
    ],
)
def test_what_a_project_declares_will_do_where_its_developers_version_cannot_be_had(
    files: dict[str, str], otherwise: str
) -> None:
    tree = tree_of({"main.py": "print(1)\n", **files})
    assert PROVIDER.plan(tree, BuildSettings()).needs[0].otherwise == otherwise
    assert PROVIDER.plan(tree, BuildSettings(versions={"python": "3.14"})).needs[0].otherwise == ""


def test_package_managers_come_at_the_version_that_is_asked_for() -> None:
    files = {
        "uv.lock": "version = 1\n",
        "pyproject.toml": "[project]\nname = 'shop'\n[tool.uv]\nrequired-version = '>=0.8'\n",
    }
    tree = tree_of({**files, "main.py": "print(1)\n"})
    assert [(need.tool, need.wanted) for need in PROVIDER.plan(tree, BuildSettings()).needs] == [
        ("python", ""),
        ("uv", ">=0.8"),
    ]
    told = tree_of({**files, "main.py": "print(1)\n", ".tool-versions": "uv 0.7.22\n"})
    assert PROVIDER.plan(told, BuildSettings()).needs[1].wanted == "0.7.22"
    own = PROVIDER.plan(told, BuildSettings(versions={"uv": "0.9.5"})).needs[1]
    assert (own.wanted, own.source) == ("0.9.5", "the settings")


def test_uv_takes_the_python_that_was_chosen() -> None:
    """A version file that names a patch release which the machine does not have would be an error of uv's otherwise."""
    files = {"uv.lock": "version = 1\n", "pyproject.toml": "[project]\nname = 'shop'\n", "main.py": "print(1)\n"}
    env = PROVIDER.plan(tree_of({**files, ".python-version": "3.11.11\n"}), BuildSettings()).phases[0].env
    assert (env["UV_PYTHON"], env["UV_PYTHON_DOWNLOADS"]) == ("python3", "never")


@pytest.mark.parametrize(
    ("asked", "pin", "wanted", "is_noted"),
    [
        (">=3.13", "numpy==1.26.4", ">=3.13", True),
        (">=3.13.2,<4", "numpy==1.26.4", ">=3.13.2,<4", True),
        (">=3.14", "pydantic==1.10.2", ">=3.14", True),
        (">=3.12", "numpy==1.26.4", ">=3.12,<3.13", False),
        (">=3.9", "pydantic==1.10.12", ">=3.9,<3.12", False),
        (">=3.9", "pydantic==1.10.18", ">=3.9,<3.13", False),
        (">=3.9", "pydantic==1.10.19", ">=3.9,<3.14", False),
        (">=3.9", "pydantic==2.7.4", ">=3.9,<3.13", False),
        (">=3.9", "pydantic==2.8.0", ">=3.9,<3.14", False),
        (">=3.9", "pydantic==2.12.0", ">=3.9", False),
        (">=3.9", "Django==4.2\nPillow==9.5.0", ">=3.9,<3.12", False),
        (">=3.9", "Pillow==10.0", ">=3.9,<3.13", False),
        (">=3.9", "pydantic_core==2.33.2", ">=3.9,<3.14", False),
        (">=3.9", "psycopg2-binary==2.9.10", ">=3.9,<3.14", False),
        (">=3.9", "PyYAML==5.4.1", ">=3.9,<3.11", False),
        (">=3.9", "PyYAML==6.0.1", ">=3.9", False),
    ],
)
def test_a_pin_bounds_what_is_asked_for_and_never_contradicts_it(
    asked: str, pin: str, wanted: str, *, is_noted: bool
) -> None:
    project = f"[project]\nname = 'shop'\nversion = '1'\nrequires-python = '{asked}'\n"
    files = {"pyproject.toml": project, "requirements.txt": f"{pin}\n"}
    assert needs(files) == [wanted]
    notes = PROVIDER.plan(tree_of({"main.py": "print(1)\n", **files}), BuildSettings()).notes
    assert any("is too old for Python" in note for note in notes) == is_noted


@pytest.mark.parametrize("wanted", [">=3.{}", "<3.{}", "^3.{}", "3.{}", "python-3.{}", "~3.{}.1"])
def test_a_version_without_an_end_is_none(wanted: str) -> None:
    text = wanted.format("1" * 5_000)
    files = {"pyproject.toml": f"[tool.poetry]\nname = 'shop'\n[tool.poetry.dependencies]\npython = '{text}'\n"}
    assert specifier(text) is None
    PROVIDER.plan(tree_of({"main.py": "print(1)\n", **files}), BuildSettings())


def test_every_package_of_the_table_says_from_when_it_is_ready_for_the_newest_python() -> None:
    table = python_pins._FIRST
    assert {name for name, firsts in table.items() if 14 not in firsts} == set()
    assert {name for name, firsts in table.items() if [*firsts.values()] != sorted(firsts.values())} == set()
    assert {name for name, firsts in table.items() if any(len(first) != 3 for first in firsts.values())} == set()


def test_a_lock_file_keeps_nobody_waiting_whatever_groups_it_begins() -> None:
    package = '[[package]]\nname = "numpy"\nversion = "1.20.0"\n' + "groups = [\n" * 60_000 + '"main"]'
    files = {"pyproject.toml": "[tool.poetry]\nname = 'shop'\n", "poetry.lock": package, "main.py": "print(1)\n"}
    before = time.thread_time()
    PROVIDER.plan(tree_of(files), BuildSettings())
    assert time.thread_time() - before < 2
