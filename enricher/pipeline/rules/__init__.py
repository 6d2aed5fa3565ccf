"""Rules of a family: proposed, proved, rejected."""
