"""Releases as Deployments of a Kubernetes cluster: what it would be asked for. In no table of runtimes yet, since no
cluster has seen it; see docs/decisions/0021-a-kubernetes-form.md.
"""
