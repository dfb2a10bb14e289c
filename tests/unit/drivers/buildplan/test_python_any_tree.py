"""Whatever a tree holds: a plan or a sentence, the same each time, soon."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headway.drivers.builders.base import BuildError
from headway.drivers.buildplan.plan import BuildPlan
from headway.drivers.buildplan.providers.python import PROVIDER
from headway.drivers.buildplan.settings import BuildSettings
from headway.drivers.buildplan.tree import Tree, tree_of

CASES = (Path(__file__).parents[3] / "cases/plans/python.yml").read_text()
FILES = [case["files"] for case in yaml.load(CASES, Loader=yaml.CSafeLoader)]
NAMES = sorted({name for files in FILES for name in files})
TEXTS = sorted({text for files in FILES for text in files.values()})
SECONDS = 12.0  # of a processor that others use as well, three times what is needed; what is not bounded takes minutes


def outcome(tree: Tree) -> tuple[str | None, BuildPlan | str]:
    seen = PROVIDER.recognise(tree)
    try:
        return seen, PROVIDER.plan(tree, BuildSettings())
    except BuildError as error:
        return seen, error.message


def cut(text: str, start: int, length: int) -> str:
    return text[start : start + length] if length else text


contents = st.one_of(
    st.sampled_from(TEXTS),
    st.builds(cut, st.sampled_from(TEXTS), st.integers(0, 40), st.integers(0, 400)),
    st.text(max_size=200),
    st.binary(max_size=200),
)
names = st.one_of(
    st.sampled_from(NAMES),
    st.builds(
        "/".join,
        st.lists(st.sampled_from(["src", "app", "backend", "a b", "é", "main.py", "x"]), min_size=1, max_size=4),
    ),
)
trees = st.dictionaries(names, contents, max_size=12)


@pytest.mark.slow
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(files=trees, more=st.frozensets(names, max_size=8))
def test_any_tree_has_a_plan_or_a_sentence(files: dict[str, str | bytes], more: frozenset[str]) -> None:
    found = outcome(tree_of(files, more))
    again = outcome(tree_of(dict(reversed(files.items())), sorted(more)))
    assert found == again
    if isinstance(found[1], str):
        assert found[1].endswith((".", "'"))
        assert len(found[1]) < 1000
    else:
        assert all(process.command.strip() for process in found[1].processes)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 10_000))
def test_trees_mixed_of_two_applications_have_a_plan_or_a_sentence(seed: int) -> None:
    chance = random.Random(seed)
    one, other = chance.sample(FILES, 2)
    moved = {f"{chance.choice(['app', 'backend', 'src'])}/{name}": text for name, text in other.items()}
    outcome(tree_of({**one, **moved}))
    outcome(tree_of({**one, **other}))


def test_text_made_to_take_long_is_looked_at_soon() -> None:
    """Lines on which a careless pattern takes time in the square of their length, in as many files as are read."""
    heads = "from flask import Flask\nfrom fastapi import FastAPI\nfrom falcon import App\nfrom bottle import Bottle\n"
    nasty = [
        "a, " * 60_000,
        "app" + ":" * 200_000,
        "from " + "a." * 90_000,
        "def create_app(" + "a, " * 50_000,
        "x = " + "y." * 90_000,
    ]
    files: dict[str, str] = {
        f"{name}.py": f"{heads}{nasty[at % len(nasty)]}\n" for at, name in enumerate(map(str, range(150)))
    }
    files |= {name: heads + "\n".join(nasty) for name in ("main.py", "app.py", "wsgi.py", "conf.py", "manage.py")}
    files |= {
        "mysite/settings.py": "ALLOWED_HOSTS = [\n" + "  'a',\n" * 40_000,
        "mkdocs.yml": "theme:\n" + "  a: b\n" * 30_000,
    }
    files |= {
        "requirements.txt": "-r requirements.txt\n" * 20_000 + "[" * 50_000,
        ".python-version": ">=3" + ".1" * 50_000,
    }
    started = time.process_time()
    outcome(tree_of(files))
    assert time.process_time() - started < SECONDS


def lines(pattern: str, length: int = 120_000) -> str:
    """As many different lines of a kind as a file may have that is read."""
    return "\n".join(pattern.replace("1", str(number)) for number in range(length // (len(pattern) + 5)))


@pytest.mark.slow
@pytest.mark.parametrize(
    "body",
    [
        "FOO_DIR = [\n" + "\n".join(f"W{number}" for number in range(280)) + "]\n" + 'FOO_DIR,"a.db"\n' * 8_000,
        lines('A1_DIR = [B1, C1]\nA1_DIR, "a.db"'),
        lines('A1_DIR = A0_DIR\nDATABASE_URL = "sqlite:///" + os.path.join(A1_DIR, "a.db"'),
        lines('    ALLOWED_HOSTS = ["1"] if env.bool("A1", False) else ['),
        lines('SECRET_KEY = os.environ["A1"] if ('),
    ],
)
@pytest.mark.parametrize("module", ["mysite/settings", "main"])
def test_lines_that_ask_for_more_and_more_are_looked_at_soon(module: str, body: str) -> None:
    engine = "DATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3'}}\n"
    files = {f"{module}/{name}.py": engine + body for name in ("__init__", *map(str, range(60)))}
    if module == "main":
        files = {f"{name}.py": f"from flask import Flask\n{body}" for name in ("main", "app", *map(str, range(6)))}
    else:
        served = 'os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysite.settings")\nimport django\n'
        files |= {"manage.py": served, "mysite/__init__.py": "", "mysite/wsgi.py": "application = 1\n"}
    files["requirements.txt"] = "django\nflask\nflask-sqlalchemy\n"
    started = time.process_time()
    outcome(tree_of(files))
    assert time.process_time() - started < SECONDS


@pytest.mark.slow
@pytest.mark.parametrize(
    "script",
    [
        "cd aa\n" * 12_000,
        'exec gunicorn "$@" "$@" "$@"\n' * 2_000,
        "${A:-" * 12_000,
        "A=1 " * 15_000,
        "'" + "x" * 60_000,
        "a; " * 20_000,
        lines("python3 shop1.py"),
        "x () \n" * 10_000,
    ],
)
def test_what_an_image_starts_is_looked_at_soon(script: str) -> None:
    copies = lines("COPY folder1 /srv/folder1", 30_000)
    words = ", ".join(f'"/srv/nowhere/{number}.sh"' for number in range(100))
    dockerfile = f"FROM python\nWORKDIR //srv\n{copies}\nENV {lines('A1=B1', 3_000).replace(chr(10), ' ')}\n"
    files = {f"folder{number}/{number}.sh": "" for number in range(5_000)} | {"requirements.txt": "", "run.sh": script}
    for started in (f'["/srv/run.sh", {words}]', f"./run.sh {script[:3000]}".replace("\n", " ")):
        began = time.process_time()
        tree = tree_of({**files, "Dockerfile": f"{dockerfile}CMD {started}\n", "docs/conf.py": "extensions = []\n"})
        outcome(tree)
        assert time.process_time() - began < SECONDS
