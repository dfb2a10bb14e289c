"""Views as HTML: templates of the package, in which all text from outside stays text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from headway.pages.page import View
from headway.pages.words import FILTERS

OWN = "web/templates"


class Templates:
    """Renders what lies below ``root`` by its path there; ``static`` gives the address of a file of our own."""

    def __init__(self, root: Path, static: Callable[[str], str]) -> None:
        self._environment = Environment(
            loader=FileSystemLoader(root),
            autoescape=True,
            undefined=StrictUndefined,
            auto_reload=False,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters.update(FILTERS)
        self._environment.globals["static"] = static

    def html(self, view: View, frame: Mapping[str, object]) -> bytes:
        """The view's template with its values; ``frame`` is what every page has beside them, and goes before."""
        template = self._environment.get_template(view.template)
        return template.render({**view.values, "title": view.title, **frame}).encode()
