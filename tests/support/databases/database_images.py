"""Images of real database servers that no public registry has to be asked for: Debian's PostgreSQL, MariaDB and Redis,
each set up at its first start by the variables that the official images take.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from tests.support.docker.docker_engine import SUITE, Engine, locked

PACKAGES = {"postgres": "postgresql-17", "mariadb": "mariadb-server-core,mariadb-client", "redis": "redis-server"}
BUILD_SECONDS = 240
# What no test needs, and would make each three times as large: the compiler of queries, above all.
_LEFT_OUT = (
    *(f"/usr/share/{part}/*" for part in ("doc", "man", "locale", "info")),
    *("/usr/lib/*/libLLVM*", "/usr/lib/llvm*", "/usr/lib/*/libz3*", "/usr/lib/postgresql/*/lib/llvmjit*"),
    "/usr/lib/postgresql/*/lib/bitcode/*",
)
_REMOVED = (
    "var/lib/postgresql/*",
    "usr/share/i18n",
    "usr/share/perl",
    "usr/lib/*/perl/5*",
    "usr/share/mysql/mysql-test",
)

# As the official images do it: https://github.com/docker-library/postgres/blob/master/docker-entrypoint.sh
_POSTGRES = """\
#!/bin/sh
set -e
mkdir -p /run/postgresql && chown postgres:postgres /run/postgresql
bin=$(echo /usr/lib/postgresql/*/bin)
as="setpriv --reuid=postgres --regid=postgres --clear-groups"
mkdir -p "$PGDATA" && chown postgres:postgres "$PGDATA" && chmod 700 "$PGDATA"
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  printf %s "$POSTGRES_PASSWORD" >/tmp/password && chown postgres /tmp/password
  $as "$bin/initdb" --no-sync --username="$POSTGRES_USER" --pwfile=/tmp/password --auth-local=trust \\
    --auth-host=scram-sha-256 >&2
  rm /tmp/password
  $as "$bin/pg_ctl" --options="-c listen_addresses='' -c fsync=off" --wait start >&2
  [ "$POSTGRES_DB" = postgres ] || $as createdb --username="$POSTGRES_USER" "$POSTGRES_DB"
  $as "$bin/pg_ctl" --wait --mode=fast stop >&2
  echo "host all all all scram-sha-256" >>"$PGDATA/pg_hba.conf"
fi
exec $as "$bin/postgres" -c listen_addresses='*' -c fsync=off
"""
_MARIADB = """\
#!/bin/sh
set -e
mkdir -p /run/mysqld && chown mysql:mysql /run/mysqld /var/lib/mysql
if [ ! -d /var/lib/mysql/mysql ]; then
  mariadb-install-db --user=mysql --datadir=/var/lib/mysql --skip-test-db >&2
  cat >/tmp/first.sql <<END
ALTER USER 'root'@'localhost' IDENTIFIED BY '$MARIADB_ROOT_PASSWORD';
CREATE DATABASE \\`$MARIADB_DATABASE\\`;
CREATE USER '$MARIADB_USER'@'%' IDENTIFIED BY '$MARIADB_PASSWORD';
GRANT ALL ON \\`$MARIADB_DATABASE\\`.* TO '$MARIADB_USER'@'%';
END
  { echo 'FLUSH PRIVILEGES;'; cat /tmp/first.sql; } >/tmp/all.sql
  mariadbd --user=mysql --skip-networking --bootstrap </tmp/all.sql >&2
  rm /tmp/first.sql /tmp/all.sql
fi
exec mariadbd --user=mysql --bind-address=0.0.0.0
"""
_REDIS = """\
#!/bin/sh
set -e
chown redis:redis /data
exec setpriv --reuid=redis --regid=redis --clear-groups "$@" --daemonize no --bind 0.0.0.0
"""
_DOCKERFILES = {
    "postgres": "ENV PATH=/usr/lib/postgresql/17/bin:$PATH\nVOLUME /var/lib/postgresql/data\nEXPOSE 5432\n",
    "mariadb": (
        "RUN echo mysql:x:990:990::/nonexistent:/bin/false >>/etc/passwd && echo mysql:x:990: >>/etc/group &&"
        " rm -rf /var/lib/mysql && mkdir /var/lib/mysql\nEXPOSE 3306\n"
    ),
    "redis": "VOLUME /data\nWORKDIR /data\nEXPOSE 6379\nCMD redis-server\n",
}
_ENTRYPOINTS = {"postgres": _POSTGRES, "mariadb": _MARIADB, "redis": _REDIS}


def lacks_client() -> str | None:
    """What keeps the tests from asking such servers from outside, None where nothing does."""
    missing = [program for program in ("psql", "mariadb") if shutil.which(program) is None]
    return f"this machine has no {', '.join(missing)}; .ci/run installs what is needed" if missing else None


def build(engine: Engine, folder: Path, kind: str, name: str) -> None:
    """The image of a kind of server, under this name."""
    base = f"headway-test/{kind}:local"
    if not engine.docker("image", "ls", "--quiet", base):
        engine.load(system_with(kind), base)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "entrypoint").write_text(_ENTRYPOINTS[kind])
    entrypoint = 'COPY --chmod=755 entrypoint /entrypoint\nENTRYPOINT ["/entrypoint"]\n'
    (folder / "Dockerfile").write_text(f"FROM {base}\n{entrypoint}{_DOCKERFILES[kind]}")
    engine.docker("build", "--quiet", f"--tag={name}", str(folder), timeout=BUILD_SECONDS)


def system_with(kind: str) -> Path:
    """Debian with such a server, from the cache; made where it is not there yet."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "headway-tests"
    cache.mkdir(parents=True, exist_ok=True)
    archive = cache / f"{kind}-{SUITE}.tar"
    with locked(cache / f"{kind}.lock"):
        if not archive.exists():
            draft = archive.with_suffix(".new.tar")
            left_out = [f"--dpkgopt=path-exclude={each}" for each in _LEFT_OUT]
            removed = " ".join(f'"$1"/{each}' for each in _REMOVED)
            argv = [
                "mmdebstrap",
                "--quiet",
                "--variant=essential",
                f"--include={PACKAGES[kind]}",
                *left_out,
                f"--customize-hook=rm -rf {removed}",
                SUITE,
                str(draft),
            ]
            subprocess.run(argv, check=True, stdin=subprocess.DEVNULL, timeout=600)
            draft.rename(archive)
    return archive
