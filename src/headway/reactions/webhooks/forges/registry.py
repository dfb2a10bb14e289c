"""The table of senders, in the order in which they are asked whether a delivery is theirs."""

from __future__ import annotations

from collections.abc import Sequence

from headway.reactions.webhooks.forges.base import Form
from headway.reactions.webhooks.forges.bitbucket import Bitbucket
from headway.reactions.webhooks.forges.generic import Generic
from headway.reactions.webhooks.forges.gitea import Gitea
from headway.reactions.webhooks.forges.github import GitHub
from headway.reactions.webhooks.forges.gitlab import GitLab
from headway.reactions.webhooks.forges.registries import Registries

# Gitea sends GitHub's headers beside its own, so it is asked first; a plain call is what is left.
FORMS: Sequence[Form] = (Gitea(), GitHub(), GitLab(), Bitbucket(), Registries(), Generic())
