"""The site's own families: adapted from a few records, kept, shared with other sites."""
