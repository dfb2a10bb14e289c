"""What a feature takes that is added: its folder, and in the list of all one line beside the import that this needs;
its place among the rows of features is for the contract of imports to ask.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import headway
from tests.support.panel.panel import panel, until

SOURCE = Path(headway.__file__).parent
IMPORTED = "from headway.features.toys.module import install_toys\n"
INSTALLED = "        install_toys(base),\n"
LAST = "        install_forge_outbox(base, features.git.providers, features.previews.lifecycle.services),\n"
TOY = '''"""Plays once on the panel's machine, by a kind of its own that a loop of its own asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from headway.core.access.store import first_owner
from headway.core.deployments import store
from headway.core.deployments.hosts import LOCAL_HOST
from headway.core.deployments.model import Deployment, Lane, Request, SubjectType
from headway.core.deployments.run import Frozen, Run, Success, Undo
from headway.core.engine.poller import Poller
from headway.infra.db.transaction import Tx
from headway.infra.hosts.command import Command, Stage
from headway.module import Base, Module


class ToyKind:
    name, version, repeatable_until = "toy.play", 1, None

    def freeze(self, tx: Tx, deployment: Deployment) -> Frozen:
        return Frozen(plan={})

    async def perform(self, run: Run) -> Success:
        await run.command("play", Command(stages=(Stage(argv=("/bin/echo", "the toy plays")),)))
        return Success(message="The toy has played.")

    @property
    def undos(self) -> Mapping[str, Undo]:
        return {}


@dataclass
class Child:
    base: Base
    asked: list[str] = field(default_factory=list)

    async def look(self) -> float:
        if not self.asked:
            self.asked.append(await self.base.db.run(self._ask))
        found = await self.base.db.read(lambda tx: store.find(tx, self.asked[0]))
        (self.base.data_dir.path / "toy").write_text(f"{found.status} {self.asked[0]}")
        return 0.1

    def _ask(self, tx: Tx) -> str:
        owner = first_owner(tx)
        assert owner is not None
        request = Request(
            kind="toy.play",
            kind_version=1,
            subject_type=SubjectType.RUN,
            subject_id="toy",
            host_id=LOCAL_HOST,
            organization_id=owner[1],
            project_id=None,
            exclusive_key=None,
            lane=Lane.DEPLOY,
            input={},
        )
        return self.base.ledger.enqueue(tx, request).deployment_id


def install_toys(base: Base) -> Module:
    return Module(kinds=(ToyKind(),), loops=(Poller("toys", Child(base).look),))
'''


def test_a_toy_is_its_folder_and_one_line(tmp_path: Path) -> None:
    copy = tmp_path / "source" / "headway"
    shutil.copytree(SOURCE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    folder = copy / "features" / "toys"
    folder.mkdir()
    (folder / "__init__.py").write_text('"""Toys."""\n')
    (folder / "module.py").write_text(TOY)
    listed = copy / "modules.py"
    before = listed.read_text()
    assert before.count(LAST) == 1
    first = "from headway.features.webhooks.module import"
    listed.write_text(before.replace(first, IMPORTED + first).replace(LAST, LAST + INSTALLED))

    with panel(tmp_path / "data", PYTHONPATH=str(copy.parent)) as started:
        told = started.data_dir / "toy"
        until(lambda: told.exists() and told.read_text().startswith("done"), 30, what="the toy has played")
        log = started.data_dir / "logs" / f"{told.read_text().split()[1]}.log"
        assert "the toy plays" in log.read_text()
        assert "The toy has played." in log.read_text()
