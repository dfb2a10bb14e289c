"""Views as HTML: templates of the package, in which all text from outside stays text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, meta

from headway.pages.page import View
from headway.pages.words import FILTERS

OWN = "web/templates"
ANY_NAME = "*"


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
        self._root = root
        self._names: dict[str, frozenset[str]] = {}

    def html(self, view: View, frame: Mapping[str, object]) -> bytes:
        """The view's template with its values; ``frame`` is what every page has beside them. Raises ValueError where a
        view gives a name of the frame's another value: one of the two would be shown in the other's place.
        """
        if taken := frame.keys() & view.values.keys():
            raise ValueError(f"{view.template}: {', '.join(sorted(taken))}: the frame of every page has these names.")
        template = self._environment.get_template(view.template)
        return template.render({**view.values, "title": view.title, **frame}).encode()

    def names_in(self, template: str) -> frozenset[str]:
        """What a template takes from outside, with all that it includes and imports; more than that at worst: ANY_NAME
        where it includes what a value names.
        """
        if template not in self._names:
            self._names[template] = frozenset()  # for one that comes to itself
            parsed = self._environment.parse((self._root / template).read_text())
            found = set(meta.find_undeclared_variables(parsed))
            for other in meta.find_referenced_templates(parsed):
                found |= self.names_in(other) if other is not None else {ANY_NAME}
            self._names[template] = frozenset(found)
        return self._names[template]
