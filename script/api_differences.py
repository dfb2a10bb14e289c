"""Where our answers differ from Dokploy's on purpose: the case, what is there, what is here, and why."""

from __future__ import annotations

from collections.abc import Sequence

DIFFERENCES: Sequence[tuple[str, str, str, str]] = (
    (
        "a list for an id that does not exist, or is another organisation's",
        "`[]`, the rows, or 401",
        "404, the same for both",
        "who asks for what is not there has made a mistake, and nobody learns what exists elsewhere",
    ),
    (
        "what a member was not given",
        "401 `You don't have access to this service`",
        "404; 401 is for keys only, and 403 for what may be seen but not done",
        "a client that hears 401 throws its key away",
    ),
    (
        "kill or removal of a deployment of another organisation",
        "allowed for some types",
        "404",
        "an id is no permission",
    ),
    (
        "a waiting deployment",
        "is kept in memory, in no list, and is lost in a restart",
        "is a row with the status `pending` from the moment of the request",
        "what waits is a promise as well, and has to outlive the panel",
    ),
    (
        "killed, cancelled, superseded, timed out, lost",
        "`cancelled` or `error`",
        "`error` with a `reason` and a sentence in `errorMessage`",
        "strict clients refuse a list with another status, and a person wants to know why",
    ),
    (
        "`pid`",
        "set for two kinds of schedule",
        "set for every running deployment, as a string",
        "kill has to reach every type",
    ),
    (
        "removal of a running deployment",
        "takes the row and the log from under it",
        "409; kill it first. A waiting one is cancelled first and then removed",
        "the status would be of a run that nobody can follow or end any more",
    ),
    ("`rollback`", "in the lists by type only", "in every list", "a rollback is a deployment like any other"),
    (
        "`/listen-deployment`",
        "opens any file below its folder for whoever has a key, and never ends",
        "gives the log of a deployment that the caller may read, from its beginning to its end; else 401 or 404",
        "a path from outside opens any file",
    ),
    (
        "`application.deploy`, `application.redeploy`",
        "an empty body, and nothing names the new deployment",
        "an empty body, and the headers `location` and `x-deployment-id`",
        "who asked wants to follow what was asked for, and the body stays what clients know",
    ),
    (
        "`application.cancelDeployment` on a panel of one's own",
        "400",
        "ends what waits and what runs",
        "whoever hosts it has nobody else to end it",
    ),
    (
        "`compose.deploy` with `freshVolumes`",
        "removes the volumes",
        "400; `compose.delete` with `deleteVolumes` does",
        "a deploy never empties volumes",
    ),
    ("`compose.delete` without `deleteVolumes`", "400", "keeps the volumes", "what was not asked to go stays"),
    (
        "`compose.readLogs` without `containerId`",
        "400",
        "the lines of all its containers, each behind the name of its service",
        "who looks for an error seldom knows in which container it is",
    ),
    (
        "a compose file that asks for the host (privileged, mounts of its folders, its network)",
        "is taken",
        "ends its deployment as `refused`, unless an owner has set `allowHostAccess`",
        "a tenant would be root on the machine",
    ),
    (
        "`schedule.runManually`",
        "answers when the run has ended",
        "answers at once with the id of the deployment, which is `pending`; `deployment.wait` waits for its end",
        "a client's patience is shorter than a job",
    ),
    (
        "a schedule's run while an earlier one runs",
        "marks the earlier one `error` and lets both run",
        "as the schedule's `overlap` says: skip (the default), queue, replace (ends it first) or allow",
        "two runs of one job at once harm each other, and neither is an error",
    ),
    (
        "kill of a schedule's run",
        "ends the shell; what it started lives on, in containers all of it",
        "ends all that the run has started, and nothing else of the container",
        "`error` has to mean that nothing of it runs any more",
    ),
    (
        "a push to a service without a source, over its webhook",
        "a deployment that fails",
        "is skipped, with that reason, in the list of deliveries; a deploy that is asked for ends as `error`, as there",
        "a push nobody can act on is no failure of the service",
    ),
    (
        "SSH keys of other organisations, or that there are not, in settings",
        "kept; the deploy fails",
        "404 when they are saved; a key that is removed is taken out of whatever names it",
        "a save that cannot work is told while somebody looks",
    ),
    (
        "Slack and Discord channels at other servers",
        "told in the form of Slack or Discord",
        "told as one text, under the title as its author; near addresses are for who may use the machine",
        "the text is ours, and no address near the machine is to be reached through a message",
    ),
    ("a key as `Authorization: Bearer`", "401", "taken", "it is what many programs send"),
    (
        "the database is away",
        "401",
        "503 with `retry-after`",
        "the key is right, and a client that hears 401 throws it away",
    ),
    (
        "tRPC without a known key, for a path that does not exist",
        "404",
        "401, as on REST",
        "without a known key nobody learns what exists",
    ),
    (
        "an unwrapped input over tRPC, as the official command line sends it",
        "400",
        "taken",
        "its own command line would not work otherwise",
    ),
    (
        "JSON that cannot be read over tRPC",
        "-32600 `BAD_REQUEST`",
        "-32700 `PARSE_ERROR`, as on REST",
        "one error has one name over both transports",
    ),
    (
        "a body of more than 1 MiB (16 KiB without a key), or a batch of more than 100 calls",
        "",
        "413 and 400",
        "nobody fills the memory or the queue with one request",
    ),
    (
        "mutations in a batch",
        "all at once",
        "one after the other, in the given order",
        "the outcome is to be the same each time",
    ),
    (
        "`project.duplicate` without `selectedServices`",
        "makes none of the services again",
        "makes all of them again",
        "a copy of nothing is nobody's wish",
    ),
    (
        "`environment.duplicate`",
        "leaves the variables out",
        "takes the variables along",
        "the services of the copy would not start",
    ),
    (
        "`application.readLogs` with `since`",
        "the lines since then",
        "the lines since then, and of processes, whose lines have no times, some of just before; an instant too",
        "a process has no log of the engine's that keeps times, and a line too many is better than one too few",
    ),
    (
        "a domain, redirect, password, certificate or Traefik configuration",
        "is written, and the edge follows some time",
        "is in force when the call returns, proven through the edge; 503 when it is kept and not in force yet",
        "who was told `saved` looks at the address next",
    ),
    (
        "a new application's domains",
        "none",
        "the one that Headway gives, marked `generated`; its id is the application's, and it stays",
        "a first deployment is to be seen without another step",
    ),
    (
        "a host that another application has",
        "is taken twice",
        "409; within an organisation a host may be shared by paths",
        "one of the two would be without its address, in silence",
    ),
    (
        "`password` of `security.*` and `registry.*`, `privateKey` of `certificates.*` and `sshKey.*`",
        "given back",
        "an empty text",
        "what is written is secret from then on",
    ),
    (
        "what rows show of destinations, servers and registries that they name",
        "the row, for whoever sees the one that names it",
        (
            "the row for who may look at those, else null; `github`, `gitlab`, `gitea` and `bitbucket` are null: "
            "`gitProvider.getAll` shows them"
        ),
        "an address, an account or a token of others is not shown along with a service",
    ),
    (
        "what rows of schedules, backups and volume backups show of their service",
        "the whole row, with variables and passwords",
        "its id, name, server, environment and project",
        "who may see a schedule may not for that read the passwords of its service",
    ),
    (
        "`backup.update`, `schedule.update` and `volumeBackups.update` with another database type or service",
        "a backup or schedule of something else under the old id",
        "400; what it has may be sent again",
        "a backup under its old name that holds something else is found out at the restore",
    ),
    ("`metricsConfig` of servers", "what the peer's monitoring was set to", "`{}`", "there is no such monitoring"),
    (
        "`application.readAppMonitoring`, `server.getServerMetrics`",
        "figures over time",
        "400: `service.usage` and `server.usage` tell them, in a form of their own; Prometheus reads `/metrics`",
        "a figure that nobody keeps is not made up; what is measured is told as what it is",
    ),
    (
        "`compose.import` of a template with mounts, domains or helpers such as `${password}`",
        "makes files, domains and passwords",
        "400, and nothing is changed: file and variables are taken alone",
        "a half-taken template does not run, and what is missing shows late",
    ),
    (
        "`settings.getUpdateData`",
        "asks a registry",
        "nobody is asked, so there is never a newer version",
        "no request leaves the machine unasked",
    ),
    (
        "`application.updateTraefikConfig`",
        "takes any text, and a wrong one freezes the routes of everybody",
        "takes what stays within the application, tries it beforehand, and keeps what it adds",
        "what one tenant writes is never to stop the routes of others",
    ),
    (
        "`domain.canGenerateTraefikMeDomains`",
        "an IP address",
        "an empty text: names are made below the base domain",
        "no address of the machine is published through the names of a third party",
    ),
    ("OpenAPI", "every 200 is an empty object", "every answer has a schema", "programs are made from it"),
)
