"""What a user wants of a repository: a branch, a tag or a commit, checked before git sees its name."""

from __future__ import annotations

import re
from enum import StrEnum

from headway.kernel.dataclass import dataclass
from headway.kernel.errors import InvalidInput

# git-check-ref-format(1): control characters, space, ~ ^ : ? * [ \ DEL, "..", "@{", "//", a component that begins with
# "." or ends with ".lock", a slash at either end, a dot at the end, "@" alone.
_FORBIDDEN = re.compile(r"[\x00-\x20~^:?*\[\\\x7f]|\.\.|@\{|//|(?:^|/)\.|\.lock(?:/|$)|^/|/$|\.$|^@$")
_HASH = re.compile(r"[0-9a-f]{7,64}")
_LONGEST = 255
_FULL_HASHES = frozenset({40, 64})


class RefKind(StrEnum):
    """What a name in a repository names."""

    BRANCH = "branch"
    TAG = "tag"
    COMMIT = "commit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ref:
    """A branch, tag or commit by name. Raises InvalidInput for a name that git could not hold."""

    kind: RefKind
    name: str

    def __post_init__(self) -> None:
        if self.kind is RefKind.COMMIT:
            if not _HASH.fullmatch(self.name):
                raise InvalidInput("The commit must be a hash of 7 to 64 hexadecimal digits in lower case.")
        elif not self.name or len(self.name) > _LONGEST or self.name.startswith("-") or _FORBIDDEN.search(self.name):
            raise InvalidInput(
                f"The {self.kind} has a name that git does not allow. It may not be empty, begin with '-', or hold "
                "spaces, control characters, '..', or any of ~ ^ : ? * [ \\."
            )

    @property
    def remote_name(self) -> str:
        """The name in full, as the other side has it."""
        match self.kind:
            case RefKind.BRANCH:
                return f"refs/heads/{self.name}"
            case RefKind.TAG:
                return f"refs/tags/{self.name}"
            case RefKind.COMMIT:
                return self.name

    @property
    def is_short_hash(self) -> bool:
        """Whether it is the beginning of a hash, which no server looks up: the history has to be here for it."""
        return self.kind is RefKind.COMMIT and len(self.name) not in _FULL_HASHES
