"""The pipeline for ever: follow, score, alert, commit."""
