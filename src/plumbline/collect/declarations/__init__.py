"""What the owner answers of provisions, into the table declaration."""

from plumbline.collect.declarations.collector import TABLES as TABLES
from plumbline.collect.declarations.collector import collect as collect
