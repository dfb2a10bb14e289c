"""Programs that start or serve: what Python, Node and their servers say as they end, and what they lack to begin."""

from __future__ import annotations

from headway.kernel.failures.rule import Phase, Rule, rule

_START = Phase.START
_PORT = "let it listen on the port of the variable PORT (process.env.PORT, os.environ['PORT'])"
_LINE = "headway apps set APP --start LINE"

_SERVERS = (
    rule(
        r"^.{0,80}Failed to find attribute '(?P<what>[^'\n]{1,60})' in '(?P<module>[^'\n]{1,80})'.{0,20}|"
        r"^.{0,80}Attribute \"(?P<one>[^\"\n]{1,60})\" not found in module \"(?P<two>[^\"\n]{1,80})\".{0,20}",
        "the server is told another name than the application has in its module",
        "name the right one: headway apps set APP --start 'gunicorn MODULE:NAME --bind 127.0.0.1:$PORT' (uvicorn: --port $PORT)",
    ),
    rule(
        r"^.{0,80}(?:Error loading ASGI app\. Could not import module|Could not import module) \"(?P<what>[^\"\n]{1,80})\".{0,20}",
        "the folder that is started has no module {what}",
        "name the one that has the application, with its folder (app/main.py is app.main): headway apps set APP --start 'uvicorn "
        "FOLDER.MODULE:app --port $PORT'",
    ),
    rule(
        r"^.{0,80}(?:Could not locate a Flask application|Failed to find Flask application or factory|Could not import '[^'\n]{1,60}').{0,160}",
        "Flask does not find the application",
        "headway env set APP FLASK_APP=MODULE:NAME, or: headway apps set APP --start 'gunicorn MODULE:NAME --bind "
        "127.0.0.1:$PORT'",
    ),
)
_PORTS = (
    rule(
        r"^.{0,100}(?:EADDRINUSE|EADDRINUSE: address already in use|address already in use|Address already in use|Port \d{2,5} is (?:already )?in use)"
        r".{0,60}?:(?P<port>9229)\b.{0,40}|^Starting inspector on .{1,40} failed: address already in use.{0,20}",
        "it opens a debugger, and its port is taken",
        f"start it without --inspect: {_LINE}",
    ),
    rule(
        r"^.{0,100}(?:EADDRINUSE|[Aa]ddress already in use|Port \d{2,5} is (?:already )?in use|is in use by another program).{0,120}",
        "it listens on a port of its own, which another program holds",
        f"{_PORT}, or give it that port for itself: headway apps set APP --port N",
    ),
    rule(
        r"^.{0,80}(?:listen EACCES: permission denied|bind: permission denied|Permission denied.{0,20}bind|bind\(\) to .{1,40} failed \(13).{0,80}",
        "ports below 1024 are not open to applications",
        _PORT,
        phase=_START,
    ),
)
_PACKAGE = r"(?P<what>(?:@[\w.-]{1,60}/)?[\w.-]{1,60})"
_NODE = (
    rule(
        r"^.{0,160}: bad option: (?P<what>--?[\w-]{1,60})",
        "this Node does not know {what}",
        "take it out of the script, or ask for a Node that has it: headway apps set APP --use node=22",
    ),
    rule(
        r"^.{0,80}(?:System limit for number of file watchers reached|EMFILE: too many open files, watch).{0,120}",
        "what is started watches its files for changes, which a release never has",
        f"start it without watching ('node server.js' in place of nodemon or a dev server): {_LINE}",
    ),
    rule(
        r"^(?:SyntaxError: )?.{0,20}Cannot use import statement outside a module.{0,40}",
        "it is written as an ES module and read as CommonJS",
        'write "type": "module" in package.json (or name the file .mjs) and commit',
    ),
    rule(
        r"^.{0,80}(?:ERR_REQUIRE_ESM|require\(\) of ES Module|(?:require|module|exports|__dirname) is not defined in ES module scope).{0,200}",
        "CommonJS and ES modules are mixed",
        "use import in place of require there, or a release of the package that still has CommonJS, and commit",
    ),
    rule(
        r"^.{0,80}Unknown file extension \"\.tsx?\".{0,160}",
        "Node is given TypeScript that was not built",
        "build it and start what was built (headway apps set APP --build 'npx tsc' --start 'node dist/index.js'), or start it by tsx",
    ),
    rule(
        rf"^.{{0,80}}Cannot find module '(?:/|\./)[^'\n]{{0,240}}?/node_modules/{_PACKAGE}/[^'\n]{{1,200}}\.node'.{{0,200}}|"
        rf"^.{{0,80}}Could not locate the bindings file\. Tried:\n/.{{0,240}}?/node_modules/{_PACKAGE.replace('what', 'one')}/.{{1,160}}|"
        rf"^.{{0,80}}No native build was found for .{{1,200}}\nloaded from: /.{{0,240}}/node_modules/{_PACKAGE.replace('what', 'two')}$",
        "the compiled part of {what} is not there: mostly its install script did not run, as pnpm from 10 and npm from 12 on "
        "run only those that the repository allows",
        "allow it ('pnpm approve-builds', or 'npm install-scripts approve {what}') and commit what that wrote",
    ),
    rule(
        r"^.{0,80}Cannot find module '(?P<file>(?:/|\./|\.\./)[^'\n]{1,240})'.{0,200}",
        "a file is started or imported that is not in the release",
        f"let the build write it (headway apps set APP --build LINE), mend the name, or start another: {_LINE}",
    ),
    rule(
        r"^.{0,80}Cannot find (?:module|package) ['\"](?P<what>(?:@[\w.-]{1,60}/)?[\w-][\w.-]{0,60})(?:/[^'\"\n]{0,100})?['\"].{0,200}",
        "{what} was not installed",
        "add it to 'dependencies' ('npm install {what}', or your package manager's add), commit package.json and its lock file",
    ),
)
_VARIABLES = (
    rule(
        r"^KeyError: '(?P<name>[A-Z][A-Z0-9_]{2,60})'",
        "{name} is read from the environment and not set",
        "headway env set APP {name}=...",
    ),
    rule(
        r"^.{0,120}(?:Set|set) the (?P<name>[A-Z][A-Z0-9_]{2,60}) environment variable.{0,80}|"
        r"^.{0,120}The (?P<two>[A-Z][A-Z0-9_]{2,60}) setting must not be empty.{0,80}",
        "{name} is needed and not set",
        "headway env set APP {name}=... (and let the settings read it from the environment)",
    ),
    rule(
        r"^(?P<fields>[A-Za-z][A-Za-z0-9_]{1,60}\n[Ff]ield required.{0,200}"
        r"(?:\n(?:For further information .{1,160}|[A-Za-z][A-Za-z0-9_]{1,60}(?=\n[Ff]ield required)|[Ff]ield required.{0,200})){0,80})",
        "{listed} not set, which the settings want",
        "headway env set APP {given}",
    ),
    rule(
        r"^.{0,120}[Ee]nvironment variable:? [`'\"]?(?P<name>[A-Z][A-Z0-9_]{2,60})[`'\"]? (?:is |was )?(?:not |missing|required|must).{0,80}|"
        r"^.{0,80}(?:[Mm]issing|[Rr]equired|REQUIRED|MISSING|must set|[Nn]ot set|[Uu]ndefined(?! reference)).{0,40}?[`'\": ](?P<one>(?!ERR_|MODULE_NOT)[A-Z][A-Z0-9]{1,30}_[A-Z0-9_]{1,40})\b.{0,100}|"
        r"^.{0,80}[`'\"\[( ]?\b(?P<two>[A-Z][A-Z0-9]{1,30}_[A-Z0-9_]{1,40})[`'\"\])]? (?:is|was|must be|has to be|environment variable is) (?:not |missing|required|undefined|a (?:string|number|boolean|valid)|set\b|defined|empty|unset|provided).{0,100}",
        "{name} is needed and not set",
        "headway env set APP {name}=...",
    ),
    rule(
        r"^.{0,80}(?:Requested setting|settings are not configured|DJANGO_SETTINGS_MODULE).{0,200}",
        "Django does not know its settings",
        "headway env set APP DJANGO_SETTINGS_MODULE=PROJECT.settings",
    ),
    rule(
        r"^.{0,80}(?:using the staticfiles app without having set the STATIC_ROOT).{0,120}",
        "the static files have no folder to be collected in",
        "write STATIC_ROOT = BASE_DIR / 'staticfiles' in the settings and commit",
    ),
    rule(
        r"^.{0,80}Invalid HTTP_HOST header: '(?P<what>[^'\n]{1,120})'.{0,160}",
        "Django does not take requests for {what}",
        "let ALLOWED_HOSTS have it, from a variable: headway env set APP ALLOWED_HOSTS={what}",
    ),
    rule(
        r"^.{0,80}Blocked request\. This host .{0,200}|^.{0,80}This host .{1,100} is not allowed.{0,100}",
        "a server for development answers only names that it is told",
        "build it and start what was built, or let preview.allowedHosts have the name: headway apps set APP --build 'npm run build' --publish dist",
    ),
)
_REFUSED = r"(?:ECONNREFUSED|[Cc]onnection refused|ConnectionRefusedError)"
_DATABASES = (
    rule(
        r"^.{0,200}(?:password authentication failed for user|Access denied for user|WRONGPASS|NOAUTH Authentication required|Authentication failed\.$|no password supplied|no pg_hba\.conf entry).{0,160}",
        "the database does not take this name and password",
        "mend the variable that has them: headway env set APP DATABASE_URL=...",
    ),
    rule(
        r"^.{0,200}(?:relation \"[^\"\n]{1,80}\" does not exist|no such table: \S{1,80}|Table '[^'\n]{1,120}' doesn't exist|UndefinedTable|"
        r"The table `[^`\n]{1,120}` does not exist|You have \d+ unapplied migration).{0,160}",
        "the database lacks a table that a migration makes",
        "let migrations run before each release: headway apps set APP --release 'python manage.py migrate' (or npx prisma migrate deploy, "
        "alembic upgrade head)",
    ),
    rule(
        r"^.{0,200}(?:database \"[^\"\n]{1,80}\" does not exist|Unknown database '[^'\n]{1,80}').{0,120}",
        "the server has no database of that name",
        "make it, or mend the variable: headway env set APP DATABASE_URL=...",
    ),
    rule(
        r"^.{0,200}(?:could not translate host name|getaddrinfo (?:ENOTFOUND|EAI_AGAIN)|Name or service not known|Temporary failure in name resolution|"
        r"nodename nor servname|Could not resolve host|Can't reach database server at|no such host|Unknown (?:MySQL server )?host).{0,200}",
        "a server that it asks has a name that is not known here",
        "mend the variable that names it (the name of a container of another compose file is not known here): headway env "
        "set APP DATABASE_URL=...",
        phase=_START,
    ),
    rule(
        rf"^(?=.{{0,300}}\b6379\b).{{0,200}}{_REFUSED}.{{0,200}}",
        "it asks for Redis, which does not listen where it looks",
        "make one (headway databases create NAME --kind redis), and name it in the variable that it reads: headway env set APP "
        "REDIS_URL=...",
        phase=_START,
    ),
    rule(
        rf"^(?=.{{0,300}}\b27017\b).{{0,200}}{_REFUSED}.{{0,200}}",
        "it asks for MongoDB, which does not listen where it looks",
        "make one (headway databases create NAME --kind mongo), and name it in the variable that it reads: headway env set APP "
        "MONGODB_URI=...",
        phase=_START,
    ),
    rule(
        r"^.{0,200}(?:ECONNREFUSED|Connection refused|connection refused|ConnectionRefusedError|Can't connect to (?:local )?(?:MySQL )?server|MongoServerSelectionError|"
        r"ServerSelectionTimeoutError|Is the server running).{0,200}",
        "a server that it asks, mostly a database, does not listen where it looks",
        "make one (headway databases create), and name it in the variable that it reads: headway env set APP DATABASE_URL=...",
        phase=_START,
    ),
)
_PYTHON = (
    rule(
        r"^.{0,80}ModuleNotFoundError: No module named '(?P<what>[\w.]{0,60}\bsettings(?:\.\w{1,40}){0,3})'.{0,80}",
        "the settings module {what} is not in the release",
        "name the one that is there (headway env set APP DJANGO_SETTINGS_MODULE=PROJECT.settings, where manage.py or wsgi.py does not "
        "set it), or commit it (look at .gitignore)",
        last=True,
    ),
    rule(
        r"^.{0,80}ModuleNotFoundError: No module named '(?P<what>\w{1,60}(?:\.\w{1,60}){1,6})'(?:; .{0,80})?",
        "there is no module {what} in the release, nor in what was installed",
        "where it is your own, commit it or mend the import (Linux tells capitals apart; look at .gitignore); where it is a library's, "
        "take a version of that which has it in requirements.txt or pyproject.toml, lock again and commit",
        last=True,
    ),
    rule(
        r"^.{0,80}ModuleNotFoundError: No module named '(?P<what>[\w.]{1,80})'.{0,60}",
        "{what} was not installed, or is no module of the folder that is started",
        "add what brings it to requirements.txt or pyproject.toml, lock again and commit; for one of your own: headway apps "
        "set APP --start LINE",
        last=True,
    ),
    rule(
        r"^.{0,80}ImportError: cannot import name '(?P<what>[^'\n]{1,60})' from (?:partially initialized module )?'(?P<module>[^'\n]{1,80})'.{0,200}",
        "the {module} that was installed has no {what}: mostly versions that do not fit each other",
        "pin {module} in requirements.txt to a version that fits (a lock file keeps it so) and commit",
        last=True,
    ),
    rule(
        r"^.{0,80}(?:ZoneInfoNotFoundError|zoneinfo\._common\.ZoneInfoNotFoundError): .{0,120}",
        "the time zones are not there",
        "add tzdata to requirements.txt and commit",
    ),
    rule(
        r"^(?P<line>File \"[^\"\n]{1,200}\", line \d{1,6}\n.{1,200}\n[\^~ ]{1,200}\n(?:SyntaxError|IndentationError|TabError): .{1,200})|"
        r"^.{0,80}(?:SyntaxError|IndentationError|TabError): .{1,200}",
        "Python cannot read a file of the source",
        "mend it, or ask for the Python that it is written for (headway apps set APP --use python=3.12)",
        phase=_START,
        last=True,
    ),
    rule(
        r"^.{0,80}NameError: name '(?P<what>\w{1,60})' is not defined.{0,60}",
        "the source uses {what} and has it nowhere (in an annotation, Python reads that from 3.14 on when it is asked for)",
        "mend it, or ask for the Python that it is written for (headway apps set APP --use python=3.14)",
        phase=_START,
        last=True,
    ),
    rule(
        r"^.{0,120}\b(?:(?:secret_key|SECRET_KEY|[Ss]ecret [Kk]ey).{0,40}(?:not (?:been )?changed|must be changed)|"
        r"[Rr]efusing to start due to insecure SECRET_KEY).{0,200}",
        "it refuses the secret that its repository has, which everybody knows",
        "give it one of its own by the variable that it reads (headway env set APP SECRET_KEY=..., SEARXNG_SECRET=..., "
        "SUPERSET_SECRET_KEY=...)",
        phase=_START,
    ),
    rule(
        r"^.{0,200}\(postgres\.E005\) 'django\.contrib\.postgres' must be in INSTALLED_APPS.{0,200}",
        "its settings do not know the database for PostgreSQL's",
        "begin the address with postgres:// where they look for that (headway env set APP DATABASE_URL=postgres://...), or "
        "add 'django.contrib.postgres' to INSTALLED_APPS and commit",
    ),
    rule(
        r"^.{0,80}SystemCheckError: System check identified some issues:\n(?:ERRORS|CRITICALS?):\n(?P<what>.{1,300})$",
        "Django's own check refuses its settings or models",
        "correct what it names and commit; a variable that the settings read is set by headway env set APP NAME=VALUE",
    ),
    rule(
        r"^.{0,80}can't open file '?(?P<file>[^'\n]{1,240})'?: \[Errno 2\] No such file or directory",
        "the file that is started is not in the release",
        f"name the right one: {_LINE}",
    ),
)
_SINGLE = (
    rule(
        r"^FileNotFoundError: \[Errno 2\] No such file or directory: '(?P<file>[^'\n]{1,200})'|"
        r"^.{0,80}Error: ENOENT: no such file or directory, \w{1,12} '(?P<one>[^'\n]{1,200})'.{0,40}",
        "a file is read that is not in the repository",
        "commit it (look at .gitignore), let the build write it, or keep it in DATA_DIR if it is made while it runs",
        last=True,
    ),
)

RULES: tuple[Rule, ...] = (*_SERVERS, *_PORTS, *_NODE, *_VARIABLES, *_DATABASES, *_PYTHON)
GENERAL: tuple[Rule, ...] = _SINGLE
