"""Live collection: sweep the authorised networks, find out what speaks on each open port, and run that protocol's probe."""
