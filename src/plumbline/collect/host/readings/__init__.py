"""One module for each kind of fact about a system."""
