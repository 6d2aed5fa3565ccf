"""The ledger of rules: candidates, their revisions and states, who did what when and why, hits."""
