"""HTTP in and out: routes, the control API, error replies."""
