"""A running Suricata: what its configuration says, and the include file that it lacks."""
