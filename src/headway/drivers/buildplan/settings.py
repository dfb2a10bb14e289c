"""What the owner of a service has set about its build; what is not set is detected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field, fields, replace
from typing import Any, Final

from headway.kernel.dataclass import dataclass

FIRST: Final = 1  # what is in builders/first_rules.py
NEWEST: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildSettings:
    """Each field takes the place of what detection would choose; None leaves the choice to it.

    ``provider`` is a name of the table of providers; ``install``, ``build``, ``start`` and ``release`` are command
    lines; ``publish`` is the folder of a static site, relative to the build path; ``fallback`` says whether addresses
    that no file of a site answers are given its index.html; ``versions`` names versions or ranges by tool, such as
    ``{"python": "3.12"}``; ``keep`` are folders, relative to the build path, that stay from release to release.
    ``package`` says which of several programs of a repository is meant: a package of a workspace by its name or folder,
    a folder below ``cmd/``, a project. ``detection`` is the generation of rules that plans: what was released by the
    first stays with it until its owner wants otherwise.
    """

    provider: str | None = None
    install: str | None = None
    build: str | None = None
    start: str | None = None
    release: str | None = None
    publish: str | None = None
    fallback: bool | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    keep: Sequence[str] = ()
    package: str | None = None
    detection: int = NEWEST

    def stripped(self) -> BuildSettings:
        """The settings, where what is blank is not set."""
        texts = {each.name: getattr(self, each.name) for each in fields(self)}
        blank: dict[str, Any] = {
            name: None for name, value in texts.items() if isinstance(value, str) and not value.strip()
        }
        return replace(self, **blank)
