"""A rollout: its plan, its states, and what is made of each look. Pure."""
