"""How libraries that check the environment at a start name what is missing, mostly several variables at once."""

from __future__ import annotations

from headway.kernel.failures.rule import Rule, rule

_NAME = r"[A-Z][A-Z0-9_]{2,60}"
# A list as Node prints it, up to the line that closes it; one of its first lines has to name a variable.
_LIST = (
    rf"(?=\n(?:.{{0,300}}\n){{0,8}}(?:path: \[ ')?['\"]?{_NAME}['\"]?(?: \]|:|\n|,))"
    r"(?=\n(?P<names>(?:(?![\]}]$).{0,300}\n){1,80}))"
)
_CAUSE = "{listed} not set, or not as the program wants"
_MEND = "headway env set APP {given}"
_NO_FILE = "a script reads its variables from a file that is not in the repository"
_FREE = "headway env set APP NAME=VALUE, or all of the file by --env-file of 'headway deploy'"

RULES: tuple[Rule, ...] = (
    rule(
        r"^node: (?P<file>[\w./-]{0,100}\.env[\w.-]{0,40}): not found$",
        _NO_FILE,
        f"leave --env-file={{file}} out of the script, and set what it has: {_FREE}",
    ),
    rule(
        r"^.{0,20}Failed to find \.env file at .{1,200}",
        _NO_FILE,
        f"leave env-cmd out of the script, and set what the file has: {_FREE}",
    ),
    rule(rf"^.{{0,80}}[Ii]nvalid .{{0,20}}env(?:ironment)? ?var(?:iable)?s.{{0,40}}${_LIST}", _CAUSE, _MEND),
    rule(rf"^.{{0,80}}ZodError: \[{_LIST}", _CAUSE, _MEND),
    rule(
        rf"^.{{0,20}}(?P<names>Invalid input: expected \w{{1,20}}, received undefined\nat {_NAME}$"
        rf"(?:\nInvalid input: .{{1,120}}\nat {_NAME}$){{0,40}})",
        _CAUSE,
        _MEND,
    ),
    rule(rf"^.{{0,20}}Missing environment variables:\n(?P<names>(?:{_NAME}: .{{0,120}}\n){{1,60}})", _CAUSE, _MEND),
    rule(rf"^.{{0,80}}?(?P<names>env must have required property '{_NAME}'.{{0,400}})", _CAUSE, _MEND),
    rule(
        rf"^.{{0,80}}Config validation error: (?P<names>.{{0,200}}\"{_NAME}\" is required.{{0,200}}"
        rf"(?:\n.{{0,100}}\"{_NAME}\" (?:is|must) .{{1,80}}){{0,40}})",
        _CAUSE,
        _MEND,
    ),
    rule(rf"^.{{0,20}}missing: \[ (?P<names>'{_NAME}'(?:, '{_NAME}'){{0,40}}) \]", _CAUSE, _MEND),
    rule(
        rf"^.{{0,200}}(?:env-var: |Configuration key |Cannot resolve environment variable: )"
        rf"(?P<names>\"?{_NAME}\"?)(?: is a required variable| does not exist|\.).{{0,80}}",
        _CAUSE,
        _MEND,
    ),
)
GENERAL: tuple[Rule, ...] = ()
