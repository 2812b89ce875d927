"""Azure IoT Hub: resource files, registry exports and twin queries into hub, hub_policy, hub_certificate, hub_identity and hub_twin."""

from plumbline.collect.azure.collector import TABLES as TABLES
from plumbline.collect.azure.collector import collect as collect
