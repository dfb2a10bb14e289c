"""Brings commit statuses: forges are told what has become of deployments."""

from __future__ import annotations

from functools import partial

from headway.core.engine.poller import Poller
from headway.features.commit_statuses.outbox import Statuses
from headway.features.git.providers import GitProviderService
from headway.features.previews.lifecycle import PreviewLifecycle
from headway.features.previews.reports import log_link
from headway.module import Base, Module


def install_statuses(base: Base, providers: GitProviderService, acting: PreviewLifecycle) -> Module:
    """What is told through these providers."""
    link = partial(log_link, base.settings.public_url)
    told = Statuses(db=base.db, events=base.events, providers=providers, forms=acting.forms, log_link=link)
    return Module(loops=(Poller("commit statuses", told.tell_round),))
