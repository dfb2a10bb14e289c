"""What a machine says of itself: its disk, its memory, its network, and programs and libraries that it lacks."""

from __future__ import annotations

from collections.abc import Mapping

from headway.kernel.failures.rule import Phase, Rule, rule

_LIBRARIES: Mapping[str, str] = {
    r"libGL\.so\.1": "libgl1",
    r"libglib-2\.0\.so\.0|libgthread-2\.0\.so\.0|libgobject-2\.0(?:\.so)?(?:-0|\.0)?": "libglib2.0-0",
    r"libpq\.so\.5": "libpq5",
    r"libvips\S{0,12}": "libvips42",
    r"libgomp\.so\.1": "libgomp1",
    r"lib(?:nss3|nspr4|smime3)\.so": "libnss3",
    r"libatk\S{0,20}": "libatk1.0-0 libatk-bridge2.0-0",
    r"libmagic\S{0,8}": "libmagic1",
    r"libcairo\.so\.2|libcairo-2": "libcairo2",
    r"libpango\S{0,16}": "libpango-1.0-0 libpangoft2-1.0-0",
    r"libmariadb\.so\.3": "libmariadb3",
    r"libmysqlclient\.so\.\d+": "default-mysql-client-core libmysqlclient-dev",
    r"libsndfile\S{0,8}": "libsndfile1",
    r"libxml2\.so\.2": "libxml2",
    r"libodbc\.so\.2": "unixodbc",
    r"libatomic\.so\.1": "libatomic1",
    r"libsqlite3\.so\.0": "libsqlite3-0",
    r"libcurl\.so\.4": "libcurl4",
    r"libzbar\S{0,8}": "libzbar0",
}
_MISSING = r"(?:error while loading shared libraries: |ImportError: |OSError: |cannot load library '|Error: |Library )"

