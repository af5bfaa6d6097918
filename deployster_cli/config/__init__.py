"""Settings: where they come from, what they may be, and what they come to."""
