"""A rig of simulated devices on loopback: each kind as a weak and as a hardened twin, hidden things, and the files of the same rig.

It is what an auditor's tool is shown before it is shown a customer: it knows what is wrong with it (`truth`), because every weakness is a
switch (`switches`). It is no emulator of real products, and it never leaves 127.0.0.0/8.

Rules: `fleet` says what exists, as values; `servers` and `files` make it real and add nothing of their own; nothing reads a clock but the
servers of protocols that carry the time.
"""
