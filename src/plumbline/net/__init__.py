"""The one door to a rig's devices: permits asked, caps held, every exchange logged. Nothing else opens a socket (law 1)."""
