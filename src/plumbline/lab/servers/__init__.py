"""The servers of the lab, one module per protocol; each starts what a description of `services` says, on its device's own address."""
