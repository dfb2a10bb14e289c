"""What copies of a program do one after the other as they start: migrate, and put a file into the folder that stays."""

from __future__ import annotations

import posixpath
import shlex

from headway.drivers.buildplan.tree import Tree
from headway.kernel.release_facts import DATA, TURNS


def once(line: str) -> str:
    """The line, by one process of the machine at a time: copies of ``web`` that start together migrate one after the
    other, and what the first has done is nothing to the second.
    """
    return f'{{ flock 9; {line}; }} 9>>"{TURNS}"'


def copied(path: str, name: str = "") -> str:
    """What puts a file of a release into the folder that stays, at the first start, by its own name or another one. It
    comes by it once it is whole on the disk, for it is never copied again: who is ended amid it, or loses power, begins
    anew.
    """
    above, last = posixpath.split(name or posixpath.basename(path))
    kept, begun = f'"{posixpath.join(DATA, above, last)}"', f'"{posixpath.join(DATA, above, f".{last}.new")}"'
    return once(f"[ -e {kept} ] || {{ cp {shlex.quote(path)} {begun} && sync {begun} && mv {begun} {kept}; }}")


def linked(tree: Tree, file: str, path: str) -> str:
    """What has a file of a tree, which a shell sees at that path, be a link into the folder that stays; after what the
    repository has is put there.
    """
    first = f"{copied(path)} && " if file in tree else ""
    return f'{folders(tree, file, path)}{first}ln -sf "{DATA}/{posixpath.basename(path)}" {shlex.quote(path)} && '


def folders(tree: Tree, file: str, path: str, *more: str) -> str:
    """What makes the folder of a file where the tree has none, and more folders; "" for nothing to be made."""
    folder = posixpath.dirname(file)
    is_there = not folder or any(each.startswith(f"{folder}/") for each in tree.names)
    made = (*(() if is_there else (shlex.quote(posixpath.dirname(path)),)), *more)
    return f"mkdir -p {' '.join(made)} && " if made else ""
