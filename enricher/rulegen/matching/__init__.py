"""A rule evaluated on log records, with the normalisation that Suricata applies."""
