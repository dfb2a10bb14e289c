"""All operations, over the features of a panel, and the HTTP application that answers with them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from functools import cache, partial
from typing import TYPE_CHECKING, Any, cast

from pydantic_core import to_json
from starlette.applications import Starlette

from headway.api.inputs import Input
from headway.api.operation import File, Stream, Text
from headway.api.registry import Performer, Registry
from headway.api.router import Routed
from headway.core.access.model import Actor
from headway.core.access.policy import Permission
from headway.core.deployments.model import Deployment
from headway.features.access import api as access
from headway.features.access import pages as access_pages
from headway.features.backups import api as backups
from headway.features.backups import pages as backup_pages
from headway.features.containers import api as containers
from headway.features.containers import pages as container_pages
from headway.features.deployments import api as deployments
from headway.features.deployments import pages as deployment_pages
from headway.features.deployments.api.encoded_rows import EncodedRows
from headway.features.destinations import api as destinations
from headway.features.destinations import pages as destination_pages
from headway.features.disk import api as disk
from headway.features.disk import pages as disk_pages
from headway.features.edge import api as edge
from headway.features.git import api as git
from headway.features.git import pages as git_pages
from headway.features.home import pages as home_pages
from headway.features.notifications import api as notifications
from headway.features.notifications import pages as notification_pages
from headway.features.previews import api as previews
from headway.features.previews import pages as preview_pages
from headway.features.projects import api as projects
from headway.features.projects import pages as project_pages
from headway.features.registries import api as registries
from headway.features.registries import pages as registry_pages
from headway.features.rollbacks import api as rollbacks
from headway.features.schedules import api as schedules
from headway.features.schedules import pages as schedule_pages
from headway.features.servers import api as servers
from headway.features.servers import pages as server_pages
from headway.features.services import api as services
from headway.features.services import pages as service_pages
from headway.features.settings import api as settings
from headway.features.settings import pages as settings_pages
from headway.features.webhooks import api as webhooks
from headway.features.webhooks import pages as webhook_pages
from headway.features.webhooks.watch_paths import check_patterns
from headway.http.app import create_app
from headway.http.auth import Door
from headway.http.downloads import Download, PlainDownload, TextDownload
from headway.http.follows import Follows
from headway.http.line_streams import FindPlace
from headway.http.needs import HttpNeeds
from headway.http.origin import Origins
from headway.http.seats import Bounds, Seats
from headway.http.uploads import received
from headway.infra.db.probe import why_away
from headway.infra.logs.download import OpenedLog
from headway.infra.logs.line_pieces import LinesFollowed
from headway.kernel.dataclass import dataclass
from headway.kernel.forms import YesNo
from headway.module import Base
from headway.modules import Features
from headway.web.entrance import Entrance, WebNeeds

if TYPE_CHECKING:
    from headway.pages.page import Page

_ROUTERS = (
    access,
    backups,
    containers,
    deployments,
    destinations,
    disk,
    edge,
    git,
    notifications,
    previews,
    projects,
    registries,
    rollbacks,
    schedules,
    servers,
    services,
    settings,
    webhooks,
)
_SEARCHES = Bounds(in_all=2, of_token=1, of_address=2, wait_seconds=10)  # each takes a processor for up to 2 s
_READERS = Bounds(in_all=8, of_token=2, of_address=8, wait_seconds=10)  # who has no account takes no thread from others
_PAGES: Sequence[Callable[[], Mapping[str, Callable[[], Page]]]] = (
    access_pages.pages,
    backup_pages.pages,
    container_pages.pages,
    deployment_pages.pages,
    destination_pages.pages,
    disk_pages.pages,
    git_pages.pages,
    home_pages.pages,
    notification_pages.pages,
    preview_pages.pages,
    project_pages.pages,
    registry_pages.pages,
    schedule_pages.pages,
    server_pages.pages,
    service_pages.pages,
    settings_pages.pages,
    webhook_pages.pages,
)
# To whoever has no key yet, and to whom a link was sent.
_OPENED = frozenset(
    {
        *("deployment.followSharedLines", "deployment.shared", "deployment.sharedLines"),
        "organization.acceptInvitation",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Streams:
    """How a transport sends what comes bit by bit, and for how many it does what is dear.


    ``seat`` is one of the few for those who search through whole logs: by whom it is taken; ``reader_seat`` one of
    those for who reads a log by a link.
    """

    follow: Callable[[Actor, Permission, str, int], Awaitable[Stream]]
    follow_lines: Callable[[Actor, Permission, str, LinesFollowed], Awaitable[Stream]]
    follow_by_link: Callable[[Actor, Actor, str, FindPlace, LinesFollowed], Awaitable[Stream]]
    seat: Callable[[str], AbstractAsyncContextManager[None]]
    reader_seat: Callable[[str], AbstractAsyncContextManager[None]]
    download: Callable[[Deployment, OpenedLog, Mapping[bytes, bytes]], File]
    plain_download: Callable[[Deployment, OpenedLog], File]
    text_download: Callable[[str, AsyncGenerator[str, None]], Text]


@dataclass(frozen=True, slots=True, kw_only=True)
class PanelParts:
    """What the routers of the features are made of. ``describe`` gives the OpenAPI document of all, as JSON."""

    base: Base
    features: Features
    streams: Streams
    rows: EncodedRows
    describe: Callable[[], bytes]


def http_app(base: Base, features: Features) -> Starlette:
    """The HTTP application of a panel."""
    deployments, access = features.deployments, features.access
    follows = Follows(deployments.service, base.broadcast, base.events, access.audience)
    registry = registry_of(base, features, streams_of(follows))
    performer = Performer(registry, access.audit, partial(_check, base.settings.watch_depths))
    needs = http_needs(base, features)
    web = WebNeeds(
        pages=all_pages(),
        registry=registry,
        performer=performer,
        door=needs.door,
        audience=features.access.audience,
        changes=base.events,
        clock=base.clock,
        vault=base.vault,
        version=base.db.version,
        receive_upload=partial(received, needs.upload_room),
        upload_bytes=needs.upload_room.most_bytes,
    )
    return create_app(needs, follows, registry, performer, Entrance(web))


def streams_of(follows: Follows) -> Streams:
    """How HTTP does that."""
    seats, readers = Seats(_SEARCHES, "searches in logs"), Seats(_READERS, "readers of logs")
    return Streams(
        follow=follows.open,
        follow_lines=follows.open_lines,
        follow_by_link=follows.open_by_link,
        seat=lambda person: seats.one(person, ""),
        reader_seat=lambda reader: readers.one(reader, ""),
        download=Download,
        plain_download=PlainDownload,
        text_download=TextDownload,
    )


def http_needs(base: Base, features: Features) -> HttpNeeds:
    """What the HTTP machinery itself needs of a panel."""
    return HttpNeeds(
        door=_door(base, features),
        audience=features.access.audience,
        awaiting=features.deployments.awaiting,
        consoles=features.applications.consoles,
        containers=features.containers,
        db=base.db,
        events=base.events,
        health=partial(why_away, base.db),
        metrics=features.metrics,
        troubles=base.engine.troubles,
        upload_room=features.applications.upload_room,
        webhooks=features.webhooks.service,
    )


def all_pages() -> Mapping[str, Callable[[], Page]]:
    """What makes each page, by its path. A page asks operations and needs nothing else of a panel. Raises ValueError
    for two of one path.
    """
    found: dict[str, Callable[[], Page]] = {}
    for pages in _PAGES:
        for path, make in pages().items():
            if path in found:
                raise ValueError(f"two pages have the path {path}")
            found[path] = make
    return found


def registry_of(base: Base, features: Features, streams: Streams) -> Registry:
    """All operations. A router's file is loaded when one of its operations is first asked for."""
    made: list[Registry] = []

    @cache
    def describe() -> bytes:
        from headway.http.openapi import document

        return to_json(document(made[0]))

    panel = PanelParts(base=base, features=features, streams=streams, rows=EncodedRows(), describe=describe)
    routers: dict[str, Callable[[], Routed]] = {}
    for each in _ROUTERS:
        routers |= each.routers(panel)
    made.append(Registry(dict(sorted(routers.items())), _OPENED))
    return made[0]


def bare_registry() -> Registry:
    """All operations over nothing, for whoever describes them and calls none."""
    nobody = cast("Any", _Nobody())
    return registry_of(nobody, nobody, nobody)


class _Nobody:
    """Stands for every service."""

    def __getattr__(self, _name: str) -> _Nobody:
        return self


def _door(base: Base, features: Features) -> Door:
    settings = base.settings
    plain = settings.plain_sign_in is YesNo.YES
    origins = Origins(settings.public_url, plain_sign_in=plain, proxies=settings.proxies)
    access = features.access
    return Door(
        access=access.access,
        sign_in=access.sign_in,
        passkeys=access.passkey_sign_in,
        provider=access.provider_sign_in,
        origins=origins,
    )


def _check(most_depths: int, given: Input) -> None:
    # Watch paths come by a dozen operations, of which each sets what it was sent.
    check_patterns(getattr(given, "watch_paths", None) or (), most_depths)
