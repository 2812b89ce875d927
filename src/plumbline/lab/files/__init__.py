"""The files of the lab's rig: captures, images, manifests, hostkit files, hub exports; the same bytes for the same switches and date."""
