"""What a preview is made of and runs with, from its application's settings and its pull request: pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from headway.drivers.forges.base import ForgeName
from headway.drivers.sources.ref import Ref, RefKind
from headway.features.edge.domains_model import CertificateType, DomainRequest
from headway.features.git.provider_repository import with_branch
from headway.features.previews.model import Preview, PreviewSettings, settings_of
from headway.features.services.application.model import AppSettings
from headway.features.services.application.variables import marks_of
from headway.features.services.compose.model import ComposeSettings
from headway.features.services.settings import ServiceSettings
from headway.kernel.layers import Layer, resolve
from headway.kernel.variables import Marks, parse_variables

_FILE = "file"
_QUOTED = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n", "$": "\\$"})


def settings_for(settings: AppSettings, preview: Preview) -> AppSettings:
    """The application's settings as its preview has them: of the pull request's commit, with variables of its own, and
    with nothing that two cannot have at a time (ports of the machine, volumes, copies).
    """
    wished = settings_of(settings.extra)
    trusted = not preview.fork
    build_args = wished.build_args if trusted else _open_ones(marks_of(settings), wished.build_args)
    build_secrets = wished.build_secrets if trusted else None
    mine = replace(
        settings,
        **_of_pull(settings, preview),
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
    return replace(mine, extra={name: value for name, value in mine.extra.items() if not name.startswith("preview")})


def variables_for(settings: AppSettings, preview: Preview, host: str) -> str:
    """The variables of a preview, as a user would write them. Of a fork's it has none that is secret, nor what refers
    to others: whoever wrote its code could read them.
    """
    return _variables(settings.extra, preview, host, marks_of(settings))


def domain_for(wished: PreviewSettings, preview: Preview, app_name: str) -> DomainRequest | None:
    """The domain by the pattern of the application; None where the name that every application has is enough."""
    if wished.wildcard is None:
        return None
    host = wished.wildcard.replace("*", app_name).replace("${number}", str(preview.number))
    known = wished.certificate in set(CertificateType)
    certificate = CertificateType(wished.certificate) if known else CertificateType.NONE
    return DomainRequest(host=host, path=wished.path, https=wished.https, certificate_type=certificate)


def compose_settings_for(settings: ComposeSettings, preview: Preview) -> ComposeSettings:
    """The same for a compose service: no ports of the machine, nothing of the machine at all, and of a fork's no
    credentials, with which it could have images that are not its own.
    """
    mine = replace(
        settings,
        **_of_pull(settings, preview),
        published=False,
        host_access=False,
        engine_fetch=False,
        registry_ids=() if preview.fork else settings.registry_ids,
        hooks=replace(settings.hooks, secret=None, auto_deploy=False),
    )
    return replace(mine, extra={name: value for name, value in mine.extra.items() if not name.startswith("preview")})


def compose_variables_for(settings: ComposeSettings, preview: Preview, host: str) -> str:
    """See ``variables_for``."""
    return _variables(settings.extra, preview, host, Marks())


def compose_domains_for(
    wished: PreviewSettings,
    preview: Preview,
    app_name: str,
    led: Sequence[DomainRequest],
    generated_host: Callable[[str], str],
) -> list[DomainRequest]:
    """A domain for each way into the service that somebody's domains lead to: the first by the preview's name, those
    of others of its containers by that and theirs.
    """
    ways = {(each.service_name, each.port): each for each in reversed(led) if each.service_name and each.port}
    names = {each: app_name if number == 0 else f"{app_name}-{each[0]}" for number, each in enumerate(reversed(ways))}
    found: list[DomainRequest] = []
    for way, before in reversed(ways.items()):
        bare = domain_for(wished, preview, names[way]) or DomainRequest(host=generated_host(names[way]))
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


def _of_pull(settings: ServiceSettings, preview: Preview) -> dict[str, Any]:
    """What of the settings says where the files come from."""
    git = replace(settings.git, tag=None, commit=None)
    if preview.fork:
        # Exactly what was approved, whatever the branch names by now.
        pinned = replace(git, branch=None, commit=preview.approved_head)
        if preview.source_url is None:
            return {"git": pinned}
        return {"source_type": "git", "git": replace(pinned, url=preview.source_url)}
    if settings.source_type in set(ForgeName):
        return {"git": git, "extra": with_branch(settings.source_type, settings.extra, _branch(preview))}
    return {"git": replace(git, branch=_branch(preview))}


def _branch(preview: Preview) -> str:
    """What is fetched of a pull request of the repository itself. Raises InvalidInput for what no branch is called."""
    return Ref(kind=RefKind.BRANCH, name=preview.branch).name


def _variables(extra: Mapping[str, Any], preview: Preview, host: str, marks: Marks) -> str:
    wished = settings_of(extra)
    own = wished.env if not preview.fork else _open_ones(marks, wished.env)
    return f"DOKPLOY_DEPLOY_URL={host}\n{own}"


def _open_ones(marks: Marks, text: str) -> str:
    written = parse_variables(text)
    plain = {name: value for name, value in written.items() if not marks.is_secret(name) and "${{" not in value}
    resolve({Layer.OWN: plain}, Layer.OWN)
    return "\n".join(f'{name}="{value.translate(_QUOTED)}"' for name, value in plain.items())
