"""Terminal summary and HTML report of a scan."""
