"""The fleet engine: argv out, listings in, and nothing that fleetctl says taken at its word."""
