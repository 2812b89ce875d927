"""Exports of update services into the table update_service_device."""

from plumbline.collect.update_services.collector import TABLES as TABLES
from plumbline.collect.update_services.collector import collect as collect
