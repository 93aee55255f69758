"""The control API: what the command line and the dashboard ask. One file per thing asked about."""
