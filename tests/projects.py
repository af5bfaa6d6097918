"""Projects that several tests deploy from."""

# On this machine, without systemd: a service that does nothing for ten minutes.
LOCAL = """
engine = "local"

[local]
root = "state"
manager = "supervisor"

[services.carousel]
template = "process"
command = "exec sleep 600"
"""
