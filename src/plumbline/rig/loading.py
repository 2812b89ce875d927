"""Reads rig.toml into a Rig, or says everything that is wrong with it at once.

Not the rules themselves: shape stands in `schema`, meaning in `crosschecks`. Nothing is contacted here.

Rules: the file is read once, and its digest, signature and tables all come from those bytes; a file above 1 MB, not in UTF-8, or nested
without reason is refused before it is parsed; a signature that is there must hold, even where none is needed.
"""

from __future__ import annotations

import hashlib
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, TypeVar

from plumbline.model.errors import InputError
from plumbline.model.words import Criticality, DeviceClass, Intrusion
from plumbline.rig import crosschecks
from plumbline.rig.files import Files
from plumbline.rig.models import (
    Anchor,
    Asset,
    Authorisation,
    Capture,
    Custom,
    Declaration,
    Edge,
    Firmware,
    Hostkit,
    Hub,
    Import,
    Login,
    Manual,
    Network,
    Population,
    Rig,
    Sbom,
    UpdateService,
)
from plumbline.rig.problems import ProblemList, errors_of, unreadable
from plumbline.rig.schema import AuthorisationTable, CustomTable, LoginTable
from plumbline.rig.signature import SignatureInfo, signature_path, verify_bytes
from plumbline.rig.tables import Draft, read_tables
from plumbline.rig.toml_text import NotTomlError, parse
from plumbline.rig.values import is_mac
from plumbline.rig.windows import Window

SIZE_MAX = 1_000_000  # bytes; ten thousand declared assets fit
P = TypeVar("P")
LOGIN_PORTS = {"ssh": 22, "snmp": 161}


def load(path: Path) -> Rig:
    """Load a rig file; raises RigErrors (an InputError) with every problem, RigNotYetError where one is a later release's feature."""
    data = _read(path)
    text = _decode(path, data)
    document, problems = _parse(path, text)
    draft = read_tables(document, problems)
    crosschecks.check(draft, problems)
    files = Files(path.absolute().parent, problems)
    captures = [Capture(f) for i, t in draft.captures for f in files.find(t.path, ("capture", i, "path"))]
    firmware = [Firmware(f, t.model) for i, t in draft.firmware for f in files.find(t.path, ("firmware", i, "path"))]
    edges = [Edge(f, t.device) for i, t in draft.edges for f in files.find(t.manifest, ("edge", i, "manifest"))]
    hubs = _hubs(draft, files, problems)
    sboms = [Sbom(f, t.model, t.asset) for i, t in draft.sboms for f in files.find(t.path, ("sbom", i, "path"))]
    hostkits = [Hostkit(f, t.asset) for i, t in draft.hostkits for f in files.find(t.path, ("hostkit", i, "path"))]
    services = [UpdateService(t.kind, f) for i, t in draft.update_services for f in files.find(t.path, ("update_service", i, "path"))]
    imports = [Import(t.kind, f, t.site, t.asset) for i, t in draft.imports for f in files.find(t.path, ("import", i, "path"))]
    manuals = [Manual(f) for i, t in draft.manuals for f in files.find(t.path, ("manual", i, "path"))]
    declarations = [Declaration(f) for i, t in draft.declarations for f in files.find(t.path, ("declaration", i, "path"))]
    customs = [_custom(i, t, files) for i, t in draft.customs]
    signature = _signature(path, data, draft, problems)
    if problems.found or draft.rig is None or draft.authorisation is None:
        raise errors_of(problems.found)
    listed = crosschecks.listed_names(draft.authorisation)
    return Rig(
        id=draft.rig.id,
        name=draft.rig.name or draft.rig.id,
        owner=draft.rig.owner,
        authorisation=_authorisation(draft.authorisation),
        networks=tuple(Network(t.name, t.site, tuple(t.ranges), t.ports.tcp, t.ports.udp) for _, t in draft.networks),
        captures=_once(captures),
        firmware=_once(firmware),
        edges=_once(edges),
        hubs=tuple(hubs),
        sboms=_once(sboms),
        hostkits=_once(hostkits),
        update_services=_once(services),
        imports=_once(imports),
        manuals=_once(manuals),
        declarations=_once(declarations),
        customs=tuple(customs),
        logins=tuple(_login(table, draft) for _, table in draft.logins),
        populations=tuple(Population(t.model, t.size, t.drawn == "random") for _, t in draft.populations),
        assets=_assets(draft, listed),
        parameters=draft.parameters,
        standards=tuple(draft.standards.assess) if draft.standards else (),
        path=path.absolute(),
        sha256=hashlib.sha256(data).hexdigest(),
        signature=signature,
        text=text,
    )


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(SIZE_MAX + 1)
    except OSError as error:
        remedy = "check the path; `plumbline rig init` writes a first one"
        raise unreadable(path, None, f"cannot be read: {error.strerror}", remedy) from error
    if len(data) > SIZE_MAX:
        raise unreadable(path, None, f"is larger than {SIZE_MAX} bytes", "a rig file names files, it does not hold them")
    return data


