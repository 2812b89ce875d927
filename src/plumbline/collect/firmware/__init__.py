"""Firmware images and update packages into the image tables and component."""

from plumbline.collect.firmware.collector import collect as collect
from plumbline.collect.firmware.reading import TABLES as TABLES
