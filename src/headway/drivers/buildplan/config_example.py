"""Configurations that a repository has as an example alone, because the real ones are nobody else's business."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from itertools import islice
from typing import Final

from headway.drivers.buildplan import image_files
from headway.drivers.buildplan.tree import Tree

IGNORED: Final = ".gitignore"

_ENDING: Final = r"\.(?:json5?|ya?ml|toml|ini|cfg|conf|[cm]?[jt]s|py|php|xml|properties)"
_EXAMPLE: Final = re.compile(
    rf"(?P<stem>[\w-]{{1,80}})(?:\.(?:example|sample|dist)(?P<end>{_ENDING})|(?P<whole>{_ENDING})\.(?:example|sample|dist))"
)
# Never what the application itself is configured by, but for a developer's own machine.
_ASIDE: Final = frozenset({"docs", "doc", "example", "examples", "test", "tests", "fixtures", "scripts"})
_OF_TOOLS: Final = re.compile(r"(?:docker-)?compose\b|phpunit\b|local(?:[._-]|$)|settings_local\b", re.IGNORECASE)
_DEEPEST: Final = 3
_MOST: Final = 3
_MOST_LINES: Final = 1_000


def config_note(tree: Tree) -> str:
    """Which configuration is there as an example alone, and is to be made by its owner, since ``.gitignore`` names it;
    "" where there is none, or a script puts it there.
    """
    ignored = {line.strip().lstrip("/") for line in islice(tree.text(IGNORED).splitlines(), _MOST_LINES)}
    found = dict(islice(_lacking(tree, ignored), _MOST)) if ignored else {}
    if not found:
        return ""
    named = ", ".join(f"{target} ({example})" for example, target in found.items())
    example, target = next(iter(found.items()))
    return (
        f"The repository has an example alone of what {IGNORED} leaves out: {named}. Where the application needs it, "
        f"and no variables do, commit it to a private repository, or have the build make it (cp {example} {target})."
    )


def _lacking(tree: Tree, ignored: set[str]) -> Iterator[tuple[str, str]]:
    scripts, put = tree.whole("package.json"), image_files.files_put(tree)
    for name in sorted(tree.names, key=lambda each: (each.count("/"), each)):
        *folders, base = name.split("/")
        match = _EXAMPLE.fullmatch(base) if len(folders) <= _DEEPEST else None
        if match is None or _ASIDE & set(folders) or _OF_TOOLS.match(base) or base in scripts:
            continue
        last = f"{match['stem']}{match['end'] or match['whole']}"
        target = posixpath.join(*folders, last)
        if target not in tree and target not in put and {target, last} & ignored:
            yield name, target
