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
    mine = replace(
        _of_pull(settings, preview),
        build_args=wished.build_args if trusted else _open_ones(marks_of(settings), wished.build_args),
        build_secrets=wished.build_secrets if trusted else None,
        engine_fetch=False,
        port=None,
        image_port=wished.port or settings.port,
        published=(),
        mounts=tuple(each for each in settings.mounts if each.kind == _FILE and trusted),
        replicas=1,
        placement=None,
        webhook_secret=None,
        auto_deploy=False,
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
        _of_compose_pull(settings, preview),
        published=False,
        host_access=False,
        engine_fetch=False,
        registry_ids=() if preview.fork else settings.registry_ids,
        webhook_secret=None,
        auto_deploy=False,
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


def _of_compose_pull(settings: ComposeSettings, preview: Preview) -> ComposeSettings:
    if preview.fork:
        pinned = replace(settings, git_branch=None, git_tag=None, git_commit=preview.approved_head)
        return pinned if preview.source_url is None else replace(pinned, source_type="git", git_url=preview.source_url)
    bare = replace(settings, git_tag=None, git_commit=None)
    if settings.source_type in set(ForgeName):
        return replace(bare, extra=with_branch(settings.source_type, settings.extra, _branch(preview)))
    return replace(bare, git_branch=_branch(preview))


def _of_pull(settings: AppSettings, preview: Preview) -> AppSettings:
    if preview.fork:
        # Exactly what was approved, whatever the branch names by now.
        pinned = replace(settings, git_branch=None, git_tag=None, git_commit=preview.approved_head)
        return pinned if preview.source_url is None else replace(pinned, source_type="git", git_url=preview.source_url)
    bare = replace(settings, git_tag=None, git_commit=None)
    if settings.source_type in set(ForgeName):
        return replace(bare, extra=with_branch(settings.source_type, settings.extra, _branch(preview)))
    return replace(bare, git_branch=_branch(preview))


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
