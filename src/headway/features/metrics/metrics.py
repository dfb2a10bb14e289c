"""Listens to what is announced, counts it, and tells it in the form that Prometheus reads."""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from headway.core.deployments.workload import Workload
from headway.kernel.events import (
    CallAnswered,
    DeliveryTaken,
    DeploymentEnded,
    DeploymentStarted,
    DiskMeasured,
    DueTimeDecided,
    Events,
    LogGrew,
    NoticeSettled,
    PreviewsCounted,
    ReleasesLooked,
    StepEnded,
    SwarmLooked,
)

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4

_OF_WORK = (0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600)
_OF_WAITS = (0.01, 0.1, 1, 5, 15, 60, 300, 900, 3600)
_OF_CALLS = (0.002, 0.01, 0.05, 0.2, 1, 5, 30)


class Metrics:
    """The figures of one panel since its start. What can be asked at any time is given to ``text``."""

    def __init__(self, events: Events, version: str) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # a second line for each figure, of use to nobody
        self._registry = CollectorRegistry()
        self._kinds: set[str] = set()
        self._loops: set[str] = set()
        self._of_calls: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        ProcessCollector(registry=self._registry)
        GCCollector(registry=self._registry)
        self._make_deployments()
        self._make_queue()
        self._make_timers()
        self._make_disk()
        self._make_swarm()
        self._make_previews()
        self._make_http()
        self._make_webhooks()
        about = Gauge("headway_info", "Which Headway this is", ["version"], registry=self._registry)
        about.labels(version).set(1)
        events.listen(DeploymentStarted, self._started)
        events.listen(DeploymentEnded, self._deployment_ended)
        events.listen(StepEnded, lambda step: self._steps.labels(step.kind, step.step).observe(step.seconds))
        events.listen(LogGrew, lambda log: self._log_bytes.inc(log.added_bytes))
        events.listen(CallAnswered, self._answered)
        events.listen(DiskMeasured, self._disk_measured)
        events.listen(ReleasesLooked, self._releases_looked)
        events.listen(SwarmLooked, self._swarm_looked)
        events.listen(PreviewsCounted, self._previews_counted)
        events.listen(DueTimeDecided, self._due_time_decided)
        events.listen(NoticeSettled, lambda settled: self._notices.labels(settled.medium, settled.outcome).inc())
        events.listen(DeliveryTaken, lambda taken: self._deliveries.labels(taken.sender, taken.outcome).inc())

    def text(self, workload: Workload, followers: int, troubles: Mapping[str, int]) -> bytes:
        """Everything, in Prometheus's text format."""
        self._loops |= troubles.keys()
        for loop in self._loops:
            self._troubles.labels(loop).set(troubles.get(loop, 0))
        self._kinds |= workload.waiting.keys() | workload.running.keys()
        for kind in self._kinds:  # one that was seen before and is not there now says 0
            self._waiting.labels(kind).set(workload.waiting.get(kind, 0))
            self._running.labels(kind).set(workload.running.get(kind, 0))
        self._oldest.set(workload.oldest_seconds)
        self._out_of_reach.set(workload.out_of_reach)
        self._leases.set(workload.leases)
        self._lapsed.set(workload.lapsed_leases)
        self._followers.set(followers)
        return generate_latest(self._registry)

    def _make_deployments(self) -> None:
        registry = self._registry
        self._ends = Counter(
            "headway_deployments_ended",
            "Deployments that have ended, by kind, end and reason",
            ["kind", "status", "reason"],
            registry=registry,
        )
        self._durations = Histogram(
            "headway_deployment_duration_seconds",
            "From the start of a deployment to its end",
            ["kind", "status"],
            buckets=_OF_WORK,
            registry=registry,
        )
        self._waits = Histogram(
            "headway_deployment_wait_seconds",
            "From the request for a deployment to its start",
            ["kind"],
            buckets=_OF_WAITS,
            registry=registry,
        )
        self._steps = Histogram(
            "headway_step_duration_seconds",
            "How long the steps of deployments took that came to their end",
            ["kind", "step"],
            buckets=_OF_WORK,
            registry=registry,
        )
        self._log_bytes = Counter("headway_log_bytes", "Bytes written to the logs of deployments", registry=registry)
        self._followers = Gauge("headway_followers", "Readers that follow a deployment now", registry=registry)

    def _make_queue(self) -> None:
        registry = self._registry
        self._waiting = Gauge("headway_queue_length", "Deployments that wait", ["kind"], registry=registry)
        self._running = Gauge("headway_deployments_running", "Deployments that run", ["kind"], registry=registry)
        self._oldest = Gauge("headway_queue_oldest_seconds", "How long the oldest has waited", registry=registry)
        self._out_of_reach = Gauge(
            "headway_deployments_out_of_reach", "Running deployments whose host cannot be reached", registry=registry
        )
        self._leases = Gauge("headway_leases", "Leases under which panels work on deployments", registry=registry)
        self._lapsed = Gauge("headway_leases_lapsed", "Leases that nobody has renewed in time", registry=registry)
        self._troubles = Gauge(
            "headway_troubles",
            "What could not be done and is tried again, by loop: timers, leftovers, undos",
            ["loop"],
            registry=registry,
        )

    def _make_timers(self) -> None:
        registry = self._registry
        self._due_times = Counter(
            "headway_due_times",
            "Due times of schedules and the like, by what became of them: started, skipped, missed, dropped",
            ["type", "fate"],
            registry=registry,
        )
        self._late = Histogram(
            "headway_due_time_late_seconds",
            "How long after the time meant for it a run was asked for",
            ["type"],
            buckets=_OF_WAITS,
            registry=registry,
        )

    def _make_disk(self) -> None:
        self._disk_free = Gauge(
            "headway_disk_free_bytes", "Free where builds are made, as it was measured last", registry=self._registry
        )
        self._disk_held = Gauge(
            "headway_disk_held_bytes",
            "What services hold on the disk by what it is for, as it was measured last",
            ["part"],
            registry=self._registry,
        )

        self._releases = Gauge(
            "headway_releases_kept",
            "Releases that do not serve, by whether one could go back to them, as it was looked last",
            ["usable"],
            registry=self._registry,
        )

    def _make_swarm(self) -> None:
        self._machines = Gauge(
            "headway_swarm_machines",
            "Machines of the swarm that the panel's machine manages, by what the swarm says of them",
            ["state"],
            registry=self._registry,
        )
        self._copies = Gauge(
            "headway_swarm_copies",
            "Copies of applications and of services of stacks in the swarm: wanted, running",
            ["which"],
            registry=self._registry,
        )
        self._seen_states: set[str] = set()

    def _make_previews(self) -> None:
        self._previews = Gauge(
            "headway_previews",
            "Previews of pull requests: awake, asleep, awaiting an approval",
            ["state"],
            registry=self._registry,
        )

    def _make_http(self) -> None:
        self._calls = Counter(
            "headway_http_calls",
            "Calls of procedures, by wire (rest, trpc), procedure and status",
            ["wire", "procedure", "status"],
            registry=self._registry,
        )
        self._call_times = Histogram(
            "headway_http_call_seconds",
            "How long the answers to calls took; of streams, until they began",
            ["procedure"],
            buckets=_OF_CALLS,
            registry=self._registry,
        )

    def _make_webhooks(self) -> None:
        self._notices = Counter(
            "headway_notifications",
            "Attempts to tell something on a channel, by medium and what became of them",
            ["medium", "outcome"],
            registry=self._registry,
        )
        self._deliveries = Counter(
            "headway_webhook_deliveries",
            "Deliveries of webhooks, by sender and what was done about them",
            ["sender", "outcome"],
            registry=self._registry,
        )

    def _previews_counted(self, counted: PreviewsCounted) -> None:
        for state in ("awake", "asleep", "awaiting"):
            self._previews.labels(state).set(counted.states.get(state, 0))

    def _started(self, started: DeploymentStarted) -> None:
        if started.epoch == 1:  # one that was put back has waited before
            self._waits.labels(started.kind).observe(started.waited_seconds)

    def _deployment_ended(self, ended: DeploymentEnded) -> None:
        self._ends.labels(ended.kind, ended.status, ended.reason or "").inc()
        if ended.ran_seconds is not None:
            self._durations.labels(ended.kind, ended.status).observe(ended.ran_seconds)

    def _due_time_decided(self, decided: DueTimeDecided) -> None:
        self._due_times.labels(decided.subject_type, decided.fate).inc()
        if decided.late_seconds is not None:
            self._late.labels(decided.subject_type).observe(decided.late_seconds)

    def _disk_measured(self, measured: DiskMeasured) -> None:
        self._disk_free.set(measured.free_bytes)
        for part, size in measured.held_bytes.items():
            self._disk_held.labels(part).set(size)

    def _releases_looked(self, looked: ReleasesLooked) -> None:
        self._releases.labels("yes").set(looked.usable)
        self._releases.labels("no").set(looked.unusable)

    def _swarm_looked(self, looked: SwarmLooked) -> None:
        self._seen_states |= looked.machines.keys()
        for state in self._seen_states:  # one that was seen before and is not there now says 0
            self._machines.labels(state).set(looked.machines.get(state, 0))
        self._copies.labels("wanted").set(looked.wanted)
        self._copies.labels("running").set(looked.running)

    def _answered(self, call: CallAnswered) -> None:
        kind = call.wire, call.procedure, call.status
        found = self._of_calls.get(kind)
        if found is None:  # to look them up anew costs more than all else here
            counter = self._calls.labels(call.wire, call.procedure, str(call.status))
            found = self._of_calls[kind] = counter, self._call_times.labels(call.procedure)
        found[0].inc()
        found[1].observe(call.seconds)
