"""Meta-learned threat detection beside a running Zeek or Suricata."""

__version__ = "0.1.0"
