"""The files of the lab's rig: capture, images, deployment manifests, hub exports; the same bytes for the same switches and date."""
