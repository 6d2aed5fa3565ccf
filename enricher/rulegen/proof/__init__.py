"""What speaks for a candidate rule: lint, engine, history, captures."""
