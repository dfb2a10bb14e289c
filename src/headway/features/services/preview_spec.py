"""What is the same in what a preview of any service is made of and runs with: pure."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, TypeVar

from headway.drivers.forges.base import ForgeName
from headway.drivers.sources.ref import Ref, RefKind
from headway.features.edge.domains_model import CertificateType, DomainRequest
from headway.features.git.provider_repository import with_branch
from headway.features.services.previews_model import PreviewSettings, PullRevision
from headway.kernel.layers import Layer, resolve
from headway.kernel.variables import Marks, parse_variables

T = TypeVar("T")
_QUOTED = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n", "$": "\\$"})


def of_pull(settings: T, pull: PullRevision) -> T:
    """Settings of any kind, all of which name a source alike, with the pull request for one. Raises InvalidInput."""
    given: Any = settings
    if pull.fork:
        # Exactly what was approved, whatever the branch names by now.
        pinned = _with(settings, git_branch=None, git_tag=None, git_commit=pull.commit)
        return pinned if pull.source_url is None else _with(pinned, source_type="git", git_url=pull.source_url)
    bare = _with(settings, git_tag=None, git_commit=None)
    if given.source_type in set(ForgeName):
        return _with(bare, extra=with_branch(given.source_type, given.extra, _branch(pull)))
    return _with(bare, git_branch=_branch(pull))


def without_previews(settings: T) -> T:
    """Settings of any kind without what they say of previews: a preview has none of its own."""
    given: Any = settings
    return _with(settings, extra={name: each for name, each in given.extra.items() if not name.startswith("preview")})


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


def _with(settings: T, **fields: Any) -> T:  # noqa: ANN401 - each as its field takes it
    given: Any = settings
    made: T = replace(given, **fields)
    return made


def _branch(pull: PullRevision) -> str:
    """What is fetched of a pull request of the repository itself. Raises InvalidInput for what no branch is called."""
    return Ref(kind=RefKind.BRANCH, name=pull.branch).name
