"""A Suricata rule as a value: its header and options, read from text and written to it."""
