"""Schedules on a server behind SSH."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.test_schedules import living, ran, run, schedule
from tests.support.machines.ssh_servers import SSHD, ssh_server
from tests.support.panel.panel import panel, until

pytestmark = [pytest.mark.slow, pytest.mark.root, pytest.mark.timeout(180)]


@pytest.mark.skipif(SSHD is None, reason="apt-get install openssh-server")
def test_a_script_runs_on_a_server_and_a_kill_leaves_nothing_there(tmp_path: Path) -> None:
    with ssh_server(tmp_path / "server") as server, panel(tmp_path / "data") as running:
        key = running.post("sshKey.create", name="k", privateKey=server.key.reveal())["sshKeyId"]
        made = running.post("server.create", name="s", ipAddress="127.0.0.1", port=server.port, sshKeyId=key)
        where = {"scheduleType": "server", "serverId": made["serverId"]}
        row, log = ran(running, 'echo "$SSH_CONNECTION at $HOME"; pwd', **where)
        assert (row["status"], row["serverId"]) == ("done", made["serverId"]), (row["errorMessage"], log)
        assert "at /root\n/\n" in log
        hiding = "(setsid sleep 7701 &)\nenv -i setsid sleep 7701 </dev/null >/dev/null 2>&1 &\necho up\nsleep 7701"
        schedule_id = schedule(running, hiding, **where)
        deployment_id = run(running, schedule_id)
        running.running(deployment_id, "up")
        until(lambda: len(living("7701")) >= 3, 10)
        running.post("deployment.killProcess", deploymentId=deployment_id)
        assert living("7701") == []
        assert [each["scheduleId"] for each in running.get("schedule.list", id=made["serverId"], scheduleType="server")]
        running.post("server.remove", serverId=made["serverId"])
        gone = {"scheduleId": schedule_id}
        until(lambda: running.client.get("/schedule.one", params=gone).status_code == 404, 10)
