"""Bills of materials that the customer supplies, into the tables sbom and component."""

from plumbline.collect.sbom.collector import collect as collect
from plumbline.collect.sbom.cyclonedx import TABLES as TABLES
