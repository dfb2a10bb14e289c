"""Daemons: processes that serve the panel and outlive it, under which terms they run, and what keeps them up."""
