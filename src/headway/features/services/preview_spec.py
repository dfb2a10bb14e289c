"""What is the same in what a preview of any service is made of and runs with: pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from headway.drivers.forges.base import ForgeName
from headway.drivers.sources.ref import Ref, RefKind
from headway.features.edge.domains_model import CertificateType, DomainRequest
from headway.features.git.provider_repository import with_branch
from headway.features.services.previews_model import PreviewSettings, PullRevision
from headway.features.services.settings import ServiceSettings
from headway.kernel.layers import Layer, resolve
from headway.kernel.variables import Marks, parse_variables

_QUOTED = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n", "$": "\\$"})


def of_pull(settings: ServiceSettings, pull: PullRevision) -> dict[str, Any]:
    """What of the settings says where the files come from, with the pull request for it. Raises InvalidInput."""
    git = replace(settings.git, tag=None, commit=None)
    if pull.fork:
        # Exactly what was approved, whatever the branch names by now.
        pinned = replace(git, branch=None, commit=pull.commit)
        if pull.source_url is None:
            return {"git": pinned}
        return {"source_type": "git", "git": replace(pinned, url=pull.source_url)}
    if settings.source_type in set(ForgeName):
        return {"git": git, "extra": with_branch(settings.source_type, settings.extra, _branch(pull))}
    return {"git": replace(git, branch=_branch(pull))}


def without_previews(extra: Mapping[str, Any]) -> dict[str, Any]:
    """The fields without what they say of previews: a preview has none of its own."""
    return {name: each for name, each in extra.items() if not name.startswith("preview")}


def variables_of(wished: PreviewSettings, pull: PullRevision, host: str, marks: Marks) -> str:
    """The variables of a preview, as a user would write them. Of a fork's it has none that is secret, nor what refers
    to others: whoever wrote its code could read them.
    """
    own = wished.env if not pull.fork else open_ones(marks, wished.env)
    return f"DOKPLOY_DEPLOY_URL={host}\n{own}"


def open_ones(marks: Marks, text: str) -> str:
    """Those of the variables that are neither secret nor refer to others."""
    written = parse_variables(text)
    plain = {name: value for name, value in written.items() if not marks.is_secret(name) and "${{" not in value}
    resolve({Layer.OWN: plain}, Layer.OWN)
    return "\n".join(f'{name}="{value.translate(_QUOTED)}"' for name, value in plain.items())


def domain_for(wished: PreviewSettings, pull: PullRevision, app_name: str) -> DomainRequest | None:
    """The domain by the pattern of the service; None where it has none."""
    if wished.wildcard is None:
        return None
    host = wished.wildcard.replace("*", app_name).replace("${number}", str(pull.number))
    known = wished.certificate in set(CertificateType)
    certificate = CertificateType(wished.certificate) if known else CertificateType.NONE
    return DomainRequest(host=host, path=wished.path, https=wished.https, certificate_type=certificate)


def _branch(pull: PullRevision) -> str:
    """What is fetched of a pull request of the repository itself. Raises InvalidInput for what no branch is called."""
    return Ref(kind=RefKind.BRANCH, name=pull.branch).name
