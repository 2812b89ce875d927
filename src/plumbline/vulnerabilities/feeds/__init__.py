"""The feeds, one module each; found by their place (`feed.load_feeds`)."""
