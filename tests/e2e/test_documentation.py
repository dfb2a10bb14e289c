"""The pages for people: their commands, run one after the other as they stand, against a real panel."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.panel.panel import KEY, Panel, git_repository, panel, web

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl"),
]

DOCS = Path(__file__).resolve().parents[2] / "docs"
BLOCK = re.compile(
    r"<!-- run(?P<fails>: fails)? -->\n```(?P<language>\w+)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE
)
CONFIGURED: Mapping[str, str] = {
    ".gitconfig": "[user]\nname = Reader\nemail = reader@example.org\n[init]\ndefaultBranch = main\n",
    ".curlrc": "silent\n",
}
# What a terminal would keep for the next command: its variables, its functions and where it is.
KEEP = """
set +e
declare -p | grep -v '^declare -[a-z]*r' >{state}
declare -f >>{state}
pwd >{state}.cwd
"""


@dataclass(frozen=True, kw_only=True)
class Block:
    """Commands that a page has its readers run."""

    language: str
    text: str
    fails: bool


def blocks_of(page: str) -> list[Block]:
    found = BLOCK.finditer((DOCS / page).read_text())
    return [Block(language=each["language"], text=each["text"], fails=bool(each["fails"])) for each in found]


class Reader:
    """Somebody who does what a page says, in one terminal, with a new home folder."""

    def __init__(self, running: Panel, home: Path, **env: str) -> None:
        self._running = running
        self._cwd = home
        self._state = home / "state"
        self._state.write_text("")
        for name, text in CONFIGURED.items():
            (home / name).write_text(text)
        self._env: Mapping[str, str] = {
            "PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin",
            "HOME": str(home),
            "HEADWAY_URL": f"http://127.0.0.1:{running.port}",
            **env,
        }

    def read(self, block: Block) -> str:
        """What a block prints. Variables, functions and the folder stay for the next one, as in a terminal."""
        text = block.text.replace(":8080", f":{self._running.edge_port}")
        if block.language == "python":
            command = [sys.executable, "-c", text]
        else:
            begin = f". {self._state}; set -eo pipefail"
            command = ["bash", "-c", f"{begin}\n{text}\n{KEEP.format(state=self._state)}"]
        ended = subprocess.run(
            command, env=self._env, cwd=self._cwd, capture_output=True, text=True, check=False, timeout=200
        )
        said = ended.stdout + ended.stderr
        assert (ended.returncode != 0) == block.fails, f"{block.text}\n--- ended with {ended.returncode}:\n{said}"
        where = self._state.with_suffix(".cwd")
        self._cwd = Path(where.read_text().strip()) if where.exists() else self._cwd
        return said


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Panel]:
    with panel(tmp_path_factory.mktemp("panel") / "data", HEADWAY_HEALTH_DEADLINE="5") as started:
        yield started


def test_who_deploys_gets_from_nothing_to_an_address_that_answers(running: Panel, tmp_path: Path) -> None:
    reader = Reader(running, tmp_path, HEADWAY_DATA_DIR=str(running.data_dir))
    said = [reader.read(block) for block in blocks_of("deploying.md")]

    assert f"\nhttp://hello.localhost:{running.edge_port}\n" in said[0]
    assert said[1] == "Hello, world\n"
    assert said[2].endswith("Good morning, world\n")
    assert "it listens on" in said[3]
    assert "8099" in said[3]
    assert said[4].startswith("Good morning, world\n")
    assert "Good morning, you\n" in said[5]
    assert re.search(r"hello +done ", said[5])


def test_who_writes_a_client_can_start_from_the_examples(running: Panel, tmp_path: Path) -> None:
    repository = git_repository(tmp_path / "repository", web("made by a client"))
    reader = Reader(running, tmp_path, HEADWAY_API_KEY=KEY, REPOSITORY=repository)
    blocks = blocks_of("writing-clients.md")
    said = []
    for block in blocks:
        if block.language == "python":  # it looks for the application in projects of which the newest has nothing yet
            running.post("project.create", name="empty")
            assert running.get("project.all")[0]["name"] == "empty"
        said.append(reader.read(block))

    deployed = next(text for block, text in zip(blocks, said, strict=True) if "application.deploy" in block.text)
    assert "\nevent: end\n" in deployed
    assert "\ndone\n" in deployed
    python = next(text for block, text in zip(blocks, said, strict=True) if block.language == "python")
    assert python.endswith("done None None\n")
    assert "Deployment done: release" in python
    assert '"message":"Deployment not found"' in said[-1]
    assert running.visit("shop").text == "made by a client"


def test_every_page_is_reached_from_the_door() -> None:
    named = set(re.findall(r"\]\(([\w-]+\.md)", (DOCS / "README.md").read_text()))
    assert {path.name for path in DOCS.glob("*.md")} - {"README.md"} <= named
