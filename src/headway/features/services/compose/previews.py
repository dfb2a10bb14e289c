"""What runs of a pull request of a compose service: one with the preview's id, which is a project of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from headway.features.edge.domains_model import DomainRequest
from headway.features.services.compose.creation import ComposeCreation
from headway.features.services.compose.model import DROP, RAW, Compose, ComposeSettings
from headway.features.services.preview_spec import domain_for, of_pull, variables_of, without_previews
from headway.features.services.previews_model import PullRevision, settings_of
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import InvalidInput
from headway.kernel.ids import slug
from headway.kernel.variables import Marks


@dataclass(frozen=True, slots=True, kw_only=True)
class ComposePreviews:
    """Fits ``kinds.PreviewSpecs``."""

    creation: ComposeCreation
    below: bool = True

    def require_pulls(self, settings: ComposeSettings) -> None:
        if settings.source_type in {RAW, DROP}:
            raise InvalidInput("The compose service comes from no git repository, so pull requests have nothing of it.")

    def add(self, tx: Tx, parent: Compose, preview_id: str, pull: PullRevision) -> Compose:
        """See ``PreviewSpecs.add``. Its volumes are nobody else's, and go with it."""
        name, app_name = pull.names(parent.name, slug(parent.name) or parent.app_name)
        return self.creation.add_preview(tx, parent, preview_id, name=name, app_name=app_name)

    def domains(
        self,
        settings: ComposeSettings,
        pull: PullRevision,
        app_name: str,
        led: Sequence[DomainRequest],
        generated_host: Callable[[str], str],
    ) -> list[DomainRequest]:
        """A domain for each way into the service that somebody's domains lead to: what somebody may open there, they
        may open here. The first is by the preview's name, those of others of its containers by that and theirs.
        """
        wished = settings_of(settings.extra)
        ways = {(each.service_name, each.port): each for each in reversed(led) if each.service_name and each.port}
        names = {
            each: app_name if number == 0 else f"{app_name}-{each[0]}" for number, each in enumerate(reversed(ways))
        }
        found: list[DomainRequest] = []
        for way, before in reversed(ways.items()):
            bare = domain_for(wished, pull, names[way]) or DomainRequest(host=generated_host(names[way]))
            found.append(
                replace(
                    before,
                    host=bare.host,
                    path="/",
                    inner_path="/",
                    strip=False,
                    https=bare.https,
                    certificate_type=bare.certificate_type,
                    resolver=None,
                    entrypoint=None,
                )
            )
        return [each for number, each in enumerate(found) if each.host not in {one.host for one in found[:number]}]

    def settings(self, settings: ComposeSettings, pull: PullRevision) -> ComposeSettings:
        """No ports of the machine, nothing of the machine at all, and of a fork's no credentials, with which it could
        have images that are not its own.
        """
        mine = replace(
            settings,
            **of_pull(settings, pull),
            published=False,
            host_access=False,
            engine_fetch=False,
            registry_ids=() if pull.fork else settings.registry_ids,
            hooks=replace(settings.hooks, secret=None, auto_deploy=False),
        )
        return replace(mine, extra=without_previews(mine.extra))

    def variables(self, settings: ComposeSettings, pull: PullRevision, host: str) -> str:
        return variables_of(settings_of(settings.extra), pull, host, Marks())
