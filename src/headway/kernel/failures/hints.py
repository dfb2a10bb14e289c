"""What a tool advises itself, where no table knows what it says."""

from __future__ import annotations

from headway.kernel.failures.rule import Rule, rule

_ADVICE = (
    r"(?:[Yy]ou (?:may |might )?need to (?:run|install|set|add|provide|specify)|[Tt]ry (?:running|installing|setting|adding|to run|to install)|"
    r"[Pp]lease (?:run|install|set|add|provide|specify|make sure|ensure|check|upgrade|update|use|define)|[Mm]ake sure (?:that |you |to |it |the )|"
    r"[Rr]un [`'\"][^`'\"\n]{3,80}[`'\"]|[Cc]onsider (?:running|setting|using|adding)|[Dd]id you (?:mean|forget)|[Tt]o (?:fix|resolve|solve) (?:this|it)|"
    r"[Ss]olution:|[Hh]int: |[Hh]elp: )"
)

# A warning tells of another day, and what is far above the end was got over.
_ANOTHER = r"(?:npm (?:notice|warn|WARN)\b|.{0,80}(?:\b[Ww]arn|WARN|[Dd]eprecat|\[notice\]|npm fund|npm audit|browserslist|A complete log))"
_NEAR_THE_END = r"(?=(?:\n.{0,600}){0,25}\n?\Z)"

# Of another day, or of a case that may not be this one.
_CONDITIONAL = r"(?!.{0,80}\b[Ii]f you (?:see|get|encounter|want|use|need|think|are)\b)"

RULES: tuple[Rule, ...] = (
    rule(
        rf"^(?!{_ANOTHER}){_CONDITIONAL}(?P<what>.{{0,240}}\b{_ADVICE}.{{1,240}}){_NEAR_THE_END}",
        "it says itself what is to be done",
        "do what the line says, and commit; a variable is set by headway env set APP NAME=..., a program or library of the "
        "machine is installed on it",
        last=True,
    ),
)
