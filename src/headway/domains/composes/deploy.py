"""The deploy of a compose service: read, pull, build, and release what came of it; else all is as before."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from headway.core.deployments.model import Deployment
from headway.core.deployments.run import Frozen, Json, Run, RunFailed, Success, Undoing
from headway.domains.composes.bringing import Bringing
from headway.domains.composes.model import DROP, RAW, STACK
from headway.domains.composes.plan import Plan, Planning
from headway.domains.composes.reading import RAW_FILE, Reading
from headway.domains.composes.releasing import START, Releasing
from headway.domains.composes.stacking import Stacking
from headway.domains.composes.taking_back import take_back
from headway.domains.composes.tools import Tools
from headway.infra.db.transaction import Tx
from headway.kernel.artifacts import Commit
from headway.seams.sources.git import undo as undo_source

KIND = "compose.deploy"
VERSION = 4  # raised with every change to the steps below: a run of another version is not resumed


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployKind:
    """How a compose service is deployed; fits ``core.deployments.run.Kind``."""

    planning: Planning
    tools: Tools
    name: str = KIND
    version: int = VERSION
    repeatable_until: str | None = START

    def freeze(self, tx: Tx, deployment: Deployment) -> Frozen:
        """The compose service as it is now. Raises RunFailed (refused) where it is gone."""
        return self.planning.freeze(tx, deployment)

    async def perform(self, run: Run) -> Success:
        """See the module's docstring; every line is a recorded step."""
        deploy = _Deploy(run, Plan.load(run.plan), self.tools)
        commit = await deploy.source()
        releasing = deploy.releasing(commit)
        await deploy.lay_out(releasing)
        await deploy.read(releasing)
        await deploy.pull(releasing)
        await deploy.build(releasing)
        steps = Stacking.of(releasing, await deploy.push(releasing)) if deploy.is_stack else releasing
        plan = await steps.decide()
        try:
            await steps.start(plan)
            await steps.start_beside(plan)
            finished = await steps.health_check(plan)
            await steps.route()
        except RunFailed as failure:
            raise steps.left(plan, failure) from failure
        names = ", ".join(plan.record.services)
        return Success(
            message=f"Deployment done: {names} of {releasing.plan.app_name} as they should be",
            settle=lambda tx: releasing.settle(tx, plan, finished),
        )

    async def undo(self, undoing: Undoing, name: str, data: Json) -> None:
        """Takes back one effect."""
        if not await undo_source(undoing.host, name, data):
            await take_back(self.tools, undoing, name, data)


class _Deploy:
    """The steps of one deploy."""

    def __init__(self, run: Run, plan: Plan, tools: Tools) -> None:
        self._run = run
        self._plan = plan
        self._tools = tools
        self._root = tools.folders.release(plan.compose_id, run.deployment.deployment_id)
        self._bringing = Bringing(run=run, plan=plan, tools=tools)

    def releasing(self, commit: Commit | None) -> Releasing:
        """The steps that follow once the images are there, and the record on which all of them work."""
        return Releasing(run=self._run, plan=self._plan, tools=self._tools, commit=commit, folder=self._root)

    @property
    def is_stack(self) -> bool:
        """Whether a swarm is to run it."""
        return self._plan.settings.compose_type == STACK

    async def source(self) -> Commit | None:
        """The commit to deploy, None for a file that is written by hand."""

        async def fetch() -> Json:
            await self._tools.room.require(self._run)
            await self._tools.engine.present()
            if self._plan.settings.source_type == RAW:
                return None
            if self._plan.commit is not None:
                await self._run.say(f"Deploying commit {self._plan.commit.hash[:12]} again, without fetching.")
                return asdict(self._plan.commit)
            return asdict(await self._tools.source(self._plan).fetch(self._run))

        found = await self._run.step("source", fetch)
        if found is None:
            return None
        commit = Commit(**found)
        await self._run.describe(
            title=commit.subject or None,
            description=f"{'Archive' if self._plan.settings.source_type == DROP else 'Commit'}: {commit.hash}",
            hash=commit.hash,
            message=commit.subject,
            author=commit.author,
            branch=commit.branch,
        )
        return commit

    async def lay_out(self, releasing: Releasing) -> None:
        """The files of this deploy, in a folder of their own."""

        async def write() -> Json:
            folders, host, account = self._tools.folders, self._run.host, self._plan.build_account
            await self._run.undo("release", releasing.data)
            await host.make_folder(folders.own(self._plan.compose_id), owner=account)
            if releasing.commit is not None:
                await self._tools.source(self._plan).check_out(self._run, releasing.commit, self._root)
            else:
                await host.make_folder(self._root, owner=account)
                text = self._plan.settings.compose_file.encode()
                await host.write_file(f"{self._root}/{RAW_FILE}", text, owner=account)
            await host.make_folder(folders.files(self._plan.compose_id), mode=0o755)

        await self._run.step("check out", write)

    async def read(self, releasing: Releasing) -> None:
        """The file as it is to run, held against what is allowed; kept encrypted, for it holds secrets."""

        async def judge() -> Json:
            reading = Reading(run=self._run, plan=self._plan, tools=self._tools, root=self._root)
            record = await reading.record()
            await self._run.write(lambda tx: releasing.write(tx, record))
            await self._run.say(f"Services: {', '.join(record.file['services'])}")

        await self._run.step("compose file", judge)

    async def pull(self, releasing: Releasing) -> None:
        """Brings the images that are not built here."""

        async def bring() -> Json:
            await self._bringing.pull(await releasing.record())

        await self._run.step("pull", bring)

    async def build(self, releasing: Releasing) -> None:
        """Builds the images that are built."""

        async def make() -> Json:
            await self._bringing.build(await releasing.record())

        await self._run.step("build", make)

    async def push(self, releasing: Releasing) -> Json:
        """Takes images that are built to the registries that their names lead to; how others fetch them."""
        record = await releasing.record()
        if not self._bringing.names_to_push(record):
            return {}

        async def take() -> Json:
            return await self._bringing.push(record)

        pushed = await self._run.step("push", take)
        await self._bringing.forget_pushed(record)
        return pushed
