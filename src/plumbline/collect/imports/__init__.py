"""Results of other tools, which the customer supplies, into the tables imported_service and imported_finding."""

from plumbline.collect.imports.collector import TABLES as TABLES
from plumbline.collect.imports.collector import collect as collect
