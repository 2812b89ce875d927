"""The annotated rig file that `plumbline rig init` writes.

Not a wizard: it asks nothing and fills in nothing. Rules: the text loads as it is, and permits nothing: its dates are long past, so that
nobody starts an audit under an authorisation that nobody gave.
"""

from __future__ import annotations

from importlib import resources


def init_text() -> str:
    """Give the text of a first rig file."""
    return resources.files("plumbline.rig").joinpath("rig.toml.template").read_text(encoding="utf-8")
