"""Migrations and the databases that they find: Prisma, Alembic, Django, and files of SQLite."""

from __future__ import annotations

from headway.kernel.failures.rule import Rule, rule

_RUN = "headway apps run APP --"

RULES: tuple[Rule, ...] = (
    rule(
        r"^.{0,200}no pg_hba\.conf entry .{1,200}no encryption.{0,60}|^.{0,200}(?:SSL connection is required|connection is insecure \(try using `sslmode=require`\)|SSL/TLS required).{0,120}",
        "the server of the database wants TLS, and is asked without",
        "add it to the address: headway env set APP DATABASE_URL='postgresql://...?sslmode=require' (PGSSLMODE=require)",
    ),
    rule(
        r"^.{0,20}(?:Error: )?P3009\b(?:\n.{0,300}){0,2}?(?:\n.{0,10}`(?P<name>[^`\n]{1,120})` migration started.{0,80})|^.{0,80}migrate found failed migrations in the target database.{0,200}",
        "a migration had failed in this database before, and no other is applied until that is settled",
        f"mend the database, then '{_RUN} npx prisma migrate resolve --rolled-back NAME' (or --applied, where it is done)",
    ),
    rule(
        r"^.{0,20}(?:Error: )?P3005\b.{0,100}|^.{0,80}The database schema is not empty.{0,160}",
        "the database has tables that no migration has made",
        f"give it an empty one, or tell Prisma what is there: '{_RUN} npx prisma migrate resolve --applied NAME' for each",
    ),
    rule(
        r"^.{0,20}(?:Error: )?P3018\b(?:\n.{0,300}){0,3}|^.{0,80}A migration failed to apply\. New migrations cannot be applied.{0,160}",
        "a migration fails in this database",
        f"mend it as the lines below say, then '{_RUN} npx prisma migrate resolve --rolled-back NAME', and deploy again",
    ),
    rule(
        r"^.{0,20}(?:Error: )?P1001\b.{0,160}|^.{0,60}Can't reach database server at .{0,160}",
        "the server of the database does not answer at that address",
        "mend the variable that names it (headway env set APP DATABASE_URL=...); a migration belongs to --release, where "
        "the database is there, and not to the build",
    ),
    rule(
        r"^.{0,20}(?:Error: )?P10(?:00|10)\b.{0,160}",
        "the database does not take this name and password",
        "mend the variable that has them: headway env set APP DATABASE_URL=...",
    ),
    rule(
        r"^.{0,80}(?:Can't locate revision identified by|Multiple head revisions are present|Target database is not up to date).{0,160}",
        "the database is at a revision that these migrations do not have, or they part in two",
        f"commit the missing migration, or join them ('alembic merge heads'); '{_RUN} alembic current' shows where it is",
    ),
    rule(
        r"^.{0,80}(?:InconsistentMigrationHistory|NodeNotFoundError|Conflicting migrations detected).{0,200}",
        "the migrations of Django do not fit each other, or what the database has had",
        "commit those that are missing ('python manage.py makemigrations --merge' joins two), and deploy again",
    ),
    rule(
        r"^.{0,80}(?:unable to open database file|attempt to write a readonly database|SQLITE_CANTOPEN|SQLITE_READONLY).{0,120}",
        "the file of SQLite lies where the application may not write, or in a folder that is not there",
        "let it be in the folder that DATA_DIR names: headway env set APP DATABASE_URL='sqlite:///$DATA_DIR/db.sqlite3'",
    ),
    rule(
        r"^.{0,120}(?:server does not support SSL, but SSL was required|The server does not support SSL connections).{0,80}",
        "the application wants TLS to its database, and the server of it has none",
        "have it do without, as its library says it: headway env set APP DATABASE_URL='postgresql://...?sslmode=disable' "
        "(PGSSLMODE=disable, DATABASE_SSL=false)",
    ),
    rule(
        r"^.{0,120}(?:too many clients already|remaining connection slots are reserved|Too many connections).{0,80}",
        "the database has all the connections that it takes",
        "let the application hold fewer (its pool, its workers), or raise max_connections of the database",
    ),
    rule(
        r"^.{0,80}Please install (?P<what>[\w-]{1,30}) package manually.{0,40}",
        "the driver of the database, {what}, is not installed",
        "run 'npm install {what}', commit package.json and its lock file",
    ),
    rule(
        r"^.{0,80}Error loading (?P<what>psycopg2?|MySQLdb|mysqlclient)\w*(?: or psycopg)? module.{0,100}",
        "the driver of the database is not installed",
        "add psycopg[binary] (PostgreSQL) or mysqlclient (MySQL) to the requirements, lock again and commit",
    ),
    rule(
        r"^.{0,80}Resource \S{0,10}?(?P<what>punkt\w{0,10}|stopwords|wordnet|[a-z_]{3,40})\S{0,10} not found\..{0,60}|^.{0,80}\[E050\] Can't find model '(?P<one>[\w.-]{1,60})'.{0,120}",
        "some data of a library for languages is not there: {what}",
        "fetch it with the build: headway apps set APP --build 'python -m nltk.downloader -d .venv/nltk_data {what}' (spaCy: "
        "'python -m spacy download NAME')",
    ),
    rule(
        r"^.{0,160}(?:relation \"[^\"\n]{1,80}\" already exists|[Tt]able [\"'`]?[\w.]{1,80}[\"'`]? already exists|column \"[^\"\n]{1,80}\" of relation .{1,80} already exists|"
        r"[Dd]uplicate column name|DuplicateTable|DuplicateColumn).{0,120}",
        "a migration makes what is there already: the database and the list of its migrations differ",
        f"tell it that this one was done ('{_RUN} python manage.py migrate NAME NUMBER --fake', 'npx prisma migrate resolve --applied "
        "NAME', 'alembic stamp REVISION'), or give it an empty database",
    ),
    rule(
        r"^.{0,160}(?:no such column: \S{1,80}|column \S{1,80} does not exist|Unknown column '[^'\n]{1,80}' in|The column `[^`\n]{1,120}` does not exist|UndefinedColumn).{0,120}",
        "the database lacks a column that a migration makes",
        "commit that migration, and let migrations run before each release: headway apps set APP --release 'python manage.py "
        "migrate' (or npx prisma migrate deploy, alembic upgrade head)",
        last=True,
    ),
    rule(
        r"^.{0,160}role \"[^\"\n]{1,80}\" does not exist.{0,80}",
        "the server of the database has no such name",
        "mend the variable that has it: headway env set APP DATABASE_URL=...",
    ),
    rule(
        r"^.{0,80}(?:ER_NOT_SUPPORTED_AUTH_MODE|Client does not support authentication protocol|caching_sha2_password).{0,160}",
        "the driver is older than the way in which this MySQL asks for passwords",
        "take mysql2 in place of mysql (or the newest driver), lock again and commit",
    ),
)
GENERAL: tuple[Rule, ...] = ()
