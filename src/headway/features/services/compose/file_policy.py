"""Reads the compose file of a deploy as an account that may read nothing else, and holds it against what is allowed."""

from __future__ import annotations

import asyncio
import json
import posixpath
import re
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from headway.core.access.allowances import NotAllowed
from headway.core.deployments.run import Run, RunFailed
from headway.core.deployments.status import Reason
from headway.drivers.runtimes.compose import commands, conversion, footing, policy
from headway.drivers.runtimes.compose.policy import Path, Use
from headway.features.services.compose import powers, store
from headway.features.services.compose.file_names import WHERE_IT_IS, compose_file
from headway.features.services.compose.model import Record
from headway.features.services.compose.pending_changes import made_with
from headway.features.services.compose.plan import ComposePlan
from headway.features.services.compose.tools import ComposeContext
from headway.infra.db.transaction import Tx
from headway.infra.hosts.base import Cause, Exit, LeadsOutside
from headway.infra.hosts.command import Command
from headway.infra.hosts.guarded_files import Kind, Seen
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import HeadwayError, InvalidInput
from headway.kernel.phrase import phrase

if TYPE_CHECKING:
    from headway.drivers.runtimes.compose import authored_file

_MOST_BYTES = 1 << 20
_UNSET = re.compile(r'The \\?"?(\w+)\\?"? variable is not set')
_MOST_FILES = 64
_ONLY_AN_OWNER = "Who may use the machine can allow this compose service to use the host (allowHostAccess)."


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The file of one deploy: ``root`` is the folder that was laid out for it, ``path`` where the file lies in it."""

    run: Run
    plan: ComposePlan
    tools: ComposeContext
    root: str
    path: str

    async def record(self) -> Record:
        """What the file comes to. Raises RunFailed (refused) with all that is wrong with it."""
        await self._check_opened()
        await self._check_variables()
        await self._write_variables()
        resolved = commands.resolve(*self._where, variables=self.plan.variables, reader=self._reader)
        ended = await self._read("compose file", resolved)
        await self._drop_variables()
        try:
            model = json.loads(ended.output)
        except ValueError as error:
            raise _refused("The compose file is longer than 1 MiB once it is resolved.") from error
        model = model if self.plan.settings.published else conversion.unpublished(model)
        moved, reaching = await self._check(model)
        identity = self.tools.identity(self.plan.compose_id, self.plan.app_name)
        made = Record(
            file=conversion.owned(model, identity, moved),
            variables=self._needed(model),
            secrets=self.plan.secrets,
            host=tuple(reaching),
            made_with=made_with(self.plan.settings, self.plan.variables, path=self.path),
        )
        record = await self._bounded(made)
        await self._require_allowed(record)
        composing = self.tools.composing(self.plan.compose_id, self.plan.app_name, record)
        await self._read("compose file as it is to run", composing.check(self._reader))
        return record

    async def _require_allowed(self, record: Record) -> None:
        """Refuses what reaches the host and is not allowed to this compose service now."""

        def judge(tx: Tx) -> NotAllowed | None:
            compose = store.find(tx, self.plan.compose_id, self.tools.vault)
            try:
                powers.require_record(tx, self.run.deployment, compose, record)
            except NotAllowed as refused:
                return refused
            return None

        refused = await self.run.write(judge)
        if refused is not None:
            raise _refused(powers.with_way_out(refused))

    async def _check(self, model: Mapping[str, Any]) -> tuple[dict[str, str], list[str]]:
        """Refuses what is not allowed; where the mounts lie that are not among the files of this deploy, and what of
        the file reaches the host.
        """
        if not model.get("services"):
            raise _refused("The compose file has no service that is to run (of this profile).")
        paths = policy.paths_of(model)
        settled = {each.path: self._stays(each) for each in paths}
        seen = await self._look([*settled, *settled.values()])
        found = [*policy.objections(model), *self._strays(paths, seen)]
        if found and not self.plan.settings.host_access:
            raise _refused(f"The compose file {'; it '.join(found)}. {_ONLY_AN_OWNER}")
        missing = {path for path in settled if seen[path].kind is Kind.NOTHING}
        moved = {path: settled[path] for path in sorted(missing)}
        lying = [replace(each, path=moved.get(each.path, each.path)) for each in paths]
        await self._require_firm(lying)
        for path in paths:
            if path.use is not Use.MOUNT and path.path in missing:
                raise _refused(f"The {path.use} {self._shown(path.path)} ({path.where}) is not there.")
        await self._settle_mounts(paths, moved)
        return moved, found

    async def _bounded(self, record: Record) -> Record:
        try:
            return await self.tools.bounded(self.plan.compose_id, record, machine=self.plan.settings.host_access)
        except InvalidInput as error:
            raise _refused(f"{error.message} {_ONLY_AN_OWNER}") from error

    async def _look(self, paths: Iterable[str]) -> dict[str, Seen]:
        """What there is at the paths: within the own folder, unless an owner has let it use the host."""
        folder = "/" if self.plan.settings.host_access else self._own
        return await footing.look(self.tools.engine.machine, folder, paths)

    async def _require_firm(self, paths: Sequence[Path]) -> None:
        """Refuses paths that a container could have lead elsewhere: of those that run, or of these."""
        try:
            await self.tools.require_firm(self.plan.compose_id, paths, serving=self.plan.serving)
        except footing.Exchangeable as error:
            raise _refused(f"{error.message} {_ONLY_AN_OWNER}") from error

    async def _check_opened(self) -> None:
        """Refuses a file that would have other files read which are not of this deploy."""
        from headway.drivers.runtimes.compose import authored_file  # noqa: PLC0415 - who writes no compose file never loads YAML

        begun = (self._file, posixpath.dirname(self._file))
        todo, seen = deque([begun]), {begun}
        # The file itself too: a link of the repository may lead to it, and root writes beside it.
        outer = [
            Path(path=self._file, use=Use.FILE, where="the compose file"),
            Path(path=self._env_file, use=Use.FILE, where="the variables beside it"),
        ]
        length = 0
        while todo:
            path, folder = todo.popleft()
            for opened in authored_file.opened_by(await self._document(path)):
                if self.plan.settings.host_access:
                    continue
                target = posixpath.normpath(posixpath.join(folder, opened.path))
                if "$" in opened.path or "://" in opened.path or opened.path.startswith("~"):
                    raise _refused(
                        f"The compose file reads {opened.path} ({opened.where}); write the path of a file beside it. "
                        f"{_ONLY_AN_OWNER}"
                    )
                length += await self._require_inside(target, opened)
                if length >= _MOST_BYTES:
                    raise _refused("The files that the compose file reads are longer than 1 MiB together.")
                outer.append(Path(path=target, use=Use.FILE, where=opened.where))
                inner = posixpath.dirname(target) if opened.folder is None else posixpath.join(folder, opened.folder)
                if opened.is_compose and (target, inner) not in seen:
                    seen.add((target, inner))
                    todo.append((target, inner))
            if len(seen) > _MOST_FILES:
                raise _refused(f"The compose file includes more than {_MOST_FILES} others.")
        await self._require_firm(outer)

    async def _require_inside(self, target: str, opened: authored_file.Opened) -> int:
        """How long a file is that is read with it. Raises RunFailed where that is not one of its own."""
        if not self._is_inside(target):
            raise _refused(
                f"The compose file may not read {opened.path} ({opened.where}), which lies outside of its files. "
                f"{_ONLY_AN_OWNER}"
            )
        try:
            return len(await self.run.host.read_file(target, _MOST_BYTES, below=self._own) or b"")
        except LeadsOutside as error:
            raise _refused(f"The compose file may not read {opened.path}: {error.message} {_ONLY_AN_OWNER}") from error

    async def _document(self, path: str) -> authored_file.Document:
        from headway.drivers.runtimes.compose import authored_file  # noqa: PLC0415 - as above

        try:
            text = await self.run.host.read_file(path, _MOST_BYTES, below=self._own)
        except LeadsOutside as error:
            raise _refused(error.message) from error
        if text is None:
            where = self._shown(path)
            raise _refused(f"There is no {where} among the files. {WHERE_IT_IS}")
        if len(text) >= _MOST_BYTES:
            raise _refused(f"{self._shown(path)} is longer than 1 MiB.")
        try:
            return await asyncio.to_thread(
                authored_file.read, text.decode(), self.tools.defaults.bounds.most_references
            )
        except UnicodeDecodeError as error:
            raise _refused(f"{self._shown(path)} is not written in UTF-8.") from error
        except HeadwayError as error:
            raise _refused(error.message) from error

    async def _check_variables(self) -> None:
        """Refuses a file with a variable that has neither a value nor a default: Compose would put nothing there."""
        given = self.plan.variables
        asked = commands.asked_variables(*self._where, reader=self._reader)
        ended = await self._read("variables of the compose file", asked)
        bare = [name for name in _without_default(ended.output) if name not in given]
        if not bare:
            return
        complained = commands.unset_variables(*self._where, variables=given, reader=self._reader)
        ended = await self._read("variables that are not set", complained, check=False)
        unset = set(_UNSET.findall(ended.output.decode(errors="replace")))
        unknown = [name for name in bare if name in unset or commands.is_of_readers(name)]
        if unknown:
            raise _refused(
                f"The compose file uses {', '.join(unknown)}, which no variable of the compose service gives. Set it, "
                f"or write ${{{unknown[0]}:-}} for a value that may be empty."
            )

    async def _read(self, name: str, command: Command, *, check: bool = True) -> Exit:
        """Lets Compose look at the file, within bounds. Raises RunFailed."""
        ended = await self.run.command(name, command, check=False)
        limits = self.tools.defaults.bounds
        if ended.cause is Cause.OUT_OF_MEMORY:
            most = f"{limits.read_memory_bytes >> 20} MiB of memory to be read (HEADWAY_COMPOSE_READ_MEMORY)"
            raise _refused(f"The compose file takes more than {most}: write it shorter.")
        if ended.cause is Cause.STEP_TIMEOUT:
            most = f"{limits.read_seconds:g} s to be read (HEADWAY_COMPOSE_READ_DEADLINE)"
            raise _refused(f"The compose file takes more than {most}: write it shorter.")
        return await self.run.command(name, command) if check else ended

    async def _write_variables(self) -> None:
        """The user's variables as the file ``.env``, for as long as the compose file is read."""
        from headway.drivers.runtimes.compose import authored_file  # noqa: PLC0415 - as above

        if self.plan.settings.create_env_file and self.plan.variables:
            text = authored_file.variables_file(self.plan.variables)
            await self.run.host.write_file(self._env_file, text.encode(), owner=self.plan.build_account)

    async def _drop_variables(self) -> None:
        if self.plan.settings.create_env_file and self.plan.variables:
            await self.run.host.remove_tree(self._env_file)

    def _strays(self, paths: Sequence[Path], seen: Mapping[str, Seen]) -> list[str]:
        found = []
        for path in paths:
            named = f"uses {self._shown(path.path)} ({path.where})"
            if not self._is_inside(path.path):
                found.append(f"{named}, which lies outside of its files")
            elif seen[path.path].kind is Kind.OUTSIDE:
                found.append(f"{named}, which a symbolic link leads out of its files")
            elif seen[path.path].kind is Kind.OTHER:
                found.append(f"{named}, which is neither a file nor a folder")
        return found

    async def _settle_mounts(self, paths: Sequence[Path], moved: Mapping[str, str]) -> None:
        """Makes the folders that mounts want and the files do not have, where they stay from deploy to deploy."""
        for path in paths:
            if path.use is not Use.MOUNT or not self._is_inside(path.path):
                continue
            if path.path in moved:
                await self.run.host.make_folder(moved[path.path], mode=0o755)
            elif path.writable and path.path.startswith(f"{self.root}/"):
                await self.run.say(
                    phrase(
                        "{} is {}, a part of the files that were deployed: what is written there is gone with the next "
                        "deploy. A volume or ../files keeps it.",
                        path.where.capitalize(),
                        self._shown(path.path),
                    )
                )

    def _stays(self, path: Path) -> str:
        """Where a mount of a folder that the files do not have lies from deploy to deploy."""
        if path.use is not Use.MOUNT or not path.path.startswith(f"{self.root}/"):
            return path.path
        return f"{self.tools.folders.files(self.plan.compose_id)}/{posixpath.relpath(path.path, self.root)}"

    def _needed(self, model: Mapping[str, Any]) -> dict[str, str]:
        variables = self.plan.variables
        names = conversion.needed_variables(model)
        for name in names:
            if name not in variables:
                raise _refused(f"A config or secret is made of the variable {name}, which has no value. Set it.")
        return {name: variables[name] for name in names}

    def _is_inside(self, path: str) -> bool:
        """Whether a path lies among the files of this deploy, or of those that stay."""
        stays = self.tools.folders.files(self.plan.compose_id)
        plain = posixpath.normpath(path)
        return any(plain == top or plain.startswith(f"{top}/") for top in (self.root, stays))

    def _shown(self, path: str) -> str:
        """A path as the author of the file knows it."""
        if path == self.root or path.startswith(f"{self.root}/"):
            return posixpath.relpath(path, self.root)
        return path.replace(f"{self._own}/", "../", 1) if path.startswith(f"{self._own}/") else path

    @property
    def _reader(self) -> commands.Reader:
        return self.tools.reader(self.plan.build_account)

    @property
    def _where(self) -> tuple[str, str, str]:
        return self.plan.app_name, posixpath.dirname(self._file), self._file

    @property
    def _own(self) -> str:
        return self.tools.folders.own(self.plan.compose_id)

    @property
    def _file(self) -> str:
        return compose_file(self.plan.settings, self.path, self.root)

    @property
    def _env_file(self) -> str:
        return f"{posixpath.dirname(self._file)}/.env"


def _without_default(output: bytes) -> list[str]:
    """The names in the table that Compose prints: name, whether it is required, default, alternative."""
    found = []
    for line in output.decode(errors="replace").splitlines()[1:]:
        words = line.split()
        if len(words) == 2:
            found.append(words[0])
    return sorted(found)


def _refused(message: str) -> RunFailed:
    return RunFailed(message, Reason.REFUSED)
