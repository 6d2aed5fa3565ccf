"""Approved rules to Suricata: the rules file, the reload, the way back, exports."""
