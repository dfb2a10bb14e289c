"""Where the files of compose services lie on a host, made from ids and never from names."""

from __future__ import annotations

from dataclasses import dataclass

from headway.drivers.sources.git_commands import GitFolders
from headway.features.servers.source_transfer import TransferFolders


@dataclass(frozen=True, slots=True)
class ComposeFolders:
    """Folders below ``work``, which the unprivileged accounts can pass through, and below ``private``, which they
    cannot.
    """

    work: str
    private: str

    def own(self, compose_id: str) -> str:
        """All files of a compose service; closed to every account but its own."""
        return f"{self.work}/composes/{compose_id}"

    def release(self, compose_id: str, release_id: str) -> str:
        """The files that one deployment began with: the repository, or the file that was written by hand."""
        return f"{self.own(compose_id)}/{release_id}"

    def files(self, compose_id: str) -> str:
        """What stays from one deployment to the next: ``../files`` as a compose file sees it."""
        return f"{self.own(compose_id)}/files"

    def mirror(self, compose_id: str) -> str:
        """The bare repository of what was fetched."""
        return f"{self.work}/mirrors/{compose_id}"

    def archives(self, compose_id: str) -> str:
        """What was uploaded for a compose service: only the panel reads it."""
        return f"{self.private}/archives/{compose_id}"

    def login(self, deployment_id: str) -> str:
        """Where the credentials of registries lie while a deployment fetches images."""
        return f"{self.work}/logins/{deployment_id}"

    @property
    def bundles(self) -> TransferFolders:
        """Where sources lie on their way between machines."""
        return TransferFolders(self.work, self.private)

    @property
    def git(self) -> str:
        """Git's own configuration, and the host keys seen so far."""
        return f"{self.work}/git"

    def git_of(self, compose_id: str) -> GitFolders:
        """Where git keeps things for it."""
        return GitFolders(
            mirror=self.mirror(compose_id),
            known_hosts=f"{self.git}/hosts/{compose_id}",
            known_before=f"{self.git}/known_hosts",
            gitconfig=f"{self.git}/config",
            key_folder=self.keys,
        )

    @property
    def keys(self) -> str:
        """Where an SSH key lies while git uses it."""
        return f"{self.work}/keys"

    def all_of(self, compose_id: str) -> tuple[str, ...]:
        """Every folder that goes with a compose service."""
        return (*self.git_of(compose_id).own, self.own(compose_id), self.archives(compose_id))
