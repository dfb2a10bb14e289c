"""Commit statuses: how deployments are, told to the forges from which their commits come."""
