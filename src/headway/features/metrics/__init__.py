"""What Prometheus is told of a panel."""
