"""What forges are told: statuses beside the commits of deployments, and reports on pull requests of their previews."""
