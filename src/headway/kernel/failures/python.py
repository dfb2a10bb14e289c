"""pip, uv, Poetry, Pipenv and PDM, and what Python packages need of the machine to be built."""

from __future__ import annotations

from collections.abc import Mapping

from headway.kernel.failures.backends import FAILED_TO_BUILD
from headway.kernel.failures.rule import Phase, Rule, rule

_PYTHON = "headway apps set APP --use python=3.12"
_FITTING = "headway apps set APP --use python={python}"
_CC = "apt install build-essential python3-dev"
_SOME = r"some pyproject\.toml based projects(?: \(|\n\W{0,8})"  # pip names them behind that, or below it

_LOCKS = (
    rule(
        r"^.{0,80}The lockfile at .{0,80} needs to be updated",
        "uv.lock does not fit pyproject.toml any more",
        "run 'uv lock', commit uv.lock and deploy again",
    ),
    rule(
        r"^.{0,80}Unable to find lockfile at",
        "there is no uv.lock in the repository",
        "run 'uv lock', commit uv.lock and deploy again",
    ),
    rule(
        r"^.{0,80}(?:pyproject\.toml changed significantly since poetry\.lock|poetry\.lock is not up to date|"
        r"The lock file is not up to date with the latest changes in pyproject)",
        "poetry.lock does not fit pyproject.toml any more",
        "run 'poetry lock', commit poetry.lock and deploy again",
    ),
    rule(
        r"^.{0,80}Pipfile\.lock\s\(\w{1,80}\) is out of\sdate.{0,40}",
        "Pipfile.lock does not fit the Pipfile any more",
        "run 'pipenv lock', commit Pipfile.lock and deploy again",
    ),
    rule(
        r"^.{0,80}(?:Lock ?file hash doesn't match|Lock ?file doesn't satisfy the project|Lock ?file doesn't exist|Lock ?file is (?:not compatible|outdated))",
        "pdm.lock does not fit pyproject.toml any more",
        "run 'pdm lock', commit pdm.lock and deploy again",
    ),
)
_VERSIONS = (
    rule(
        r"^.{0,80}Unable to find installation candidates for (?P<what>[\w.\[\]-]{1,80} \([^)\n]{1,40}\))",
        "the index that Poetry asks has no file of {what} for this Python and machine",
        f"take the Python that poetry.lock was made for ({_PYTHON}), or run 'poetry lock' and commit it; where this machine "
        "reaches a mirror only, name that in pyproject.toml ([[tool.poetry.source]])",
    ),
    rule(
        r"^.{0,120}uses an unsupported schema version \((?P<what>v\d{1,4}).{0,200}",
        "uv.lock was written by another uv than the one that reads it ({what})",
        "ask for the one that wrote it (headway apps set APP --use uv=VERSION), or run 'uv lock' with this one and commit",
    ),
    rule(
        r"^.{0,80}SyntaxError: Missing parentheses in call to 'print'.{0,60}|^.{0,80}SyntaxError: multiple exception types must be.{0,60}",
        "this code is written for Python 2",
        "take a release of the package that is for Python 3, or mend that line",
        phase=Phase.BUILD,
    ),
    rule(
        r"^.{0,80}Ignored the following versions that require a different python version: "
        r"(?:[\w.+!]{1,30} Requires-Python [^;\n]{1,60}; ){0,30}?(?P<version>[\w.+!]{1,30}) Requires-Python (?P<wants>[^;\n]{1,60}).{0,600}\n"
        r"(?:.{0,600}\n)?(?P<line>.{0,40}No matching distribution found for (?P<what>[\w.\[\]-]{1,80}==(?P=version)))$",
        "{what} is for another Python than this one ({wants})",
        f"take a Python that it is for ({_FITTING}), or a newer version of it in requirements.txt",
    ),
    rule(
        r"^.{0,80}Package '(?P<what>[^']{1,80})' requires a different Python: (?P<has>\S{1,20}) not in '(?P<wants>[^']{1,60})'",
        "{what} is for Python {wants}, and this one is {has}",
        f"ask for such a Python: {_FITTING}",
    ),
    rule(
        r"^.{0,80}currently activated Python version (?P<has>\S{1,20}) is not supported by the project \((?P<wants>[^)\n]{1,60})\).{0,40}",
        "pyproject.toml asks for Python {wants}, and this one is {has}",
        f"ask for such a Python ({_FITTING}), or widen the range in pyproject.toml",
    ),
    rule(
        r"^.{0,80}Current Python version \((?P<has>[^)\n]{1,20})\) is not (?:allowed|supported) by the project \((?P<wants>[^)\n]{1,60})\)",
        "pyproject.toml asks for Python {wants}, and this one is {has}",
        f"ask for such a Python ({_FITTING}), or widen the range in pyproject.toml",
    ),
    rule(
        r"^.{0,80}No interpreter found for (?P<wants>Python \S{1,40}|.{1,60}?) in\b.{0,200}",
        "this machine has no {wants}, and none could be fetched",
        f"ask Headway for it ({_FITTING}), or widen requires-python in pyproject.toml to one that the machine has",
    ),
    rule(
        r"^.{0,80}(?:The requested interpreter resolved to|Using Python) Python? ?(?P<has>[^\s,]{1,20}),? .{0,60}incompatible with the "
        r"project's? Python requirement: `(?P<wants>[^`\n]{1,60})`.{0,200}",
        "pyproject.toml asks for Python {wants}, and this one is {has}",
        f"ask for such a Python ({_FITTING}), or widen requires-python in pyproject.toml",
    ),
    rule(
        r"^.{0,80}(?:The requested interpreter resolved to|Using Python) Python? ?(?P<has>[^\s,]{1,20}),? .{0,60}incompatible with the project's? .{0,300}",
        "pyproject.toml asks for another Python than {has}",
        f"ask for such a Python ({_PYTHON}), or widen requires-python",
    ),
    rule(
        r"^.{0,80}No module named '?(?:distutils)\b'?|^ModuleNotFoundError: No module named 'distutils.{0,40}",
        "a package still needs distutils, which Python has not had since 3.12",
        "take a newer release of that package, or Python 3.11: headway apps set APP --use python=3.11",
    ),
    rule(
        r"^.{0,80}invalid command 'bdist_wheel'.{0,40}",
        "a package is built without wheel, which setuptools has had in it since 70.1",
        'write requires = ["setuptools>=70.1"] below [build-system] in its pyproject.toml, or have it there before: headway apps '
        'set APP --install "pip install -U setuptools wheel && pip install -r requirements.txt"',
    ),
    rule(
        r"^.{0,80}No module named 'pkg_resources'",
        "a package still needs pkg_resources, which newer setuptools do not have",
        "add setuptools<81 to requirements.txt, or take a newer release of that package",
    ),
    rule(
        r"^.{0,80}module 'pkgutil' has no attribute 'ImpImporter'.{0,80}",
        "a package or its setuptools are older than Python 3.12",
        "raise its version in requirements.txt, or take Python 3.11: headway apps set APP --use python=3.11",
    ),
)
_HEADERS: Mapping[str, str] = {
    r"Python\.h": "python3-dev",
    r"libpq-fe\.h": "libpq-dev",
    r"mysql(?:/mysql)?\.h": "default-libmysqlclient-dev",
    r"ffi\.h": "libffi-dev",
    r"openssl/\w+\.h": "libssl-dev",
    r"(?:libxml/\w+|libxslt/\w+)\.h": "libxml2-dev libxslt1-dev",
    r"jpeglib\.h": "libjpeg-dev",
    r"zlib\.h": "zlib1g-dev",
    r"sasl/sasl\.h": "libsasl2-dev",
    r"(?:lber|ldap)\.h": "libldap-dev libsasl2-dev",
    r"sqlite3\.h": "libsqlite3-dev",
    r"yaml\.h": "libyaml-dev",
    r"xmlsec/\w+\.h": "libxmlsec1-dev",
    r"sql\.h": "unixodbc-dev",
    r"portaudio\.h": "portaudio19-dev",
    r"hdf5\.h": "libhdf5-dev",
    r"krb5\.h|gssapi/gssapi\.h": "libkrb5-dev",
    r"bzlib\.h": "libbz2-dev",
    r"lzma\.h": "liblzma-dev",
    r"curl/curl\.h": "libcurl4-openssl-dev",
    r"cairo\.h": "libcairo2-dev",
    r"glib\.h": "libglib2.0-dev",
}
_MACHINE = (
    rule(
        r"^.{0,80}pg_config (?:executable not found|is required to build psycopg2).{0,100}",
        "psycopg2 is compiled here and needs the files of PostgreSQL's library",
        "write psycopg2-binary instead in what the repository asks for, or on the machine: apt install libpq-dev "
        "python3-dev build-essential",
    ),
    rule(
        r"^.{0,80}(?:Can not find valid pkg-config name|mysql_config: (?:command )?not found|mysql_config not found).{0,100}",
        "mysqlclient is compiled here and needs the files of MySQL's library",
        "on the machine: apt install default-libmysqlclient-dev pkg-config build-essential python3-dev",
    ),
    *(
        rule(
            rf"^.{{0,200}}fatal error: '?(?:{header})'?:? (?:file not found|No such file or directory).{{0,40}}",
            "a package is compiled here and the machine lacks a header of it",
            f"on the machine: apt install {package}",
        )
        for header, package in _HEADERS.items()
    ),
    rule(
        r"^.{0,200}fatal error: '?(?P<header>[\w./+-]{1,80}\.h(?:pp)?)'?:? (?:file not found|No such file or directory).{0,40}",
        "a package is compiled here and the machine lacks {header}",
        "install the Debian package that holds it (apt-file search {header}), or take a release of the package that comes "
        "compiled",
    ),
    rule(
        r"^.{0,80}command '[^'\n]{0,80}(?:gcc|cc|g\+\+|clang)' failed: No such file.{0,40}|"
        r"^.{0,80}No such file or directory: '(?:gcc|cc|g\+\+|clang|x86_64-linux-gnu-gcc)'.{0,40}|"
        r"^.{0,80}unable to execute '?[\w./+-]{0,60}(?:gcc|cc|g\+\+)'?.{0,60}|"
        r"^.{0,80}(?:Unknown compiler\(s\)|No CMAKE_C(?:XX)?_COMPILER could be found|error: Microsoft Visual C).{0,120}",
        "a package has no wheel for this Python and is compiled here, and the machine has no compiler",
        f"on the machine: {_CC}; or take a Python that it has wheels for ({_PYTHON})",
    ),
    rule(
        r"^.{0,80}(?:can't find Rust compiler|Rust toolchain.{0,40}not (?:found|installed)|Cargo, the Rust package manager, is not installed).{0,100}",
        "a package has no wheel for this Python and is compiled here, and the machine has no Rust",
        f"take a Python that it has wheels for ({_PYTHON}), or on the machine: apt install cargo",
    ),
    rule(
        r"^.{0,40}By not providing \"Find(?P<what>[\w+-]{1,40})\.cmake\".{0,120}",
        "something is compiled here, and CMake does not find {what}",
        "on the machine: apt install the package that holds {what}Config.cmake (apt-file search {what}Config.cmake)",
    ),
    rule(
        r"^.{0,80}(?:CMake must be installed|Could not find CMake|cmake: not found|No such file or directory: 'cmake').{0,100}",
        "a package is compiled here and needs CMake",
        "on the machine: apt install cmake build-essential",
    ),
)
_REQUIREMENTS = (
    rule(
        r"^.{0,80}Invalid requirement: '(?P<file>[^'\n]{1,160})'.{0,80}\n.{0,20}It looks like a path\. File .{1,160} does not exist.{0,10}",
        "the requirements name {file}, which is not in the repository",
        "commit it (look at .gitignore), or name what is published: NAME==VERSION",
    ),
    rule(
        r"^.{0,80}Could not install packages due to an OSError: \[Errno 2\] No such file or directory: '(?P<file>/[^'\n]{1,200})'",
        "the requirements name files of the machine where they were written ({file})",
        "write NAME==VERSION instead ('pip list --format=freeze' does, also where Conda installed it), and commit",
    ),
    rule(
        r"^.{0,80}FileNotFoundError: \[Errno 2\] No such file or directory: '(?P<file>[^'\n/]{1,200})'\n.{0,20}\[end of output\]",
        "what makes a package reads {file}, which is not there",
        "commit {file} (look at .gitignore), or take a newer release of the package",
        phase=Phase.BUILD,
    ),
    rule(
        r"^.{0,160}does not appear to be a Python project: neither 'setup\.py' nor 'pyproject\.toml' found.{0,20}",
        "the requirements install a folder that is no package",
        "take that line (mostly '-e .') out of requirements.txt, or commit the pyproject.toml that makes one of it",
    ),
    rule(
        r"^.{0,80}Package `(?P<one>[^`\n]{1,60})` references an undeclared index: `(?P<what>[^`\n]{1,60})`",
        "pyproject.toml takes {one} from the index {what}, and no index is called so",
        "write [[tool.uv.index]] with its name and url, run 'uv lock' and commit both",
    ),
    rule(
        r"^.{0,80}`(?P<what>project\.\w{1,30})` field is not set",
        "pyproject.toml lacks {what}",
        "write it below [project], and commit",
    ),
    rule(
        r"^.{0,80}Group `(?P<what>[^`\n]{1,60})` is not defined in the project's `dependency-groups`.{0,40}",
        "pyproject.toml has no group {what}",
        "add it below [dependency-groups], or install without: headway apps set APP --install 'uv sync --frozen --no-dev'",
    ),
    rule(
        r"^.{0,80}`(?P<what>[^`\n]{1,60})` references a workspace in `tool\.uv\.sources`.{0,160}",
        "pyproject.toml takes {what} from its workspace, and no member is called so",
        "commit its folder, name it below [tool.uv.workspace] members, run 'uv lock' and commit; or deploy from the root",
    ),
    rule(
        r"^.{0,80}Distribution not found at: (?:file://)?(?P<file>\S{1,200})",
        "pyproject.toml takes a package from a folder that is not there ({file})",
        "commit that folder, and where it lies beside the one that is built deploy from above both: headway deploy "
        "--build-path FOLDER",
    ),
    rule(
        r"^.{0,80}Because (?P<what>[\w.\[\]-]{1,80}) was not found in the package registry.{0,300}",
        "the index has no package {what}",
        "look at its name in pyproject.toml; if it is a private one, name its index ([[tool.uv.index]]) and set "
        "UV_INDEX_NAME_USERNAME and UV_INDEX_NAME_PASSWORD: headway env set APP ...",
    ),
    rule(
        r"^ERROR: Could not open requirements file: .{0,40}'(?P<file>[^'\n]{1,200})'",
        "a requirements file names {file}, which is not in the repository",
        "commit it, or set another way to install: headway apps set APP --install 'pip install -r FILE'",
    ),
    rule(
        r"^.{0,40}Requested (?P<what>\S{1,80}) .{0,120}has invalid metadata: .{1,160}",
        "the metadata of {what} are such as pip reads no more since 24.1",
        "take a newer release of it, or the older pip: headway apps set APP --install \"pip install 'pip<24.1' && pip install -r "
        'requirements.txt"',
    ),
    rule(
        r"^.{0,80}Invalid requirement: (?P<what>.{1,80})",
        "a line of the requirements is none that pip can read",
        "write it as NAME==VERSION, one on each line",
    ),
    rule(
        r"^.{0,80}THESE PACKAGES DO NOT MATCH THE HASHES.{0,200}",
        "a package is not the one whose hash the requirements have",
        "make the hashes anew (pip-compile --generate-hashes), look why they changed, and commit",
    ),
    rule(
        r"^.{0,80}In --require-hashes mode, all requirements must.{0,200}",
        "some requirements have a hash and others none",
        "make the file anew with all of them: pip-compile --generate-hashes",
    ),
    rule(
        r"^.{0,40}Cannot install .{1,560} because these package versions have conflicting dependencies.{0,4}"
        r"\nThe conflict is caused by:\n(?P<line>(?:The user requested (?P<what>[\w.\[\]-]{1,60})(?P<has>.{0,120})\n"
        r"|(?!To fix|\[notice).{1,60} depends on .{1,200}\n){2,12})",
        "the requirements have {what}{has}, and others of them want another version of it, as the line says",
        "write a version of {what} that all of them take, or take those that ask for it in versions that fit, try it with "
        "'pip install -r' and commit",
    ),
    rule(
        r"^.{0,40}Cannot install .{1,560} because these package versions have conflicting dependencies.{0,4}"
        r"(?:\nThe conflict is caused by:\n(?P<line>(?:(?!To fix|\[notice).{1,200}\n){1,8}))?",
        "two of the requirements want different versions of one package",
        "loosen or change one of their versions in the requirements, try it with 'pip install -r' and commit",
    ),
    rule(
        r"^.{0,40}Retrying \(Retry\(total=0.{0,80}after (?P<line>connection broken by .{1,260}).{0,300}(?=(?:\n.{0,600}){1,4}\n.{0,40}No matching distribution)",
        "pip did not reach the index of packages, and so finds none",
        "see that the machine reaches it (HEADWAY_PYPI_INDEX names another), and deploy again",
    ),
    rule(
        r"^.{0,80}No matching distribution found for (?P<what>(?i:pywin32|pywin32-ctypes|pypiwin32|pywinpty|windows-curses|winsound|wmi|comtypes|"
        r"pywinauto|pyobjc[\w-]{0,40}|appscript)\b\S{0,40})",
        "{what} is for Windows or macOS alone, as 'pip freeze' lists it there too",
        "take it out of the requirements, or end its line with: ; sys_platform == 'win32' (macOS: 'darwin'); and commit",
    ),
    rule(
        r"^.{0,80}No matching distribution found for (?P<what>\S{1,80})",
        "the index has no {what} for this Python and machine",
        f"mend the name or the version in the requirements (take out what is for another system or of another machine, as "
        f"'pip freeze' lists it too), or take a Python that it is for: {_PYTHON}",
    ),
    rule(
        r"^.{0,40}Because the requested Python version \((?P<has>[^)\n]{1,60})\) does not satisfy Python(?P<wants>[^\s]{1,60})"
        r"\n(?:and )?(?P<what>[\w.\[\]-]{1,80})(?:==\S{1,40})? depends on .{0,200}",
        "pyproject.toml allows Python {has}, and {what} is for {wants} only",
        "write requires-python = \"{wants}\" there, run 'uv lock' and commit both; or take a {what} that is for all of them",
    ),
    rule(
        r"^.{0,80}No solution found when resolving .{0,80}\n.{0,500}(?:\n(?!hint).{1,300}){0,3}",
        "no set of versions fits all that is asked for",
        "mend the versions or requires-python in pyproject.toml, run 'uv lock' and commit both",
    ),
    rule(
        r"^(?:So, )?[Bb]ecause (?P<what>\S{1,80}) .{0,200}\bSDK version (?P<wants>[^,\n]{1,60}), version solving failed.{0,10}",
        "{what} asks for a Dart or Flutter of {wants}",
        "take an image that has such a one (FROM ... in the Dockerfile), or an older release in pubspec.yaml, and commit it and "
        "pubspec.lock",
    ),
    rule(
        r"^(?:\(\d\) )?(?:So, )?[Bb]ecause no versions of (?P<what>[\w.\[\]-]{1,80}) match (?P<wants>[^\n]{1,120})\n?"
        r"(?:.{0,300}\n)?.{0,300}version solving failed.{0,10}",
        "no release of {what} fits {wants}",
        "take another version of what asks for it in pyproject.toml (or name the index that has {what}: "
        "[[tool.poetry.source]]), run 'poetry lock' and commit both",
    ),
    rule(
        r"^(?:\(\d\) )?(?:So, )?[Bb]ecause (?:(?!.{0,8}So, ).{0,300}\n){0,4}?.{0,300}version solving failed.{0,10}|"
        r"^.{0,300}(?:version solving failed|which doesn't match any versions).{0,60}",
        "no set of versions fits all that is asked for",
        "mend the versions in pyproject.toml, run 'poetry lock' and commit both",
    ),
    rule(
        r"^.{0,80}(?:ResolutionFailure|Your dependencies could not be resolved|Locking failed|ResolutionImpossible|Unable to find a resolution).{0,200}",
        "no set of versions fits all that is asked for",
        "mend the versions that contradict each other, lock again and commit both files",
    ),
    rule(
        r"^.{0,40}Group\(s\) not found: (?P<what>[\w., -]{1,80}?)(?: \(via (?P<by>--[\w-]{1,20})\))?(?:, .{0,80})?$",
        "the line that installs names the group {what}, and pyproject.toml has none of that name",
        "mend that line (headway apps set APP --install 'poetry install --only main'), or add [tool.poetry.group.{what}.dependencies] "
        "to pyproject.toml, run 'poetry lock' and commit both",
    ),
    rule(
        r"^.{0,80}No file/folder found for package (?P<what>\S{1,80})",
        "pyproject.toml makes a package of the repository, and there is no folder {what}",
        "write package-mode = false below [tool.poetry], or name the folder with 'packages'",
    ),
    rule(
        r"^.{0,80}Multiple top-level (?:packages|modules) discovered in a flat-layout.{0,100}",
        "pyproject.toml makes a package of the repository, and setuptools cannot tell which folder it is",
        'name it below [tool.setuptools] (packages = ["NAME"], or py-modules = [])',
    ),
    rule(
        r"^.{0,80}(?:TOML parse error at|TOMLDecodeError|Invalid TOML|is not a valid TOML file|Failed to parse: .{0,5}pyproject).{0,160}",
        "a TOML file of the repository cannot be read",
        "mend it at that line and commit",
    ),
    rule(
        r"^.{0,80}No .?pyproject\.toml.? found in .{0,60}|^.{0,80}could not find a pyproject\.toml.{0,80}",
        "the folder that is built has no pyproject.toml",
        "name the right one (headway deploy --build-path FOLDER), or how it is installed (headway apps set APP --install LINE)",
    ),
    rule(
        r"^.{0,80}externally-managed-environment.{0,60}",
        "a command installs into the machine's own Python",
        "leave installing to Headway, or use the application's environment (headway apps set APP --install 'pip install -r "
        "requirements.txt')",
    ),
    rule(
        r"^.{0,100}(?:HTTP error 40[13] while getting|40[13] Client Error: .{0,40}for url|HTTP status client error \(40[13]).{0,160}",
        "an index or server refuses who asks",
        "give its name and token in a variable that its address quotes: headway env set APP PIP_INDEX_URL=... (uv: "
        "UV_INDEX_NAME_PASSWORD)",
        phase=Phase.BUILD,
    ),
)
_GENERAL = (
    rule(
        rf"^.{{0,80}}(?:Failed building wheel for |Failed to build installable wheels for {_SOME}|Could not build wheels for |{FAILED_TO_BUILD})['`]?"
        r"(?P<what>[\w.\[\]-]{1,60}).{0,200}",
        "{what} has no wheel for this Python and could not be compiled",
        f"take a newer release of it or a Python that it has wheels for ({_PYTHON}); the lines above say what it lacks",
        frame=True,
    ),
    rule(
        r"^.{0,80}(?:metadata-generation-failed|subprocess-exited-with-error|Getting requirements to build wheel did not run).{0,80}",
        "a package could not be prepared for this Python",
        f"take a newer release of it, or an older Python: {_PYTHON}",
        frame=True,
    ),
)

RULES: tuple[Rule, ...] = (*_LOCKS, *_VERSIONS, *_MACHINE, *_REQUIREMENTS)
GENERAL: tuple[Rule, ...] = _GENERAL
