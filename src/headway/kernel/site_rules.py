"""How a static site answers what none of its files does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from headway.kernel.dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteRule:
    """Requests for a path that ``pattern`` matches whole (RE2, with named groups) are led to ``target``, in which
    ``{name}`` stands for what a group matched. With a ``status`` of 301 to 308 the visitor is sent there; 200 answers
    with that file of the site, 404 with it as an error. ``forced``: also where a file is there.
    """

    pattern: str
    target: str
    status: int
    forced: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteRules:
    """``fallback`` answers pages that no file is with index.html, as an application in one page needs it. ``base`` is
    the path that its pages were built to lie below ("/shop"), "" for a site of its own host: its files are found there
    too, and who asks for ``/`` is sent there.
    """

    fallback: bool = False
    rules: tuple[SiteRule, ...] = ()
    base: str = ""

    def dump(self) -> dict[str, Any]:
        """The JSON that ``load`` reads."""
        return {name: value for name, value in asdict(self).items() if name != "base" or value}

    @staticmethod
    def load(values: Mapping[str, Any]) -> SiteRules:
        """The rules that ``dump`` wrote."""
        rules = tuple(SiteRule(**each) for each in values.get("rules", ()))
        return SiteRules(fallback=bool(values.get("fallback")), rules=rules, base=str(values.get("base") or ""))
