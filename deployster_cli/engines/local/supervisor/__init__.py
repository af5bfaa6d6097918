"""Supervisors of our own, for a machine that no systemd runs."""
