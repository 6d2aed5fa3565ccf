"""What is found of a running Zeek or Suricata, and what it is told to add."""
