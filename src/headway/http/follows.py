"""Everything that is followed now: who follows which deployment, and in which form."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial

from headway.core.access.audience import Audience, Listener
from headway.core.access.model import Actor
from headway.core.access.policy import Permission, sees
from headway.core.deployments.service import DeploymentService
from headway.http.channels import Channel, View, view_of
from headway.http.line_streams import FindPlace, LineFollower
from headway.http.streams import Follower
from headway.infra.logs.broadcast import Broadcast
from headway.infra.logs.line_pieces import LinesFollowed
from headway.kernel.errors import NotFound
from headway.kernel.events import DeploymentMoved, Events, ServiceMoved


class Follows:
    """Everything that is followed now. One reading of the database serves all who follow the same deployment."""

    def __init__(
        self, deployments: DeploymentService, broadcast: Broadcast, events: Events, audience: Audience
    ) -> None:
        self._deployments = deployments
        self._broadcast = broadcast
        self._channels: dict[str, Channel] = {}
        self._closed = False
        self._audience = audience
        events.listen(DeploymentMoved, self._moved)
        events.listen(ServiceMoved, self._service_moved)

    async def open(self, actor: Actor, permission: Permission, deployment_id: str, offset: int) -> Follower:
        """A follower of a deployment's log from byte ``offset`` on. Raises NotFound where the caller may see none."""
        self._audience.admit(actor)
        await self._deployments.one(actor, permission, deployment_id)

        def enter(follower: Follower) -> Channel:
            return self._enter(deployment_id, follower)

        listening = partial(self._audience.listening, actor)
        return Follower(listening, enter, self._leave, self._broadcast, offset, sees=partial(_sees, actor))

    async def open_lines(
        self, actor: Actor, permission: Permission, deployment_id: str, followed: LinesFollowed
    ) -> LineFollower:
        """A follower of the lines of a deployment's log. Raises NotFound where the caller may see none, Unavailable."""
        self._audience.admit(actor)
        find = partial(self._deployments.line_place, actor, permission, deployment_id)
        listening = partial(self._audience.listening, actor)
        return await self._lines(deployment_id, followed, find, listening, sees=partial(_sees, actor))

    async def open_by_link(
        self, reader: Actor, maker: Actor, deployment_id: str, find: FindPlace, followed: LinesFollowed
    ) -> LineFollower:
        """A follower for who has no account, by a link of ``maker``'s: for as long as both may. ``find`` is asked again
        once it listens, so that a link that was revoked meanwhile tells no line. Raises TooManyReaders, and as it does.
        """
        self._audience.admit_reader(reader)
        listening = partial(self._audience.listening, reader, maker.user_id)
        return await self._lines(deployment_id, followed, find, listening, sees=partial(_sees, maker), is_bare=True)

    async def listen(self, actor: Actor, permission: Permission, log_path: str, server_id: str | None) -> Follower:
        """A follower of the log that a row names as its ``logPath``, from its beginning. Raises NotFound."""
        deployment = await self._deployments.of_log(actor, permission, log_path, server_id)
        return await self.open(actor, permission, deployment.deployment_id, 0)

    def count(self) -> int:
        """How many follow."""
        return sum(len(channel.followers) for channel in self._channels.values())

    def close(self) -> None:
        """Sends every follower away: the panel stops; they come back to its successor and go on where they were."""
        self._closed = True
        for channel in self._channels.values():
            channel.close()

    async def _lines(
        self,
        deployment_id: str,
        followed: LinesFollowed,
        find: FindPlace,
        listening: Callable[[], AbstractContextManager[Listener]],
        *,
        sees: Callable[[View], bool],
        is_bare: bool = False,
    ) -> LineFollower:
        def enter(follower: Follower) -> Channel:
            return self._enter(deployment_id, follower)

        place = await find(followed.start)
        listens = (listening, enter, self._leave, self._broadcast)
        return LineFollower(*listens, sees=sees, followed=followed, place=place, find=find, is_bare=is_bare)

    def _enter(self, deployment_id: str, follower: Follower) -> Channel:
        channel = self._channels.get(deployment_id)
        if channel is None:
            channel = Channel(deployment_id, partial(self._look, deployment_id))
            self._channels[deployment_id] = channel
        if self._closed:
            channel.close()
        channel.followers.add(follower)
        return channel

    def _leave(self, channel: Channel, follower: Follower) -> None:
        channel.followers.discard(follower)
        if not channel.followers:
            del self._channels[channel.deployment_id]

    def _moved(self, event: DeploymentMoved) -> None:
        channel = self._channels.get(event.deployment_id)
        if channel is not None:
            channel.stale()

    def _service_moved(self, _event: ServiceMoved) -> None:
        for channel in self._channels.values():  # with a service go its backups and schedules, and theirs
            channel.stale()

    async def _look(self, deployment_id: str) -> View:
        """It is nobody's view: each who follows looks whether they may see it."""
        try:
            view = view_of(*await self._deployments.followed(deployment_id))
        except NotFound:
            view = View(ended=True)
        if view.ended:
            self._broadcast.ended(deployment_id)  # one that never ran has no log that could say so
        return view


def _sees(actor: Actor, view: View) -> bool:
    """Whether somebody who was let through may see it still, where it lies now; of what is gone its end is told."""
    if view.place is None:
        return True
    organization_id, project_id, service_id = view.place
    return sees(actor, organization_id, project_id, service_id=service_id)
