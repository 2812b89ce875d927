"""Firmware images into the tables image, package, image_key, image_account and image_file."""

from plumbline.collect.firmware.collector import collect as collect
