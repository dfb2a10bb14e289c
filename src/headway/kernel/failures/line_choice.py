"""The line of an output that tells most of what went wrong, where no table knows the tool that wrote it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from headway.kernel.lines import shortened, visible
from headway.kernel.prefixes import bare_lines

_LINES_SEARCHED: Final = 20
_RAW_LINES_SEARCHED: Final = 400
_LINES_FOR_A_PLACE: Final = 6
_MOST_OF_A_LINE: Final = 600
_MOST_DETAILS: Final = 3
_STATES: Final = 4
_LOOKS: Final = 2
_FRAMES: Final = 1
_PLAIN: Final = 0
_NOTHING: Final = -1
_LESS_THAN_NOTHING: Final = -2

_STATES_AN_ERROR = re.compile(
    r"^(?:\S+\s+){0,3}(?:npm err!|npm error|e:|\[?error\]?|err!|fatal|panic|critical)(?![\w-])"
    r"|^thread '.*' panicked at\b|^\*\* \(\w|\(\w+(?:Error|Exception)\)$|^Unhandled exception\b|^(?-i:[A-Z]\w{0,60}(?:::[A-Z]\w{0,60}){1,6}): \S|^[\w.]{1,80}(?:Error|Exception)$"
    r"|\b\w*(?:error|exception|fault|panic|NotFound|Unsatisfiable)\b(?: ?\[\w+\])?:"
    r"|\b(?:command not found|no such file or directory|permission denied|no space left on device|out of memory)\b"
    r"|\bsegmentation fault\b|^(?:syntax|type|reference) error\b|\bERR_(?!PNPM_RECURSIVE)\w+",
    re.IGNORECASE,
)
_LOOKS_LIKE_AN_ERROR = re.compile(
    r"\b(?:errors?|fatal|fail(?:ed|ure|s)?|panic|exception|cannot|can't|could not|couldn't|unable|denied|refused|"
    r"not found|no such|undefined|unknown|invalid|missing|killed|abort(?:ed)?|timed out|unexpected|incompatible|unsupported|"
    r"out of (?:date|sync|step)|outdated|doesn't|not (?:compatible|supported|installed|allowed|exist|satisfied|exported|satisfy|provide|up to date)|isn't|conflict(?:s|ing)?|mismatch|rejected|requir(?:es?|ed)|no \w+ found|version solving failed)\b|^! +(?!\[)\S|^FAIL(?:ED)? |\byou must\b"
    r"|^(?:\./|/)?[\w@./-]{1,200}\.\w{1,8}(?::\d+(?::\d+)?| ?\(\d+[,:]\d+\)): \S",
    re.IGNORECASE,
)
# What makes an error one that can be mended: a name, a tool's own code, a place, a reason, a version that is wanted.
_DETAILS: Final = (
    re.compile(r"(?<!\w)['\"`][^'\"`\n]{2,120}['\"`]"),
    re.compile(r"\b(?:ERR_\w+|E(?!RROR)[A-Z]{5,16}|[A-Z]{1,6}\d{3,5})\b"),
    re.compile(r"[\w)\]-]\.\w{1,8}(?::\d|\(\d| \(\d)"),
    re.compile(
        r"\b(?:cannot|can't|could not|couldn't|not (?:found|defined|compatible|supported|installed|allowed|satisfied|exported)|no such|"
        r"missing|requires?|incompatible|unsupported|expected|unexpected|refused|denied|must|depends on|unknown|invalid|"
        r"does(?: not|n't)|isn't|no (?:matching|required|solution)|conflict\w*|mismatch|exceed\w*|already|timed out|no module named)\b",
        re.IGNORECASE,
    ),
    re.compile(r"(?:[<>=~^!]=?|\bversion) ?v?\d"),
)
_CAUSED = re.compile(r"^(?:Caused by|\[?cause\]?): \S", re.IGNORECASE)
# A lock file that is out of step: what is said of it comes before long lists and the usage of a program.
_OUT_OF_STEP = re.compile(
    r"`npm ci` can only install packages when|ERR_PNPM_OUTDATED_LOCKFILE|lockfile would have been (?:modified|created)"
    r"|Your lockfile needs to be updated|lockfile had changes, but lockfile is frozen|The lockfile is out of date"
    r"|The lockfile at `.*` needs to be updated|poetry\.lock was last generated|Pipfile\.lock .* out of date"
)
_SAYS_NOTHING = re.compile(
    r"^\W*(?:hint|note|tip|help|info|debug|notice|verbose|warn|warning)\b|^npm (?:warn|notice|info|verb)\b"
    r"|for (?:more|further) information|see above|\b0 errors|^\W*error\W*$|^(?:make|gmake)(?:\[\d+\])?: \*\*\*"
    r"|npm err(?:!|or)\s*(?:(?:code|errno|syscall|path|command|signal|workspace|location|cwd|lifecycle script)\b.*"
    r"|exit status \d+|failed at the .*|make sure you .*|this is (?:probably )?not .*|there is likely .*|\S+@\S+ [\w:-]+: `.*"
    r"|fix the upstream.*|this command with.*|to accept an.*|notarget in most.*|usage:.*|options:.*|\[.*|aliases?: .*|run \"npm help.*|https?://.*|or clean .*)?$"
    r"|^gyp (?:info|verb)\b|^gyp ERR! (?:system|command|cwd|node(?:-gyp)? -v|not ok|this is a bug|node_modules|stack\s+at|\$)"
    r"|^exit status \d+$|^(?:\S+\s+){0,5}(?:worker (?:exiting|\(pid:|failed to boot)|(?:reason: )?app failed to load)|^error: script .* exited with code"
    r"|^\W*ELIFECYCLE\b|^\W*(?:https?://\S+|(?:see|read more|learn more|visit|refer to|more info\w*|details?|docs?|documentation)\b.{0,240}https?://.*)$"
    r"|^\[ERROR\] (?:To see the full|Re-run Maven|For more|\[Help \d|After correcting)|^(?:import trace|require stack|stack trace|traceback)\b"
    r"|^(?:during handling of|the above exception|if you (?:think|see|want|are|need|get)|usage:|you can (?:learn|reproduce))\b"
    r"|^(?:v?\d+\.\d+\.\d+|node\.?js v\d\S*|(?:node|npm|pnpm|yarn|bun|python|pip|ruby|go|php) (?:version )?v?\d+[\d.]*)$|^##\[|^\W*syntax error\W*$|^For the full|^\W*(?:errors?|message|details?|error message|output|stderr|stdout)\W*$"
    r"|^please |^(?:code|errno|syscall|path|digest|status|signal|type|name|hostname|address|port|pid|cmd|url): .{0,200}[,'\d]$|^/\S+$|^gyp ERR!$|^to (?:fix|resolve|solve|use|see|get|update)\b|^(?:\$|PS [A-Z]:|[A-Z]:\\\S*>) ",
    re.IGNORECASE,
)
_OF_THE_LOG = re.compile(
    r"complete log of this run|\blog files? were not written|\b(?:results|output|errors?) logged to\b"
    r"|\b(?:full|complete|detailed|debug) (?:log|output|traceback|report)s? .{0,80}\b(?:found|written|saved|stored|located)\b",
    re.IGNORECASE,
)
# What a tool writes before each line. There is one way to part many signs: in all ways a line of slashes takes a tenth of
# a second.
_MARK = (
    r"\W{4}|\W{1,3}(?!\W)"
    r"|(?:npm|err|error|fatal|info|warn|warning|remote|at|in|see|log|log file)(?![\w.@/\\-])[!:\]]{0,2} ?"
)
# A path or an address and nothing about it, behind such marks.
_ONLY_A_PLACE = re.compile(
    rf"^(?:{_MARK}){{0,5}}(?:{_MARK}|\W{{1,3}})?"
    r"(?:(?:[a-z]:)?[~.]{0,2}[\\/]\S*|\w{2,10}://\S+|(?:[\w.@-]{1,100}[\\/]){1,20}[\w.@-]{1,100}\.\w{1,8}|[\w.@-]{1,100}\.log"
    r"|(?:(?:\d{1,3}\.){3}\d{1,3}|localhost)(?::\d{1,5})?(?:/\S*)?)(?::\d{1,6}){0,2}[.,;:)\]'\"]{0,3}$",
    re.IGNORECASE,
)
# What failed in these words is what went wrong; anything else that "failed" did for a reason that is told above it.
_FAILS_OF_ITSELF = (
    r"(?!.*\b(?:auth|connect|verif|handshake|validat|assert|look(?:up|ing)|resol|checksum|integrity|signature|log-?in|permission|"
    r"alloc|certificate|dns|ssl|tls|request|fetch|download|clon|mount|pars|decod|read|writ|open|import|load|lock|constraint|cast|"
    r"conver|negotiat|transaction|network|health|check|malloc|mmap|mkdir|fork|spawn|copy))"
)
# What another error came to, said by what runs the tool.
_FRAME = re.compile(
    r"^\W*(?:exiting with |error:: aborting)|"
    r"exit(?:ed)?(?: with)?(?: non-?zero)? (?:exit )?(?:code|status)|exit code:? \d|non-?zero (?:exit )?(?:code|status)|did not complete successfully"
    r"|command (?:failed|\S+ failed)|failed to push some refs|pre-receive hook|\[remote rejected\]|^error occurs in the|an? error occurred while (?:installing|running)|^\W*(?:\[\w+\] )?push (?:rejected|failed)"
    r"|this error happened while|an? (?:unexpected )?error (?:has )?occurred\W*$|(?:errors? (?:occurred|during|while)|error during) (?:\w+ ){0,3}\w+[:.]?$"
    r"|failed to compile\W*$|compilation failed\W*$|(?:build|compile|installation|deployment|task|test)s? (?:has )?failed\b.{0,40}$"
    r"|^\W*(?:> )?(?:build|compile) (?:error occurred|aborted)|found \d+ errors?|\d+ errors? (?:generated|found|occurred)|\bwith \d+ errors?\b"
    r"|could not compile .* due to|aborting due to|could not compile dependency|found incompatible module|recursive_run_first_fail"
    r"|error encountered while|^! +error while running|failed to install (?:gems|dependencies|packages)|^tests?: +\d+ failed|failed to (?:execute goal|build:|solve:|run `)|error evaluating|^Errors? running\b|returned an error\W*$"
    r"|^gyp ERR! (?:build|configure) error|subprocess-exited-with-error|: finished with status 'error'$|^generated code for|metadata-generation-failed|^malformed\b.{0,60}$"
    r"|additionally, handling the error|exiting the build|worker exited|please try again|^rake aborted!$|for help visit|error occurred prerendering|^Tasks: TOP"
    r"|^\W*(?:npm err(?:!|or) )?exit status|\bexit(?:s|ed|ing)? with (?:an? )?(?:error|failure|-?\d+)\W*$|\breturned -?\d{1,4}\W*$"
    rf"|^{_FAILS_OF_ITSELF}\W*(?:[\w./@-]{{1,60}}[:\])]? ){{1,7}}(?:(?:has|have) )?(?:failed|aborted)[.!]{{0,3}}$"
    r"|\bfailed to (?:compile|precompile|build|install|deploy|start|run|execute|complete|finish|launch|boot|bundle|generate|"
    r"process|push|release|prepare)(?: [\w.@/-]{1,60}){0,5}[.!]{0,3}$"
    r"|^error in \S{1,300}(?: \(\S{1,300}\))?(?: from [\w./@-]{1,60}(?: plugin)?| \d{1,6}:\d{1,6}\S{0,12})?:?$|^module build failed\W.{0,240}:$"
    r"|^\S{1,200}\.\w{1,8} from [\w ]{1,40} plugin$",
    re.IGNORECASE,
)
# A bundler about the sentence below: whose file it is, and which of its parts says it.
_OF_A_PART = re.compile(
    r"^(?:ERROR in \S{1,200} from [\w./@-]{1,60}(?: plugin)?|\S{1,200}\.\w{1,8} from [\w ]{1,40} plugin)$"
)
_HEADS_AN_ERROR = re.compile(
    r"^ERROR in \S{1,300}(?: \(\S{1,300}\))?(?: \d{1,6}:\d{1,6}\S{0,12})?:?$|^Module build failed\W.{0,240}:$"
)
# Cargo and others write each cause below such a line.
_CAUSES = re.compile(r"^Caused by:$")
_OF_SYNTAX = re.compile(r"\b(?:SyntaxError|IndentationError|TabError): ")
_READ_BY_PYTHON = re.compile(r"^File \"(.{1,200})\", line (\d+)")
_LEADS_ON = re.compile(r"^thread '.*' panicked at .*:$")
# A sentence that goes on from the line before.
_GOES_ON = re.compile(r"^(?:and|or|but|so|because|which|that|then) ")
_HEADING = re.compile(r"[\w)'\"`]:$")
_ITEM = re.compile(r"^(?:[-*\u2022]|\d{1,2}[.)]) \S")
_SOURCE = r"(?:\./|/|[A-Za-z]:[\\/])?[\w@./\\\[\]()+-]{1,200}\.\w{1,8}"
# A file before what is said of it, as bundlers print it, and a place after it, as compilers do.
_FILE_BEFORE = re.compile(rf"^(?:ERROR in )?(?=\S{{0,200}}/)({_SOURCE}(?:[: ]\d+:\d+)?):?$")
_PLACE_AFTER = re.compile(
    rf"^(?:(?:file|location|at file|in file)\b(?!://):? ?|(?:at )?file://|-+> ?|,?-?\[)?({_SOURCE}:\d+:\d+)[\]:]?$",
    re.IGNORECASE,
)
# An error of a compiler, which names the place first: of several the first is the cause of others.
_OF_A_COMPILER = re.compile(rf"^{_SOURCE}(?::\d+(?::\d+)?|\(\d+,\d+\)):? .{{0,20}}\b(?:error|fatal)\b", re.IGNORECASE)
# Where a program was when it broke; a trace may be longer than all that is looked at.
_OF_A_TRACE = re.compile(
    r"^\[?at \S|^from \S+:\d+|^\.\.\. \d+ (?:more|common frames)|^File \".*\", line \d+|^#\d+ |^goroutine \d+ \[|^\d+: 0x|"
    r"^\S+\.(?:go|rs|cc?|exs?|erl|rb|php):\d+(?::\d+)?(?:\s+\+0x[0-9a-f]+)?$|^[\w./*()-]+\(.*\)$|^\S{1,300}:\d{1,6}:in [`'][^`'\n]{1,200}'$"
    r"|^(?:new |async )?(?!\w*(?:Error|Exception) )[\w.$<>]{1,120} \(\S{1,200}:\d{1,6}\)$|^\(\w{1,40}\):\d{1,6}(?::\d{1,6})?$|^[\^~\s|.{}()\[\],;-]+$"
)
# Lines of a source that are quoted: behind their number, or what a trace was at.
_CODE = re.compile(
    r"^>{0,3} ?\d{1,5} ?[|:] |^>{0,3} ?\d{1,5} ?\|$|^\|\s*[\^~_-]|^(?:raise|throw|return|yield|await|const|let|var|import|export) \w"
)
_QUOTED_BY_PYTHON = re.compile(r"^File \".*\", line \d+")


def telling_line(text: str) -> str:
    """The line of a log's end that best says what went wrong, at most 300 characters, "" where there is none: of its
    last lines that are no stack trace, no source and no advice the last of those that state an error most closely; where
    they only say that something failed, of those above. What only leads to it, or says where it is, is added.
    """
    raw = text.split("\n")[-_RAW_LINES_SEARCHED:]
    near = [line[:_MOST_OF_A_LINE] for line in bare_lines("\n".join(raw)) if line] or [
        line for each in raw if (line := visible(each))
    ]
    if said := next((line for line in reversed(near) if _OUT_OF_STEP.search(line)), None):
        return shortened(said)
    places = [at for at in range(len(near)) if not _is_quoted(at, near)]
    weights = {at: _NOTHING if _is_advice(at, near) else _weight_among(at, near) for at in places}
    last = _last_ones(places, weights, near)
    if not last:
        return shortened(near[-1] if near else "")
    best = max(last, key=lambda at: (weights[at], at))
    if weights[best] == _FRAMES:
        best = _of_frames(places, weights, near)
    return shortened(_with_others(_first_of_its_kind(best, places, near), near))


def is_error(line: str) -> bool:
    """Whether it says that something is wrong, and is no frame around that."""
    return _weight(line) >= _LOOKS


def _last_ones(places: Sequence[int], weights: dict[int, int], near: Sequence[str]) -> list[int]:
    """The last lines that say something; an error that is said again counts once."""
    last: list[int] = []
    seen: set[str] = set()
    for at in reversed(places):
        if weights[at] <= _NOTHING or near[at] in seen:
            continue
        if weights[at] > _PLAIN:
            seen.add(near[at])
        last.append(at)
        if len(last) == _LINES_SEARCHED:
            break
    return last or list(places)


def _of_frames(places: Sequence[int], weights: dict[int, int], near: Sequence[str]) -> int:
    """The nearest error above, where the last lines only say that something failed; else the frame that states most."""
    errors = [at for at in places if weights[at] >= _LOOKS]
    if errors:
        nearest = _last_ones([at for at in places if at <= errors[-1]], weights, near)
        return max(nearest, key=lambda at: (weights[at], at))
    frames = [at for at in places if weights[at] == _FRAMES]
    return max(frames, key=lambda at: (_unframed(near[at]), at))


def _is_quoted(at: int, near: Sequence[str]) -> bool:
    line = near[at]
    of_python = at > 0 and _QUOTED_BY_PYTHON.search(near[at - 1]) and not _STATES_AN_ERROR.search(line)
    return bool(_OF_A_TRACE.search(line) or _CODE.search(line) or of_python)


def _is_advice(at: int, near: Sequence[str]) -> bool:
    """Whether it is in a list below a heading that tells nothing."""
    above = next((line for line in reversed(near[max(0, at - 8) : at]) if not _ITEM.search(line)), "")
    return bool(_ITEM.search(near[at]) and _SAYS_NOTHING.search(above))


def _weight_among(at: int, near: Sequence[str]) -> int:
    """The weight of a line where it stands: below the heading of an error it states one."""
    weight = _weight(near[at])
    if weight <= _NOTHING or weight == _FRAMES or at == 0:
        return weight
    headed = _OF_A_PART.search(near[at - 1]) or _HEADS_AN_ERROR.search(near[at - 1])
    return max(weight, _weight(f"error: {near[at]}")) if headed else weight


def _weight(line: str) -> int:
    if _OF_THE_LOG.search(line) or _ONLY_A_PLACE.search(line):
        return _LESS_THAN_NOTHING
    if _SAYS_NOTHING.search(line):
        return _NOTHING
    if _FRAME.search(line):
        return _FRAMES
    return _unframed(line)


def _unframed(line: str) -> int:
    if _STATES_AN_ERROR.search(line):
        weight = _STATES
    elif _LOOKS_LIKE_AN_ERROR.search(line) or _CAUSED.search(line):
        weight = _LOOKS
    else:
        return _PLAIN
    caused = _MOST_DETAILS if _CAUSED.search(line) else 0
    return weight + min(_MOST_DETAILS, caused + sum(bool(detail.search(line)) for detail in _DETAILS))


def _first_of_its_kind(best: int, places: Sequence[int], near: Sequence[str]) -> int:
    if not _OF_A_COMPILER.search(near[best]):
        return best
    return next(at for at in places if _OF_A_COMPILER.search(near[at]))


def _with_others(at: int, near: Sequence[str]) -> str:
    """The line with its heading, with what it leads to, and with the file and place that it is about."""
    line = near[at]
    if at > 0 and _OF_A_PART.search(near[at - 1]):
        return f"{near[at - 1]} {line}"
    if _GOES_ON.search(line):
        begins = next((n for n in range(at - 1, max(-1, at - 5), -1) if not _GOES_ON.search(near[n])), at)
        return " ".join(near[begins : at + 1])
    if _ITEM.search(line):
        heading = next((other for other in reversed(near[max(0, at - 4) : at]) if not _ITEM.search(other)), "")
        return f"{heading} {line}" if _HEADING.search(heading) else line
    if _LEADS_ON.search(line) or _HEADING.search(line):
        follow = (other for other in near[at + 1 : at + 4] if _weight(other) > _NOTHING or _ONLY_A_PLACE.search(other))
        return " ".join([line, *(other for other, _ in zip(follow, range(2), strict=False))])
    causes = [n for n in range(max(1, at - 2), min(at + 3, len(near))) if _CAUSES.search(near[n])]
    if causes:
        return " ".join(near[causes[0] - 1 : max(at, causes[0] + 1) + 1])
    if _OF_SYNTAX.search(line):
        read = (found for other in reversed(near[max(0, at - 4) : at]) if (found := _READ_BY_PYTHON.search(other)))
        return next((f"{line} ({found[1]}:{found[2]})" for found in read), line)
    if _DETAILS[2].search(line):
        return line
    if at > 0 and (file := _FILE_BEFORE.match(near[at - 1])):
        return f"{file[1]} {line}"
    after = near[at + 1 : at + 1 + _LINES_FOR_A_PLACE]
    place = next((found[1] for other in after if (found := _PLACE_AFTER.match(other))), None)
    return f"{line} ({place})" if place else line
