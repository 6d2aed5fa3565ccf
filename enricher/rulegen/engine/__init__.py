"""The real Suricata as a child process: check rules, lint them, replay captures, reload."""
