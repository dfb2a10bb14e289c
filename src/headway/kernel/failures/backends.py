"""Python packages whose own build fails: what their backends say, and what they need and do not declare."""

from __future__ import annotations

from headway.kernel.failures.rule import Phase, Rule, rule

_PYTHON = "headway apps set APP --use python=3.12"
# What pip and uv call a package that they could not build; many other tools "failed to build" something.
FAILED_TO_BUILD = r"(?:Failed to build (?='[\w.\[\]-]{1,60}' when )|Failed to (?:download and )?build:? (?=`[\w.\[\]-]{1,60}(?:==| @ )))"
# A build of a package tells of itself before or after what fails within it.
_BUILT = (
    rf"(?:{FAILED_TO_BUILD}|(?:Building wheel for|Getting requirements to build wheel|Preparing metadata|Call to `\w[\w.:]{{0,100}}`) )"
    r"[^\n]{0,160}"
)
_WITHIN = r"(?:\n(?!Traceback \(most).{0,400}){0,30}?(?:\nTraceback .{0,60}(?:\n.{0,400}){0,40}?)"

RULES: tuple[Rule, ...] = (
    rule(
        rf"^.{{0,20}}{_BUILT}{_WITHIN}\n.{{0,20}}ModuleNotFoundError: No module named '(?:distutils|imp)[\w.]{{0,40}}'",
        "a package is built by what newer Pythons do not have any more",
        f"take a newer release of it, or an older Python: {_PYTHON.replace('3.12', '3.11')}",
        phase=Phase.BUILD,
    ),
    rule(
        rf"^.{{0,20}}{_BUILT}{_WITHIN}\n.{{0,20}}ModuleNotFoundError: No module named '(?P<what>(?!pkg_resources)[\w.]{{1,60}})'",
        "a package needs {what} while it is built, and does not say so",
        "take a newer release of it; or with uv name it in pyproject.toml ([tool.uv.extra-build-dependencies] PACKAGE = "
        '["{what}"]), with pip: headway apps set APP --install \'pip install {what} setuptools wheel && pip install '
        "--no-build-isolation -r requirements.txt'",
        phase=Phase.BUILD,
    ),
    rule(
        r"^.{0,20}Expected a Python module (?:with an `__init__\.py` )?at:? .{1,200}|"
        r"^.{0,20}Unable to determine which files to ship inside the wheel.{0,200}|"
        r"^.{0,40}No file/folder found for module .{1,80}|"
        r"^.{0,80}(?:The most likely cause of this is that there is no directory that matches the name of your project).{0,120}",
        "the project has no folder of its own name, which its build looks for",
        'name the folder in pyproject.toml ([tool.uv.build-backend] module-name = "NAME", [tool.hatch.build.targets.wheel] '
        'packages = ["NAME"]), or have it not be built: [tool.uv] package = false (Poetry: package-mode = false)',
        phase=Phase.BUILD,
    ),
    rule(
        r"^.{0,10}KeyError: 'PEP517_BUILD_BACKEND'",
        "this Poetry does not fit the build tools that it was installed with",
        "ask for a newer one: headway apps set APP --use poetry=2",
        phase=Phase.BUILD,
    ),
    rule(
        r"^.{0,60}FileNotFoundError: \[Errno 2\] No such file or directory: '(?P<what>c\+\+|g\+\+|cc|gcc|clang|clang\+\+|make|ninja|swig|gfortran|autoreconf|nasm|patchelf|pkg-config)'",
        "a package is compiled here, and the machine has no {what}",
        "on the machine: apt install build-essential python3-dev pkg-config (and {what}, where it is none of these)",
        phase=Phase.BUILD,
    ),
    rule(
        r"^.{0,60}FileNotFoundError: \[Errno 2\] No such file or directory: '(?P<what>cargo|rustc|maturin)'",
        "a package is compiled by Rust, which the machine does not have",
        f"on the machine: apt install cargo; or take a Python that it has wheels for: {_PYTHON}",
        phase=Phase.BUILD,
    ),
    rule(
        r"^\S{1,200}\.c(?:pp)?:\d+:\d+: (?:fatal )?error: .{0,80}(?:longintrepr\.h|ob_digit|tp_print|PyUnicode_AS_UNICODE|_PyLong_AsByteArray|curexc_traceback|PyThreadState|use_tracing).{0,120}|"
        r"^.{0,120}(?:too few|too many) arguments to function '?_?Py\w{1,60}.{0,60}",
        "a package is too old for this Python and does not compile with it",
        f"take a newer release of it, or an older Python: {_PYTHON.replace('3.12', '3.10')}",
        phase=Phase.BUILD,
    ),
    rule(
        r"^.{0,80}(?:Cython\.Compiler\.Errors\.CompileError|AttributeError: cython_sources).{0,160}",
        "a package does not compile with the Cython of today",
        "take a newer release of it (PyYAML 6.0.1 and later), or one that has wheels: " + _PYTHON,
        phase=Phase.BUILD,
    ),
    rule(
        r"^.{0,80}(?:LookupError: )?setuptools-scm was unable to detect version for .{0,160}",
        "the version of the project is read from git, and a release has no .git",
        "headway env set APP SETUPTOOLS_SCM_PRETEND_VERSION=1.0",
        phase=Phase.BUILD,
    ),
)
GENERAL: tuple[Rule, ...] = ()
