"""Names, changes, records and locks as values; no clock, no file, no network."""
