"""How fleetctl reaches machines over ssh: agents, host keys, questions to a person."""
