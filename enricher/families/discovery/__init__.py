"""Families that nobody has named: clusters of records that are far from all that is known."""
