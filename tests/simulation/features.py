"""What features do beside deployments, in a simulated world: they clear what was deleted, tell what happened, and
look at what is kept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, cast

from sqlalchemy import insert, select, update

from headway.core.deployments.model import SubjectType
from headway.core.engine.engine import Engine
from headway.core.engine.poller import Poller
from headway.core.engine.run_log import LogFilesOnDisk
from headway.core.engine.scheduler.timers import Timers
from headway.features.notifications import store as notices_store
from headway.features.notifications.delivery import NoticeDelivery
from headway.features.notifications.model import APPRISE, Channel, ChannelTarget, Notice, NoticeState
from headway.features.notifications.outbox import NoticeOutbox
from headway.features.previews.cleanup import PreviewCleanup
from headway.features.rollbacks.readiness import Readiness
from headway.features.schedules import store as schedules_store
from headway.features.schedules.cleanup import ScheduleCleanup
from headway.features.schedules.model import Schedule, ScheduleTarget, Shell, Text
from headway.features.services import store as services_store
from headway.infra.db.tables.access import organizations
from headway.infra.db.tables.deployments import deployments, outbox
from headway.infra.db.tables.notifications import notices
from headway.infra.db.tables.projects import environments, projects
from headway.infra.db.tables.schedules import schedules
from headway.infra.db.tables.services import releases, services
from headway.infra.db.transaction import Tx
from headway.infra.db.version import Unchanged
from tests.simulation.database import Store
from tests.simulation.world import World

if TYPE_CHECKING:
    from headway.features.git.providers import GitProviderService
    from headway.features.previews.cleanup import Passes
    from headway.features.previews.lifecycle import PreviewLifecycle
    from headway.features.services.kinds import ServiceRollbacks

SCHEDULES = ("first", "second")
PREVIEWS = ("third", "fourth")
RELEASES = ("fifth", "sixth")
MISSING = "Its files are not on this machine any more."


@dataclass(frozen=True, slots=True)
class CommitCount:
    """Fits ``infra.db.version.Version``."""

    store: Store

    async def now(self) -> Hashable | None:
        """See ``Version.now``."""
        return self.store.commits

    def close(self) -> None:
        """Nothing is open."""


@dataclass(slots=True)
class Receiver:
    """Whoever is told: how often of what, by the ids of notices."""

    made: World
    told: Counter[str] = field(default_factory=Counter)

    async def tell(self, _channel: Channel, notice: Notice, _now: datetime) -> None:
        """Tells once."""
        await self.made.border.out("receiver", "tell")
        self.told[notice.notice_id] += 1
        await self.made.border.back("receiver", "tell")


@dataclass(frozen=True, slots=True)
class Kept:
    """Fits ``ServiceRollbacks``, as far as it is asked what is missing."""

    made: World

    async def missing(self, _release_id: str) -> str | None:
        """Looks on the host."""
        await self.made.border.out("host", "look at release")
        await self.made.border.back("host", "look at release")
        return MISSING


def prepare(made: World) -> Receiver:
    """Schedules, previews, releases and a channel on which everything is told, and the loops that see to them."""
    receiver = Receiver(made)
    made.store.perform(lambda tx: _put(tx, made))
    made.pollers = lambda engine: _loops(made, engine, receiver)
    return receiver


def delete(made: World) -> None:
    """Somebody deletes all of them."""

    def begin(tx: Tx) -> None:
        for each in SCHEDULES:
            schedules_store.begin_deletion(tx, each)
        tx.execute(update(services).where(services.c.service_id.in_(PREVIEWS)).values(deleted_at=tx.now))

    made.store.perform(begin)


def is_clear(made: World, receiver: Receiver) -> bool:
    """Whether nothing is left of what was deleted, everything was told, or is put off with a reason, and of each
    release it is known what is missing.
    """

    def look(tx: Tx) -> bool:
        left = tx.execute(select(schedules.c.schedule_id)).first()
        runs = tx.execute(select(deployments.c.seq).where(deployments.c.subject_type == SubjectType.SCHEDULE)).first()
        unknown = tx.execute(select(outbox.c.seq)).first()
        untold = tx.execute(
            select(notices.c.seq).where(notices.c.state == NoticeState.WAITING, notices.c.last_error.is_(None))
        ).first()
        sent = tx.execute(select(notices.c.notice_id).where(notices.c.state == NoticeState.SENT)).scalars()
        unseen = tx.execute(select(releases.c.seq).where(releases.c.missing.is_(None))).first()
        is_over = not (left or runs or unknown or untold or unseen or services_store.ending(tx))
        return is_over and all(receiver.told[each] for each in sent)

    return made.store.perform(look, writing=False)[1]


def _put(tx: Tx, made: World) -> None:
    where = {"organization_id": "org", "project_id": "project", "environment_id": "environment"}
    bare = {"env": "", "created_at": tx.now}
    tx.execute(insert(organizations).values(organization_id="org", name="org", created_at=tx.now))
    tx.execute(insert(projects).values(project_id="project", organization_id="org", name="project", **bare))
    named = {"environment_id": "environment", "project_id": "project", "name": "production", "is_default": True}
    tx.execute(insert(environments).values(**named, **bare))
    for each in (*PREVIEWS, "shop"):
        made_of = {"kind": "application", "host_id": "here", "status": "idle", "wanted": "down", "settings": {}}
        preview_of = "shop" if each in PREVIEWS else None
        names = {"service_id": each, "name": each, "app_name": each, "preview_of": preview_of, "delete_volumes": False}
        tx.execute(insert(services).values(**where, **made_of, **names, **bare))
    for number, each in enumerate(RELEASES):
        of = {"release_id": each, "seq": number, "service_id": "shop", "deployment_id": each, "host_id": "here"}
        kept = {"state": "retired", "folder": "/x", "runtime": "native", "record": "sealed", "created_at": tx.now}
        tx.execute(insert(releases).values(**of, **kept))
    for each in SCHEDULES:
        schedules_store.add(tx, _schedule(each, tx.now), made.vault)
    notices_store.add(tx, _channel(tx.now), made.vault)


def _schedule(name: str, now: datetime) -> Schedule:
    return Schedule(
        schedule_id=name,
        organization_id="org",
        host_id="here",
        target=ScheduleTarget.PANEL,
        target_id=None,
        service_name=None,
        name=name,
        app_name=name,
        description=None,
        shell=Shell.SH,
        text=Text(command="true"),
        timeout_seconds=None,
        keep_deployments=None,
        keep_days=None,
        created_at=now,
    )


def _channel(now: datetime) -> Channel:
    return Channel(
        channel_id="everything",
        organization_id="org",
        name="everything",
        medium=APPRISE,
        target=ChannelTarget(url="json://receiver.example"),
        events=("*",),
        projects=(),
        services=(),
        quiet_seconds=0,
        failing_since=None,
        last_error=None,
        created_at=now,
        disabled_at=None,
    )


def _loops(made: World, engine: Engine, receiver: Receiver) -> tuple[Poller, ...]:
    parts = engine._parts
    db, vault, events = parts.db, parts.vault, parts.events
    unchanged = Unchanged(CommitCount(made.store))
    cleaning = ScheduleCleanup(
        db=db,
        unchanged=Unchanged(CommitCount(made.store)),
        stopping=engine.stopper,
        timers=Timers(events, made.loop),
        logs=LogFilesOnDisk(made.logs),
        troubles=parts.troubles,
    )
    ending = PreviewCleanup(
        db=db,
        stopping=engine.stopper,
        events=events,
        lifecycle=cast("PreviewLifecycle", None),  # nobody expires here, and no forge is asked
        providers=cast("GitProviderService", None),
        troubles=parts.troubles,
        passes=cast("Passes", None),
    )
    handing = NoticeOutbox(db=db, unchanged=unchanged, keep_for=timedelta(days=1), troubles=parts.troubles)
    sending = NoticeDelivery(db=db, vault=vault, events=events, tell=receiver.tell)
    forms = {SubjectType.APPLICATION: cast("ServiceRollbacks", Kept(made))}
    looking = Readiness(db=db, forms=forms, events=events, troubles=parts.troubles)
    return (
        Poller("readiness", looking.look_round),
        Poller("schedules", cleaning.clear_round),
        Poller("previews", ending.clear_round),
        Poller("outbox", handing.hand_out),
        Poller("notifications", sending.send_due),
    )
