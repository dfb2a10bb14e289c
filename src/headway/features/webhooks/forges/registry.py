"""The table of senders, in the order in which they are asked whether a delivery is theirs."""

from __future__ import annotations

from collections.abc import Sequence

from headway.features.webhooks.forges.base import DeliveryForm
from headway.features.webhooks.forges.bitbucket import Bitbucket
from headway.features.webhooks.forges.generic import Generic
from headway.features.webhooks.forges.gitea import Gitea
from headway.features.webhooks.forges.github import GitHub
from headway.features.webhooks.forges.gitlab import GitLab
from headway.features.webhooks.forges.registries import Registries

# Gitea sends GitHub's headers beside its own, so it is asked first; a plain call is what is left.
FORMS: Sequence[DeliveryForm] = (Gitea(), GitHub(), GitLab(), Bitbucket(), Registries(), Generic())
