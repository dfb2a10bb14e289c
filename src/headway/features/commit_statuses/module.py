"""Brings commit statuses: forges are told what has become of deployments."""

from __future__ import annotations

from functools import partial

from headway.core.engine.poller import Poller
from headway.features.commit_statuses.outbox import Statuses
from headway.features.git.providers import GitProviderService
from headway.features.previews.reports import log_link
from headway.features.services.kinds import ServiceKinds
from headway.module import Base, Module


def install_statuses(base: Base, providers: GitProviderService, kinds: ServiceKinds) -> Module:
    """What is told through these providers of services of these kinds."""
    link = partial(log_link, base.settings.public_url)
    told = Statuses(db=base.db, events=base.events, providers=providers, kinds=kinds, log_link=link)
    return Module(loops=(Poller("commit statuses", told.tell_round),))
