"""One file per outside thing, named for the port it serves."""
