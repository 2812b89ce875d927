"""The rig file: what the customer owns and what they allow. Loads it, judges every contact against it, plans; opens no socket."""
