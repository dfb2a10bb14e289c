"""Brings the outbox of forges."""

from __future__ import annotations

from functools import partial

from headway.core.engine.poller import Poller
from headway.features.forge_outbox.deployment_statuses import DeploymentStatuses, forget_old
from headway.features.forge_outbox.left_statuses import LeftStatuses
from headway.features.forge_outbox.outbox import ForgeOutbox
from headway.features.forge_outbox.preview_reports import PreviewReports
from headway.features.git.providers import GitProviderService
from headway.features.previews.services import PreviewedServices
from headway.module import Base, Module


def install_forge_outbox(base: Base, providers: GitProviderService, services: PreviewedServices) -> Module:
    """What is told through these providers, of services and of their previews."""
    db, events, link = base.db, base.events, partial(log_link, base.settings.public_url)
    statuses = DeploymentStatuses(providers=providers, kinds=services.kinds, log_link=link)
    reports = PreviewReports(providers=providers, services=services, facts=services.facts, log_link=link)
    told = partial(ForgeOutbox, db=db, events=events, providers=providers, troubles=base.engine.troubles)
    left = LeftStatuses(providers=providers)
    of_deployments, of_previews, of_removed = told(kind=statuses), told(kind=reports), told(kind=left)
    return Module(
        loops=(
            Poller(statuses.name, of_deployments.tell_round),
            Poller("commit statuses kept", partial(forget_old, db)),
            Poller(reports.name, of_previews.tell_round),
            Poller(left.name, of_removed.tell_round),
        ),
        released=(of_deployments, of_previews, of_removed),
    )


def log_link(panel: str | None, deployment_id: str) -> str | None:
    """Where the log of a deployment is read, None where the panel has no address that others know."""
    return None if panel is None else f"{panel.rstrip('/')}/api/deployment.log?deploymentId={deployment_id}"
