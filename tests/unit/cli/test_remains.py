"""What the command line says of what a deletion leaves."""

from __future__ import annotations

from headway.cli.remains import remains


def test_volumes_are_named_with_the_command_that_lists_them_and_hosts_by_their_names() -> None:
    row = {"domains": [{"host": "a.example.org"}, {"host": "a.example.org"}, {"host": "b.example.org"}]}
    assert remains(row, "headway.compose=c1") == (
        "What stays: volumes of its containers (on its machine: docker volume ls --filter label=headway.compose=c1), "
        "images that were fetched for it, the records in the DNS of a.example.org, b.example.org, "
        "its repository, and backups at storages."
    )


def test_volumes_that_went_are_not_named_and_many_hosts_are_counted() -> None:
    row = {"domains": [{"host": f"{number}.example.org"} for number in range(7)]}
    told = remains(row, "headway.compose=c1", volumes_went=True)
    assert told.startswith("What stays: images that were fetched for it, the records in the DNS of 0.example.org, ")
    assert "4.example.org and 2 more, its repository" in told
