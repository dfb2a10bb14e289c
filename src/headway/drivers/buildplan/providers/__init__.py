"""One module a language: how its repositories are recognised, built and started."""
