"""A user's script handed over to a shell as a file. It comes in by standard input, as bytes, and is never part of a
line that a shell reads; the file is gone before the script begins, so that nothing of it is left however it ends.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

NOT_WHOLE = 125
_PROGRAMS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"bash": ("bash",), "sh": ("sh",), "python": ("python3", "python")}
)
# $1: the file's name, $2: how many bytes the script has, and then the programs of which the first that is there reads
# it. A script that has not come whole is not begun: whoever was to hand it over is gone.
_HANDED_OVER = """\
umask 077
name=$1 size=$2
shift 2
for program; do command -v "$program" >/dev/null 2>&1 && break; program=; done
if [ -z "$program" ]; then echo "headway: there is no $1 here; choose another shell" >&2; exit 127; fi
file=
for folder in "${TMPDIR:-/tmp}" /dev/shm /var/tmp /run .; do
  if (set -C; : >"$folder/$name") 2>/dev/null; then file=$folder/$name; break; fi
done
if [ -z "$file" ]; then echo "headway: no folder here can take the script: make /tmp writable" >&2; exit 125; fi
cat >"$file"
if [ "$(wc -c <"$file")" -ne "$size" ]; then
  rm -f "$file"
  echo "headway: the script has not come whole; is the disk full?" >&2
  exit 125
fi
exec 9<"$file"
rm -f "$file"
exec "$program" /proc/self/fd/9 </dev/null
"""

# A command that is not to begin before it is let in: who reads nothing was not.
_LET_IN = """\
IFS= read -r word && [ "$word" = go ] || { echo "headway: the command was not let in" >&2; exit 125; }
command -v -- "$1" >/dev/null 2>&1 || {
  echo "headway: there is no program $1 here; a line for a shell is given as sh -c '...'" >&2
  exit 127
}
exec "$@" </dev/null
"""
_LET_IN_TO_READ = _LET_IN.removesuffix(" </dev/null\n") + "\n"
GO = b"go\n"


def let_in(argv: tuple[str, ...], *, reads: bool = False) -> tuple[str, ...]:
    """The arguments of what becomes ``argv``, without any standard input, once it has read ``GO`` from its own; what
    ``reads`` goes on reading behind that.
    """
    return ("/bin/sh", "-c", _LET_IN_TO_READ if reads else _LET_IN, "headway", *argv)


def handed_over(shell: str, text: bytes, name: str) -> tuple[str, ...]:
    """The arguments of what reads ``text`` from its standard input and has ``shell`` (bash, sh, python) carry it out.
    ``name`` is one that no other file has.
    """
    return ("/bin/sh", "-c", _HANDED_OVER, "headway", f".headway-{name}", str(len(text)), *_PROGRAMS[shell])
