"""Node and Python that are older or newer than a source, and modules that do not fit each other's kind."""

from __future__ import annotations

from headway.kernel.failures.rule import Phase, Rule, rule

_NODE = "ask for a newer Node: headway apps set APP --use node=22"
_SET = "headway env set APP NAME=..."

RULES: tuple[Rule, ...] = (
    rule(
        r"^.{0,80}SyntaxError: Unexpected token '?(?:\?\?=|\|\|=|&&=|\?|\.|\?\.|static|#\w{0,30})'?$|"
        r"^.{0,80}(?:ReferenceError: (?:fetch|structuredClone|Blob|FormData|ReadableStream|File|Headers|CustomEvent) is not defined|"
        r"No such built-in module: node:|Cannot find module 'node:|(?:replaceAll|Object\.hasOwn|findLast|toSorted|styleText|at) is not a function).{0,120}",
        "it is written for a newer Node than this one",
        _NODE,
        last=True,
    ),
    rule(
        r"^.{0,80}(?:does not provide an export named '(?P<what>[^'\n]{1,60})'|Named export '(?P<one>[^'\n]{1,60})' not found).{0,200}",
        "a module has no {what}: mostly it is of CommonJS, or another version than the source is for",
        "import it whole (import x from 'NAME'; const {{ {what} }} = x), or pin the version that fits, and commit",
        last=True,
    ),
    rule(
        r"^.{0,80}(?:ERR_PACKAGE_PATH_NOT_EXPORTED|Package subpath '[^'\n]{1,120}' is not defined by \"exports\"|No \"exports\" main defined|Missing \"[^\"\n]{1,120}\" specifier in \"[^\"\n]{1,100}\" package).{0,200}",
        "a package does not let this part of it be imported: mostly another version than the source is for",
        "mend the import (its package.json has under 'exports' what may be imported), or pin the version that fits in "
        "package.json, lock again, and commit",
        last=True,
    ),
    rule(
        r"^.{0,80}(?:ERR_UNSUPPORTED_DIR_IMPORT|Directory import '[^'\n]{1,200}' is not supported).{0,200}",
        "an ES module names a file, and no folder",
        "write the whole name in the import ('./shop/index.js'), or let a bundler build it, and commit",
        last=True,
    ),
    rule(
        r"^(?P<line>File \"[^\"\n]{1,200}\", line \d{1,6}\n"
        r"(?:match \S.{0,100}:|(?:.{0,100}[^:=])?:=.{0,100}|except ?\*.{0,100}|type \w{1,40}(?:\[.{1,60}\])? = .{0,100}|"
        r"(?:(?:async )?def|class) \w{1,60}\[.{0,100}|with \(.{0,100})\n[\^~ ]{1,200}\nSyntaxError: .{1,80})",
        "it is written for a newer Python than this one",
        "ask for it: headway apps set APP --use python=3.12 (or write requires-python in pyproject.toml)",
        last=True,
    ),
    rule(
        r"^.{0,80}TypeError: unsupported operand type\(s\) for \|: .{0,120}|^.{0,80}TypeError: '(?:type|ABCMeta)' object is not subscriptable|"
        r"^.{0,80}SyntaxError: future feature annotations is not defined.{0,60}|^.{0,80}ModuleNotFoundError: No module named '(?:tomllib|zoneinfo|graphlib)'.{0,40}|"
        r"^.{0,80}ImportError: cannot import name '(?:Self|override|StrEnum|TypeAlias|ParamSpec|Annotated|Never|LiteralString|UTC|TaskGroup)' from '(?:typing|enum|datetime|asyncio)'.{0,100}",
        "it is written for a newer Python than this one",
        "ask for it: headway apps set APP --use python=3.12 (or write requires-python in pyproject.toml)",
        last=True,
    ),
    rule(
        r"^.{0,80}ImportError: cannot import name '\w{1,40}' from '(?P<module>collections|typing|inspect|fractions|asyncio|cgi|imp|distutils)[\w.]{0,40}'.{0,120}|"
        r"^.{0,80}ModuleNotFoundError: No module named '(?P<one>cgi|imp|asyncore|asynchat|smtpd|telnetlib|crypt|pipes|imghdr|sndhdr|audioop|nntplib)'.{0,40}",
        "a package uses {module} as older Pythons have it",
        "take a newer release of it, or ask for the Python that it is for: headway apps set APP --use python=3.11",
        last=True,
    ),
    rule(
        r"^.{0,80}AttributeError: async$|^KeyError: 'async'$",
        "a package has a name that Python keeps to itself since 3.7",
        "take newer releases (celery 4.3, redis 3, kombu 4.6 and later) in the requirements, lock again and commit",
        last=True,
    ),
    rule(
        r"^.{0,80}TypeError: .{0,120}(?:got an unexpected keyword argument '(?P<what>\w{1,40})'|takes \d{1,2} positional arguments? but \d{1,2} (?:was|were) given|missing \d{1,2} required (?:positional|keyword-only) arguments?).{0,100}",
        "a library is called otherwise than the installed version wants it: mostly two versions that do not fit",
        "pin those that fit in the requirements (openai before 1.55: httpx<0.28), lock again and commit",
        phase=Phase.START,
        last=True,
    ),
    rule(
        r"^.{0,80}ImportError: attempted relative import (?:with no known parent package|beyond top-level package).{0,60}",
        "a file of a package is started as if it stood alone",
        "start it as a module from above: headway apps set APP --start 'python -m PACKAGE.MODULE'",
        last=True,
    ),
    rule(
        r"^.{0,80}class uri '?(?P<what>[\w.]{1,60})'? invalid or not found.{0,60}",
        "gunicorn is told a kind of worker that is not installed",
        "add what brings it to the requirements (uvicorn for uvicorn.workers, gevent, eventlet), lock again and commit",
    ),
    rule(
        r"^.{0,80}AttributeError: 'NoneType' object has no attribute '(?P<what>\w{1,40})'.{0,60}|^.{0,80}TypeError: (?:argument of type 'NoneType' is not|'NoneType' object is not|expected (?:str|string), .{0,40}NoneType|int\(\) argument must be .{0,80}NoneType).{0,120}",
        "a value that the program needs is not there, mostly since the variable that has it is not set",
        f"set it ({_SET}): the line above names what is read",
        phase=Phase.START,
        last=True,
    ),
    rule(
        r"^.{0,80}TypeError: Cannot (?:read propert(?:y|ies) (?:'(?P<what>\w{1,40})' )?of|destructure property '(?P<one>\w{1,40})' of .{0,60} as it is) (?:undefined|null).{0,100}|"
        r"^.{0,80}TypeError(?: \[\w{1,40}\])?: The \"(?:path|url|key|data|string|secretOrPrivateKey)\" argument must be .{0,60}(?:Received undefined|undefined$).{0,60}",
        "a value that the program needs is not there, mostly since the variable or the file that has it is not",
        f"set it ({_SET}, as .env.example has it), or mend the place that the stack names",
        phase=Phase.START,
        last=True,
    ),
    rule(
        r"^.{0,80}(?:There is no current event loop|no running event loop).{0,100}",
        "a library is older than this Python",
        "take a newer release of it, or an older Python: headway apps set APP --use python=3.11",
        last=True,
    ),
    rule(
        r"^.{0,80}(?:Invalid value: File does not exist|The main module file does not exist|The file `?[\w./-]{1,120}`? does not exist).{0,160}",
        "the file that is started is not in the release",
        "name the right one: headway apps set APP --start LINE",
    ),
    rule(
        r"^.{0,80}(?:Fatal Python error: init_(?:import_site|fs_encoding)|Could not find platform independent libraries).{0,100}",
        "Python does not find its own library: PYTHONHOME or PYTHONPATH leads it elsewhere",
        "headway env unset APP PYTHONHOME (and PYTHONPATH)",
    ),
)
GENERAL: tuple[Rule, ...] = ()