def _decode(path: Path, data: bytes) -> str:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise unreadable(path, line, f"byte {error.start} is not UTF-8", "save the file as UTF-8") from error
    if text.startswith("\ufeff"):
        raise unreadable(path, 1, "starts with a byte order mark", "save the file as UTF-8 without one")
    return text


def _parse(path: Path, text: str) -> tuple[dict[str, Any], ProblemList]:
    try:
        document, layout = parse(text)
    except NotTomlError as error:
        raise unreadable(path, error.line, error.message, error.remedy) from error
    return document, ProblemList(path.name, layout.lines)


def _signature(path: Path, data: bytes, draft: Draft, problems: ProblemList) -> SignatureInfo | None:
    beside = signature_path(path)
    needed = crosschecks.needs_signature(draft.authorisation) if draft.authorisation else None
    if beside.exists():
        try:
            return verify_bytes(data, beside)
        except InputError as error:
            problems.add((), f"{beside.name}: {error.message}", error.remedy)
    elif needed is not None:
        what = "default logins need" if needed == "intrusion" else "public addresses need"
        message = f"{what} a signature, and {beside.name} does not exist"
        problems.add(("authorisation", needed), message, "have the rig's owner sign this file")
    return None


def _hubs(draft: Draft, files: Files, problems: ProblemList) -> list[Hub]:
    found = []
    for index, table in draft.hubs:
        if table.resource is None and table.devices is None and not table.live:
            problems.add(("hub", index), "names neither resource nor devices", "name at least one export")
        if table.live:
            continue
        resource = files.find_one(table.resource, ("hub", index, "resource")) if table.resource is not None else None
        devices = files.find_one(table.devices, ("hub", index, "devices")) if table.devices is not None else None
        found.append(Hub(table.kind, resource, devices))
    return found


def _custom(index: int, table: CustomTable, files: Files) -> Custom:
    images = files.find(table.firmware, ("custom", index, "firmware")) if table.firmware is not None else []
    code = files.find_code(table.code, ("custom", index, "code")) if table.code is not None else None
    return Custom(table.name, tuple(images), table.module, code)


def _login(table: LoginTable, draft: Draft) -> Login:
    named = tuple(asset.id for _, asset in draft.assets if any(fnmatchcase(asset.id, pattern) for pattern in table.assets))
    port = table.port or LOGIN_PORTS[table.kind]
    return Login(table.kind, named, table.user, table.secret, port, table.host_key, table.auth, table.privacy, table.privacy_secret)


def _authorisation(table: AuthorisationTable) -> Authorisation:
    return Authorisation(
        reference=table.reference,
        granted_by=table.granted_by,
        emergency_contact=table.emergency_contact,
        valid_from=table.valid_from,
        valid_until=table.valid_until,
        windows=tuple(Window(frozenset(w.days), w.opens, w.closes, w.timezone) for w in table.windows),
        networks=tuple(table.networks),
        public=table.public,
        exclude=tuple(table.exclude),
        never_touch=tuple(entry for entry in table.never_touch if not isinstance(entry, str)),
        never_touch_macs=frozenset(entry for entry in table.never_touch if isinstance(entry, str) and is_mac(entry)),
        intrusion=Intrusion.parse(table.intrusion),
        exchanges_per_second=table.exchanges_per_second,
        source=table.source,
        anchors=tuple(Anchor(a.address, a.mac) for a in table.anchors),
        resolvers=tuple(table.resolvers),
        hosts=frozenset(table.hosts),
        discovery=tuple(dict.fromkeys(table.discovery)),
    )


def _assets(draft: Draft, listed: set[str]) -> tuple[Asset, ...]:
    return tuple(
        Asset(
            id=t.id,
            name=t.name or t.id,
            site=t.site,
            addresses=t.address,
            mac=t.mac,
            model=t.model,
            hub_device_id=t.hub_device_id,
            device_class=DeviceClass(t.device_class) if t.device_class else None,
            criticality=Criticality(t.criticality) if t.criticality else None,
            safety=t.safety,
            never_touch=crosschecks.never_touched(t, listed),
        )
        for _, t in draft.assets
    )


def _once(found: list[P]) -> tuple[P, ...]:
    """Drop repeats: two patterns may match one file."""
    return tuple(dict.fromkeys(found))
