"""The local engine: systemd on this machine, or supervisors of our own."""
