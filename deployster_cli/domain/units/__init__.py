"""Units: their names, files, states and journals. Pure."""
