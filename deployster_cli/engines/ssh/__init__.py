"""The ssh engine: systemd on any number of machines, over the OpenSSH that the user has."""
