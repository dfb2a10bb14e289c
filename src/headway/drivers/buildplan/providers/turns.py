"""What copies of a program do one after the other as they start: migrate, and put a file into the folder that stays."""

from __future__ import annotations

import posixpath
import shlex

from headway.kernel.release_facts import TURNS


def once(line: str) -> str:
    """The line, by one process of the machine at a time: copies of ``web`` that start together migrate one after the
    other, and what the first has done is nothing to the second.
    """
    return f'{{ flock 9; {line}; }} 9>>"{TURNS}"'


def copied(path: str) -> str:
    """What puts a file of a release into the folder that stays, at the first start. It comes by its name once it is
    whole on the disk, for it is never copied again: who is ended amid it, or loses power, begins anew.
    """
    name = posixpath.basename(path)
    kept, begun = f'"$DATA_DIR/{name}"', f'"$DATA_DIR/.{name}.new"'
    return once(f"[ -e {kept} ] || {{ cp {shlex.quote(path)} {begun} && sync {begun} && mv {begun} {kept}; }}")
