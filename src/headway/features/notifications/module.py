"""Brings notifications: what people are told, and what is watched for their sake."""

from __future__ import annotations

from collections.abc import Mapping

from headway.core.engine.poller import Poller
from headway.features.notifications.delivery import NoticeDelivery
from headway.features.notifications.disk import DiskWatch
from headway.features.notifications.media import Media
from headway.features.notifications.outbox import NoticeOutbox
from headway.features.notifications.troubles import TroubleWatch
from headway.infra.db.version import Unchanged
from headway.infra.hosts.ssh import SshHost
from headway.module import Base, Module


def install_notifications(base: Base, servers: Mapping[str, SshHost], rooms: dict[str, int]) -> Module:
    """Notifications; the disks of ``servers`` are watched beside the panel's own, and ``rooms`` is told of theirs."""
    db, vault, settings, troubles = base.db, base.vault, base.settings, base.engine.troubles
    unchanged, kept = Unchanged(base.db.version), settings.keep_webhooks
    telling = NoticeOutbox(db=db, unchanged=unchanged, keep_for=kept, troubles=troubles)
    sending = NoticeDelivery(
        db=db, vault=vault, events=base.events, tell=Media.of(base.data_dir, base.machine.gated).tell
    )
    folder = base.data_dir.path
    room = settings.disk_reserve
    disk = DiskWatch(db=db, folder=folder, servers=servers, troubles=troubles, rooms=rooms, reserve=room)
    watch = TroubleWatch(db=db, troubles=troubles.all)
    return Module(
        loops=(
            Poller("disk watch", disk.look),
            Poller("outbox", telling.hand_out),
            Poller("notifications", sending.send_due),
            Poller("notifications kept", telling.forget_old),
            Poller("trouble watch", watch.look),
        ),
        released=(sending,),
    )
