"""A running Zeek: what is found of it, and the lines that its local.zeek needs."""
