"""One file per protocol: its ports, its intrusion, and the conversation that fills its tables. Found by place; see `registry`."""
