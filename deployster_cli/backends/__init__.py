"""Where a command is carried out: here, or by a server."""
