"""From a family to Suricata rules: mine, compose, prove, keep, deploy."""
