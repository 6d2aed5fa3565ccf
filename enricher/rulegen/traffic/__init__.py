"""A capture made again from the records of logs, for the real engine to judge rules on."""
