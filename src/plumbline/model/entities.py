"""Entities, `kind:site/key`, and subjects, `tcp/1883`: how rows say what they are about."""

from __future__ import annotations

from dataclasses import dataclass

from plumbline.model.words import EntityKind


@dataclass(frozen=True, slots=True, order=True)
class Entity:
    """What one collector saw, before correlation. `site` may be empty; `key` may hold slashes."""

    kind: str
    site: str
    key: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.site}/{self.key}"

    @classmethod
    def of(cls, kind: EntityKind, site: str, key: str) -> Entity:
        """Build one from a kind of the vocabulary."""
        return cls(kind.value, site, key)

    @classmethod
    def parse(cls, text: str) -> Entity:
        """Read `kind:site/key`; raises ValueError when a part is missing."""
        kind, colon, rest = text.partition(":")
        site, slash, key = rest.partition("/")
        if not (kind and colon and slash and key):
            raise ValueError(f"not an entity: {text!r} (want kind:site/key)")
        return cls(kind, site, key)


def port_subject(transport: str, port: int) -> str:
    """Name the subject of a service, for example `tcp/1883`."""
    return f"{transport}/{port}"
