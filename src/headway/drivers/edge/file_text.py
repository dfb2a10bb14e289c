"""The text of every file that Traefik follows: JSON, as its reader of YAML takes it. That one refuses letters that YAML
calls unprintable and the two halves in which JSON may spell a letter, and takes up no file of the folder for as long as
one of them holds either.
"""

from __future__ import annotations

import json
import re

from headway.kernel.errors import InvalidInput

# What YAML calls unprintable, what it takes for the end of a line, and the mark of a text's beginning.
_ESCAPED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_NO_LETTER = re.compile("[\ud800-\udfff]")


def written(value: object, *, indent: int | None = None) -> str:
    """The value as JSON that reads as the same YAML, ``indent`` as json has it. Raises InvalidInput where a text holds
    half of a letter.
    """
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    if _NO_LETTER.search(text):
        raise InvalidInput("A text holds half of a letter (a lone surrogate), which nobody can read.")
    return _ESCAPED.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def is_plain(text: str) -> bool:
    """Whether the text holds only what YAML calls printable, and no letter that ends a line elsewhere only."""
    return not _ESCAPED.search(text) and not _NO_LETTER.search(text)
