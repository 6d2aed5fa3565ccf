"""From a few labelled records to a head that is served beside those of the bundle."""
