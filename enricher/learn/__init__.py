"""From labelled logs to a trained bundle, and how well it does. Never imported at run time."""
