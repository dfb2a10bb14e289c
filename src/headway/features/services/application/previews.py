"""What runs of a pull request of an application: an application with the preview's id."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from headway.features.edge.domains_model import DomainRequest
from headway.features.services.application.creation import ApplicationCreation
from headway.features.services.application.model import Application, AppSettings
from headway.features.services.application.variables import marks_of
from headway.features.services.preview_spec import domain_for, of_pull, open_ones, variables_of, without_previews
from headway.features.services.previews_model import PullRevision, settings_of
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass

_FILE = "file"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationPreviews:
    """Fits ``kinds.PreviewSpecs``."""

    creation: ApplicationCreation
    below: bool = False  # each is reached by its own name there anyway

    def require_pulls(self, settings: AppSettings) -> None:
        """See ``PreviewSpecs.require_pulls``: what there is nothing of ends by saying so."""

    def add(self, tx: Tx, parent: Application, preview_id: str, pull: PullRevision) -> Application:
        name, app_name = pull.names(parent.name, parent.host_name)
        return self.creation.add_preview(tx, parent, preview_id, name=name, app_name=app_name)

    def domains(
        self,
        settings: AppSettings,
        pull: PullRevision,
        app_name: str,
        led: Sequence[DomainRequest],
        generated_host: Callable[[str], str],
    ) -> list[DomainRequest]:
        """The domain by the pattern of the application; none where the name that every application has is enough."""
        del led, generated_host
        found = domain_for(settings_of(settings.extra), pull, app_name)
        return [] if found is None else [found]

    def settings(self, settings: AppSettings, pull: PullRevision) -> AppSettings:
        """Of the pull request's commit, with variables of its own, and with nothing that two cannot have at a time
        (ports of the machine, volumes, copies).
        """
        wished, trusted = settings_of(settings.extra), not pull.fork
        build_args = wished.build_args if trusted else open_ones(marks_of(settings), wished.build_args)
        build_secrets = wished.build_secrets if trusted else None
        mine = replace(
            settings,
            **of_pull(settings, pull),
            engine_fetch=False,
            variables=replace(settings.variables, build_args=build_args, build_secrets=build_secrets),
            run=replace(
                settings.run,
                port=None,
                image_port=wished.port or settings.run.port,
                published=(),
                mounts=tuple(each for each in settings.run.mounts if each.kind == _FILE and trusted),
                replicas=1,
                placement=None,
            ),
            hooks=replace(settings.hooks, secret=None, auto_deploy=False),
        )
        return replace(mine, extra=without_previews(mine.extra))

    def variables(self, settings: AppSettings, pull: PullRevision, host: str) -> str:
        return variables_of(settings_of(settings.extra), pull, host, marks_of(settings))
