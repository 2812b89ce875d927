"""IoT Edge: deployment manifests into the tables edge_deployment, edge_module and edge_registry."""

from plumbline.collect.edge.collector import TABLES as TABLES
from plumbline.collect.edge.collector import collect as collect
