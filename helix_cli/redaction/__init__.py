"""What `helix redact` and `helix restore` read and write: files, folders, pipes, lines of JSON, maps."""