_MEMORY = (
    rule(
        r"^.{0,80}(?:No space left on device|ENOSPC: no space left|ENOSPC\b(?!: System limit)|Errno 28|disk quota exceeded|Disk quota exceeded).{0,120}|"
        r"^.{0,260}(?:No space left on device|ENOSPC: no space left).{0,60}",
        "the disk of the machine, or the share that a build may use, is full",
        "free some of it ('headway disk usage' shows what takes it, 'headway disk clean' removes what nobody needs), then "
        "deploy again",
        phase=Phase.BUILD,
    ),
    rule(
        r"^.{0,80}(?:JavaScript heap out of memory|Reached heap limit|invalid array length Allocation failed).{0,80}",
        "Node used more memory than its own bound",
        "raise it (headway env set APP NODE_OPTIONS=--max-old-space-size=4096) within the memory limit of the application",
    ),
    rule(
        r"^.{0,80}java\.lang\.OutOfMemoryError.{0,120}",
        "Java used more memory than its own bound",
        "raise it (headway env set APP JAVA_TOOL_OPTIONS=-Xmx1g) within the memory limit of the application",
    ),
    rule(
        r"^.{0,80}(?:MemoryError\b.{0,60}|Killed$|.{0,30}line \d+: +\d+ Killed .{0,120}|Killed(?: \(program .{1,40}\)|: 9)?$|.{0,60}was killed with signal \"?SIGKILL.{0,40}|.{0,40}signal: 9, SIGKILL.{0,40}|"
        r".{0,80}Cannot allocate memory.{0,40}|.{0,60}memory allocation of \d+ bytes failed|.{0,40}c\+\+: fatal error: Killed signal.{0,60}|"
        r".{0,100}std::bad_alloc.{0,20}|.{0,60}Command was killed with SIGKILL.{0,60}|.{0,60}\(out of memory\)?.{0,20}\bkilled\b.{0,40}|"
        r".{0,60}Worker \(pid:\d+\) was sent SIGKILL!.{0,40}|.{0,60}process exited too early\. This probably means the system ran out of memory.{0,100})",
        "it used more memory than there is for it",
        "let it use less, or raise its memory limit (headway apps set APP --memory SIZE, or HEADWAY_BUILD_MEMORY for builds)",
    ),
    rule(
        r"^.{0,80}(?:[Ss]egmentation fault|SIGSEGV|signal 11\b).{0,80}",
        "a compiled part of it broke: mostly a binary for another system, or a wrong version of a library",
        "install its packages anew from a clean lock file, or take another version of the language: headway apps set APP "
        "--use python=3.12 (or node=22)",
    ),
)
_SHARED = (
    *(
        rule(
            rf"^.{{0,160}}{_MISSING}(?:.{{0,40}})(?P<lib>{library})\b.{{0,200}}",
            "the machine lacks the library {lib}",
            f"on the machine: apt install {package}",
        )
        for library, package in _LIBRARIES.items()
    ),
    rule(
        r"^(?!raise ).{0,80}(?:Unable to find|[Ff]ailed to find|[Cc]ould not find|[Cc]annot find|The|no library called) (?:the )?['\"]?(?:lib)?"
        r"(?P<lib>zbar|magic|enchant|gdal|GDAL|geos|GEOS|sndfile|PortAudio|portaudio|cairo|pango|gobject|dmtx|usb)\b[\w.-]{0,12}['\"]?(?: shared| C)?"
        r"(?: library)?(?: (?:was )?not found| was found)?\b.{0,120}|"
        r"^.{0,40}OSError: (?P<one>sndfile|PortAudio) library not found.{0,60}",
        "the machine lacks the library {lib}",
        "on the machine: apt install {package}",
        quotes={
            "zbar": "libzbar0",
            "magic": "libmagic1",
            "enchant": "libenchant-2-2",
            "gdal": "gdal-bin",
            "GDAL": "gdal-bin",
            "geos": "libgeos-c1v5",
            "GEOS": "libgeos-c1v5",
            "sndfile": "libsndfile1",
            "PortAudio": "libportaudio2",
            "portaudio": "libportaudio2",
            "cairo": "libcairo2",
            "pango": "libpango-1.0-0 libpangoft2-1.0-0",
            "gobject": "libglib2.0-0",
            "dmtx": "libdmtx0b",
            "usb": "libusb-1.0-0",
        },
    ),
    rule(
        r"^.{0,160}(?:error while loading shared libraries: |ImportError: |OSError: |Error: )(?P<lib>lib[\w.+-]{1,60}\.so[\d.]{0,12}): cannot open shared object file.{0,60}",
        "the machine lacks the library {lib}",
        "install the Debian package that holds it: apt-file search {lib}",
    ),
    rule(
        r"^.{0,200}version `?(?P<what>GLIBC(?:XX)?_[\d.]{1,12})'? not found.{0,120}",
        "a binary is for a newer system than this machine",
        "build it here instead of committing it, or take a release of it for older systems",
    ),
    rule(
        r"^.{0,200}(?:Exec format error|exec format error|cannot execute binary file|ENOEXEC).{0,80}",
        "a file is no program of this processor, or a script without its first line",
        "build it on this machine or for linux/amd64, or begin the script with #!/bin/sh",
    ),
)
_PROGRAMS = (
    rule(
        r"^.{0,80}(?:env|/usr/bin/env): .{0,4}(?:bash|sh|node|python3?)\\r.{0,80}|^.{0,80}(?:bad interpreter|\$'\\r': command not found|\\r: not found).{0,80}",
        "a script has line ends of Windows",
        "write it with LF (git config core.autocrlf input; a .gitattributes with '*.sh text eol=lf') and commit",
    ),
    rule(
        r"^.{0,80}?(?P<file>(?<![\w./-])(?:\./|bin/)?(?:gradlew|mvnw|[\w./-]{1,60}\.sh|(?:\./|bin/)[\w./-]{1,60})): (?:Permission denied|cannot execute: Permission).{0,20}",
        "{file} is no program in the repository",
        "run 'git update-index --chmod=+x {file}', commit and deploy again",
    ),
    rule(
        r"^.{0,60}?(?::|\b)(?: \d+:| line \d+:)? ?git(?:: command not found|: not found| ENOENT\b|: No such file or directory).{0,60}",
        "the machine lacks the program git",
        "on the machine: apt install git",
        tolerable=True,
    ),
    rule(
        r"^.{0,60}?(?::|\b)(?: \d+:| line \d+:)? ?(?P<what>ffmpeg|convert|magick|make|cmake|curl|wget|unzip|zip|psql|pg_dump|mysqldump|pandoc|wkhtmltopdf|"
        r"chromium|tesseract|pdftotext|gs|dot|protoc|rsync|jq|sqlite3|xvfb-run|gettext|msgfmt|java|ruby|php)(?:: command not found|: not found| ENOENT\b|: No such file or directory).{0,60}",
        "the machine lacks the program {what}",
        "on the machine: apt install {package}",
        quotes={
            "convert": "imagemagick",
            "magick": "imagemagick",
            "psql": "postgresql-client",
            "pg_dump": "postgresql-client",
            "mysqldump": "default-mysql-client",
            "tesseract": "tesseract-ocr",
            "pdftotext": "poppler-utils",
            "gs": "ghostscript",
            "dot": "graphviz",
            "protoc": "protobuf-compiler",
            "xvfb-run": "xvfb",
            "msgfmt": "gettext",
            "java": "default-jre-headless",
        },
    ),
    rule(
        r"^.{0,60}?(?:sh|bash|dash|/bin/sh): (?:line )?\d+: (?P<what>\.{0,2}/[\w@./-]{1,100}): (?:not found|No such file or directory).{0,20}",
        "{what} is not there, or its first line names a shell that is not there, as it does with line ends of Windows",
        "commit it, begin it with #!/bin/sh and write it with LF (a .gitattributes with '*.sh text eol=lf')",
    ),
    rule(
        r"^.{0,60}?(?:sh|bash|dash|/bin/sh): (?:line )?\d+: (?:exec: )?(?!git:)(?P<what>[\w@./-]{1,60}): (?:command )?not found.{0,20}|"
        r"^.{0,80}(?:command not found: (?P<one>[\w@./-]{1,60})|spawn (?P<three>(?!E[A-Z]{3,12}$)[\w@./-]{1,60})(?: ENOENT)?)$|"
        r"^(?!cgo: ).{0,80}exec: \"(?P<two>[^\"\n]{1,60})\": executable file not found in \$PATH.{0,60}",
        "this program is not installed in the application and not on the machine",
        "add it to package.json or requirements.txt and lock again, or name the right one: headway apps set APP --start "
        "LINE (--build LINE)",
        last=True,
        tolerable=True,
    ),
)
# Ports of databases, and what their drivers say.
_OF_DATABASES = r":(?:5432|3306|27017|6379|1433)\b|\bport (?:5432|3306|27017|6379)\b|[Pp]ostgre|PG::|psycopg|[Mm]y[Ss][Qq][Ll]|[Mm]ongo|[Rr]edis"
_NETWORK = (
    rule(
        r"^.{0,100}EACCES: permission denied, (?:mkdir|open|unlink|rename|rmdir|scandir|copyfile|symlink) '(?P<file>[^'\n]{1,200})'.{0,120}",
        "the user that builds may not write {file}",
        "in a Dockerfile hand the folder over before USER (COPY --chown=NAME, or RUN chown -R NAME), else take what lies there "
        "out of the repository (.gitignore), and commit",
        phase=Phase.BUILD,
    ),
    rule(
        r"^.{0,200}(?:self[- ]signed certificate in certificate chain|SELF_SIGNED_CERT_IN_CHAIN|CERTIFICATE_VERIFY_FAILED|"
        r"UNABLE_TO_GET_ISSUER_CERT|UnknownIssuer|x509: certificate signed by unknown authority|server certificate verification failed).{0,160}",
        "the certificate of what is asked is by an authority that is not known here",
        "install the authority on the machine (update-ca-certificates), and for Node: headway env set APP "
        "NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt",
    ),
    rule(
        r"^.{0,220}(?:ENOTFOUND|EAI_AGAIN|Temporary failure in name resolution|Could not resolve host|Failed to resolve '|"
        r"failed to lookup address information|dns error|Temporary failure resolving|Unknown host|UnknownHostException|no such host|Name or service not known).{0,200}",
        "the name of a registry or server is not known here",
        "look at the machine's name server and at that name; where the machine has no way out, name a registry that it "
        "reaches (HEADWAY_NPM_REGISTRY, HEADWAY_PYPI_INDEX)",
        phase=Phase.BUILD,
    ),
    rule(
        r"^.{0,220}(?:ESOCKETTIMEDOUT|ERR_SOCKET_TIMEOUT).{0,200}|^error .{0,160}https?://\S{1,200}: ETIMEDOUT.{0,40}",
        "a package did not come from its registry within the time that the package manager waits",
        "deploy again; where it comes each time, let it wait longer: headway apps set APP --install 'yarn install --network-timeout "
        "600000' (npm: headway env set APP NPM_CONFIG_FETCH_TIMEOUT=600000)",
        phase=Phase.BUILD,
    ),
    rule(
        r"^(?!raise ).{0,120}(?:ReadTimeoutError: .{0,160}|pip.{0,80}|HTTPSConnectionPool\(host='[\w.-]{0,60}(?:python|pypi).{0,60})Read timed out.{0,80}|"
        r"^.{0,120}Failed to (?:download|fetch).{0,200}(?:operation timed out|timed out|UV_HTTP_TIMEOUT).{0,160}",
        "a package did not come from its index within the time that is waited for it",
        "deploy again; where it comes each time, let it wait longer: headway env set APP PIP_DEFAULT_TIMEOUT=1000 (uv: "
        "UV_HTTP_TIMEOUT=1000)",
        phase=Phase.BUILD,
    ),
    rule(
        rf"^(?=.{{0,300}}(?:{_OF_DATABASES})|.{{0,300}}\n.{{0,200}}(?:{_OF_DATABASES})|.{{0,300}}\n.{{0,200}}\n.{{0,200}}(?:{_OF_DATABASES}))"
        r"(?!raise |at ).{0,220}(?:ECONNREFUSED|[Cc]onnection refused|ConnectionRefusedError|[Cc]onnection timed out|ETIMEDOUT|could not connect to server).{0,200}(?:\nIs the server running.{0,120})?",
        "a database is asked while it is built, and a build reaches none",
        "keep what asks from running in the build (migrations and pages of data: headway apps set APP --release LINE, or "
        "export const dynamic = 'force-dynamic'; Rails' assets:precompile: config.assets.initialize_on_precompile = false, or "
        "DATABASE_URL=nulldb://localhost before it), or set a DATABASE_URL that the machine reaches",
        phase=Phase.BUILD,
    ),
    rule(
        r"^(?!raise |at ).{0,220}(?:ECONNRESET|ETIMEDOUT|ENETUNREACH|ECONNREFUSED|Connection (?:timed out|refused|reset)|Network is unreachable|"
        r"ReadTimeoutError|Read timed out|i/o timeout|connect: connection refused|error sending request for url|network socket disconnected).{0,200}",
        "a registry, or a server that the build asks, does not answer from this machine",
        "see that the machine reaches it and deploy again; a database is there only when the release starts (move what "
        "asks for it to --release: headway apps set APP --release LINE)",
        phase=Phase.BUILD,
    ),
)

RULES: tuple[Rule, ...] = (*_MEMORY, *_SHARED, *_PROGRAMS)
GENERAL: tuple[Rule, ...] = _NETWORK
