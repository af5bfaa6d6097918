"""What is drawn on a terminal, with Rich."""
