"""Applications that end as they start: their servers' lines, what they may not write, and settings that do not do."""

from __future__ import annotations

from headway.kernel.failures.rule import Phase, Rule, rule

_START = Phase.START
_LINE = "headway apps set APP --start LINE"

_SERVERS = (
    rule(
        r"^.{0,80}WORKER TIMEOUT \(pid:\d{1,8}\).{0,40}",
        "a worker of gunicorn did not answer within its time: mostly it loads, or asks something that does not answer",
        "give it longer (headway env set APP GUNICORN_CMD_ARGS='--timeout 120'), or load less while it starts",
        phase=_START,
    ),
    rule(
        r"^.{0,80}Connection in use: \('[^'\n]{1,60}', \d{1,5}\).{0,40}",
        "it listens on a port of its own, which another program holds",
        "let it listen on the port of the variable PORT (--bind 127.0.0.1:$PORT): " + _LINE,
        phase=_START,
    ),
    rule(
        r"^.{0,80}(?:Error: No such (?:command|option)|Got unexpected extra argument|error: unrecognized arguments|error: the following arguments are required|"
        r"error: invalid choice|Error: Missing (?:argument|option|command)|unknown (?:option|command|flag)|Unknown (?:argument|command)|flag provided but not defined).{0,160}",
        "the program that is started does not know its line",
        f"mend it: {_LINE}",
        phase=_START,
    ),
    rule(
        r"^.{0,80}No module named (?P<what>[\w.]{1,60})\.__main__.{0,120}",
        "{what} is a package that cannot be started by its name",
        "name what it is started by: headway apps set APP --start 'python -m {what}.MODULE'",
        phase=_START,
    ),
    rule(
        r"^(?!\s{0,8}throw ).{0,80}ERR_IMPORT_(?:ATTRIBUTE|ASSERTION)_\w{1,30}.{0,200}|^.{0,40}SyntaxError: Unexpected (?:identifier|token) '?(?:assert|with)'?.{0,40}",
        "JSON is imported otherwise than this Node wants it",
        "write import x from './x.json' with {{ type: 'json' }} ('with' and not 'assert', from Node 18.20 and 20.10 on), and commit",
        phase=_START,
    ),
    rule(
        r"^.{0,80}Cannot find module '[^'\n]{0,200}\.next/[^'\n]{1,160}'.{0,100}",
        "Next is started without what 'next build' writes, or with the rest of another",
        "headway apps set APP --build 'npm run build' --start 'npx next start'",
        phase=_START,
    ),
    rule(
        r"^.{0,80}\"next start\" does not work with \"output: (?P<what>standalone|export)\".{0,120}",
        "next.config says output: '{what}', which is not started by 'next start'",
        "take that out, or (standalone) headway apps set APP --start 'node .next/standalone/server.js', (export) headway apps set "
        "APP --publish out",
        phase=_START,
    ),
    rule(
        r"^.{0,80}Dynamic require of \"(?P<what>[^\"\n]{1,80})\" is not supported.{0,40}",
        "what was bundled as ES modules calls require for {what}",
        "bundle it as CommonJS (esbuild --format=cjs, tsup format: ['cjs']), or leave that package out of the bundle, and commit",
        phase=_START,
    ),
)
_WRITING = (
    rule(
        r"^.{0,160}(?:\[Errno 30\] Read-only file system|EROFS: read-only file system|\[Errno 13\] Permission denied|EACCES: permission denied, (?:mkdir|open|unlink|rename|copyfile|scandir)):? ?,?(?: \w{1,12})? ?'(?P<file>[^'\n]{1,200})'.{0,60}",
        "{file} lies where an application may not write",
        "let it write in the folder that DATA_DIR names (a setting of it, or a variable: headway env set APP NAME='$DATA_DIR/...'), "
        "logs to the standard output",
        phase=_START,
        last=True,
    ),
)
_SETTINGS = (
    rule(
        r"^.{0,80}validation errors? for (?P<what>\w{0,40}(?:Settings|Config|Configuration|Env|Environment)\w{0,20})\n(?P<name>\w{1,60})\n(?!.{0,20}[Ff]ield required)(?P<why>.{1,200})",
        "the variable {name} is not as the settings want it",
        "headway env set APP {name}=... (in capitals): the line says what it has to be",
        phase=_START,
        last=True,
    ),
    rule(
        r"^.{0,80}ValueError: (?:invalid literal for int\(\) with base 10|could not convert string to float|Invalid truth value|Invalid format string): ?.{0,120}",
        "a value that has to be a number is none: mostly a variable that is set to nothing, or to '$PORT' as it stands",
        "set it (headway env set APP NAME=...), or write the line so that a shell reads it: headway apps set APP --start \"sh -c '...'\"",
        phase=_START,
        last=True,
    ),
    rule(
        r"^.{0,160}['\"]\$\{?(?P<name>[A-Z][A-Z0-9_]{1,40})\}?['\"] is not (?:a )?(?:valid|an?|in)\b.{0,80}|"
        r"^.{0,160}(?:invalid (?:int|float|integer|port)\b.{0,30}: |[Ii]nvalid (?:value|argument|port)\b.{0,40}|not a valid (?:port|integer|number)\b.{0,20})"
        r"['\"]?\$\{?(?P<one>[A-Z][A-Z0-9_]{1,40})\}?['\"]?.{0,80}",
        "${name} stands in the line as it is written: no shell has put its value there",
        "take the quotes around it away, or let a shell read the line: headway apps set APP --start \"sh -c 'COMMAND --port ${name}'\"",
        phase=_START,
    ),
    rule(
        r"^.{0,80}You must set settings\.ALLOWED_HOSTS if DEBUG is False.{0,40}",
        "the settings have no name that Django answers to",
        "let ALLOWED_HOSTS be read from a variable (headway env set APP ALLOWED_HOSTS=...), and commit",
        phase=_START,
    ),
    rule(
        r"^.{0,80}(?:AppRegistryNotReady: .{0,120}|Model class \S{1,100} doesn't declare an explicit app_label.{0,120})",
        "a model of Django is imported before Django is ready, or its application is not in INSTALLED_APPS",
        "start it by the module of wsgi (gunicorn PROJECT.wsgi) or call django.setup() before, or add it there, and commit",
        phase=_START,
        last=True,
    ),
    rule(
        r"^.{0,80}(?:TemplateDoesNotExist|jinja2\.exceptions\.TemplateNotFound): (?P<file>\S{1,160})",
        "the template {file} is not in the release, or not where it is looked for",
        "commit it, mend its folder (TEMPLATES 'DIRS', template_folder), or let the build write it: headway apps set APP --build LINE",
        phase=_START,
        last=True,
    ),
    rule(
        r"^.{0,80}(?:StreamlitSecretNotFoundError|No secrets (?:files )?found\. Valid paths for a secrets\.toml).{0,160}|^.{0,40}KeyError: 'st\.secrets has no key \"(?P<name>\w{1,60})\".{0,120}",
        "Streamlit reads .streamlit/secrets.toml, which is not in the repository",
        "read os.environ in its place, and set what it has: headway env set APP NAME=...",
        phase=_START,
    ),
    rule(
        r"^.{0,80}(?:dotenv-safe\] |MissingEnvVarsError: ).{0,200}",
        "some variables that .env.example has are not set",
        "headway env set APP NAME=... for those that the line names",
        phase=_START,
    ),
    rule(
        r"^.{0,80}(?:Failed to load env(?:ironment)? (?:from|file)|(?:Cannot|Could not|Unable to) (?:find|load|read) (?:the )?\.env\b).{0,120}",
        "a script reads its variables from a file that is not in the repository",
        "leave the file out, and set what it has: headway env set APP NAME=VALUE, or all of it by --env-file of 'headway deploy'",
        phase=_START,
    ),
)
_FRAMEWORKS = (
    rule(
        r"^.{0,80}Conflict: terminated by other getUpdates request.{0,120}",
        "the bot runs a second time somewhere, and Telegram serves one",
        "stop the other (a developer's, another machine's): each has to have a token of its own",
        phase=_START,
    ),
    rule(
        r"^.{0,80}Nest can't resolve dependencies of (?P<what>.{1,160})",
        "a module of Nest lacks what one of its classes asks for",
        "import the module that has it, or add it to 'providers' and 'exports', and commit",
        phase=_START,
    ),
    rule(
        r"^.{0,80}(?:Missing parameter name at (?:index )?\d{1,4}|Unexpected (?:\?|\*|\+) at \d{1,4}|Router\.use\(\) requires a middleware function|(?:app|Router)\.\w{2,10}\(\) requires a (?:callback|middleware) function|"
        r"Route\.\w{2,10}\(\) requires a callback function).{0,160}",
        "a route of Express is not as this version of it wants it",
        "mend it at the place that the stack names ('*' is '/*splat' from Express 5 on), or pin express to 4, lock again and commit",
        phase=_START,
        last=True,
    ),
    rule(
        r"^.{0,80}Redis connection to \S{1,100} failed.{0,120}|^.{0,80}Timed out waiting for: (?:tcp:|https?:)\S{1,120}|^.{0,80}(?:wait-for-it|wait-for|dockerize).{0,40}(?:timeout occurred|[Tt]imed out).{0,120}",
        "a server that it asks does not listen where it looks",
        "make one (headway databases create), and name it in the variable that it reads: headway env set APP DATABASE_URL=... (or "
        "REDIS_URL=...)",
        phase=_START,
    ),
    rule(
        r"^.{0,80}(?:needs websockets|No supported WebSocket library detected|requires? (?:the )?[`'\"]?(?P<what>websockets|wsproto)[`'\"]?).{0,120}",
        "the server lacks a library for WebSockets",
        "add uvicorn[standard] (or websockets) to the requirements, lock again and commit",
        phase=_START,
    ),
    rule(
        r"^.{0,80}AttributeError: (?:module 'numpy' has no attribute '\w{1,40}'|`np\.\w{1,40}` was removed in the NumPy).{0,160}",
        "the source, or a package, is for an older NumPy",
        "write numpy<2 (or the version that fits) in the requirements, lock again and commit",
        phase=_START,
        last=True,
    ),
)
# What is said after another, and alone tells little.
_SINGLE = (
    rule(
        r"^.{0,80}(?:UnhandledPromiseRejection|ERR_UNHANDLED_REJECTION).{0,200}",
        "a promise fails that nobody waits for, by which Node ends",
        "look at the lines above for what failed; mostly a server or a variable that it needs is not there",
        phase=_START,
    ),
    rule(
        r"^.{0,80}(?:RecursionError: |RangeError: Maximum call stack size exceeded).{0,120}",
        "something calls itself without end",
        "mend it at the place that the stack names, or take the versions that fit each other, lock again and commit",
        phase=_START,
        last=True,
    ),
    rule(
        r"^.{0,80}Failed to collect page data for (?P<what>[^\s\]]{1,120}).{0,40}|^.{0,40}Export encountered errors on following paths:(?:\n.{1,160})?",
        "Next runs its pages while it builds, and one fails",
        "see what stands above it: mostly a variable is not set (headway env set APP NAME=...), or a server does not answer; "
        "export const dynamic = 'force-dynamic' puts it off",
        phase=Phase.BUILD,
        frame=True,
    ),
)

RULES: tuple[Rule, ...] = (*_SERVERS, *_WRITING, *_SETTINGS, *_FRAMEWORKS)
GENERAL: tuple[Rule, ...] = _SINGLE
