"""Makes a virtual environment with pip in it, quickly: pip is unpacked once for an application and copied from then on.

Run as a script by the interpreter that the environment is of, under the build account: ``python3 -I -c TEXT FOLDER``.
That may be Python 3.6, which knows no ``annotations`` to import from the future.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import venv
from concurrent.futures import ThreadPoolExecutor

SYNCS = 8
PIP = "#!{python}\nimport runpy\nrunpy.run_module('pip', run_name='__main__')\n"


def main(folder: str) -> None:
    """Makes the environment anew; ends with a sentence on standard error where the machine lacks a part of Python."""
    folder = os.path.abspath(folder)  # noqa: PTH100 - pathlib would follow what the folder is a link to
    venv.EnvBuilder(clear=True, symlinks=True, with_pip=False).create(folder)
    packages = "{}/lib/python{}.{}/site-packages".format(folder, *sys.version_info[:2])
    try:
        from ensurepip import version  # noqa: PLC0415 - Debian has it in a package of its own
    except ImportError:
        sys.exit("This machine's Python cannot make virtual environments with pip: apt-get install python3-venv")
    kept = "{}/.headway/pip-{}-{}.{}.{}".format(os.environ["HOME"], version(), *sys.version_info[:3])
    if not copy_pip(kept, packages, folder):
        unpack_pip(kept, packages, folder)


def copy_pip(kept: str, packages: str, folder: str) -> bool:
    """Whether pip was there from an earlier build; then it is in the environment now."""
    try:
        os.rmdir(packages)  # noqa: PTH106 - as above; it is empty, and Python 3.7 copies to where nothing is only
        shutil.copytree(kept, packages)
    except OSError:
        os.makedirs(packages, exist_ok=True)  # noqa: PTH103 - as above
        return False
    for name in ("pip", "pip3"):
        with open(f"{folder}/bin/{name}", "w", encoding="utf-8") as script:  # noqa: PTH123 - as above
            script.write(PIP.format(python=f"{folder}/bin/python3"))
        os.chmod(f"{folder}/bin/{name}", 0o755)  # noqa: PTH101, S103 - a program
    return True


def unpack_pip(kept: str, packages: str, folder: str) -> None:
    """Unpacks the pip that came with Python into the environment, and keeps a copy for the next one."""
    unpacked = subprocess.run([f"{folder}/bin/python3", "-I", "-m", "ensurepip", "--default-pip"], check=False)
    if unpacked.returncode:
        sys.exit(unpacked.returncode)
    beside = os.path.dirname(kept)  # noqa: PTH120 - as above
    try:
        os.makedirs(beside, exist_ok=True)  # noqa: PTH103 - as above
        # By chance: what stands under a name that could be foreseen may be another's, or of a build that was killed.
        with tempfile.TemporaryDirectory(prefix=".pip-", dir=beside) as draft:
            copy = f"{draft}/packages"
            shutil.copytree(packages, copy)
            put_on_disk(copy)
            os.rename(copy, kept)  # noqa: PTH104 - as above; never half a copy under that name
    except OSError:
        pass  # the next build unpacks it again


def put_on_disk(tree: str) -> None:
    """Returns once the disk has a folder and all that is in it. Raises OSError."""
    # Every later build trusts the name that it then gets. That needs its own files and folders on the disk before the
    # name, and nothing else of the file system, of which others may just be writing gigabytes. Those that are asked for
    # at the same time share one turn of the disk's journal.
    paths = [path for folder, _, names in os.walk(tree) for path in (folder, *(f"{folder}/{name}" for name in names))]
    with ThreadPoolExecutor(SYNCS) as pool:
        for _ in pool.map(sync, paths):
            pass


def sync(path: str) -> None:
    """Returns once the disk has what is in one file, or the names in one folder. Raises OSError."""
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


if __name__ == "__main__":
    main(sys.argv[1])
