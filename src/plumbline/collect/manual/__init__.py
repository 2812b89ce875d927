"""Results of tests by hand that the customer or the auditor supplies, into the table manual_result."""

from plumbline.collect.manual.collector import TABLES as TABLES
from plumbline.collect.manual.collector import collect as collect
