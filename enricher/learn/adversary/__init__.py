"""What detection loses when attackers grow what is in their hand."""
