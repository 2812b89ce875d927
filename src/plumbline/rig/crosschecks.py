"""What the tables of a rig file must mean to each other: scope, sites, exclusions, assets.

Not the shape of one table (`schema`), and not files on disk (`files`). Rules: each check takes the draft and notes every breach; it says
nothing of what could not be read. Whatever is refused here `permits` would refuse too, one contact at a time; here it is said early.
"""

from __future__ import annotations

from fnmatch import fnmatchcase

from plumbline.rig.addresses import Address, AddressSet, IPNetwork, host_network, is_public_range
from plumbline.rig.permits import PUBLIC_ADDRESSES_MAX
from plumbline.rig.problems import KeyPath, ProblemList
from plumbline.rig.schema import AssetTable, AuthorisationTable
from plumbline.rig.tables import Draft
from plumbline.rig.values import is_mac
from plumbline.standards.profiles import nearest, profile_ids

_AUTHORISATION: KeyPath = ("authorisation",)


def check(draft: Draft, problems: ProblemList) -> None:
    """Note every breach between the tables of a draft."""
    _check_overlaps(draft, problems)
    _check_assets(draft, problems)
    _check_logins(draft, problems)
    _check_named_assets(draft, problems)
    _check_customs(draft, problems)
    _check_populations(draft, problems)
    _check_standards(draft, problems)
    if draft.authorisation is not None:
        _check_times(draft.authorisation, problems)
        _check_public(draft.authorisation, problems)
        _check_never_touch(draft.authorisation, draft, problems)
        _check_scope(draft.authorisation, draft, problems)
        _check_excluded_assets(draft.authorisation, draft, problems)
        _check_discovery(draft.authorisation, draft, problems)


def needs_signature(authorisation: AuthorisationTable) -> str | None:
    """Give the key of [authorisation] that makes a signature necessary, or None."""
    if authorisation.intrusion == "credential":
        return "intrusion"
    return "networks" if any(is_public_range(network) for network in authorisation.networks) else None


def never_touched(asset: AssetTable, listed: set[str]) -> bool:
    """Say whether an asset may not be touched: by its own word, or by the ids and MACs that never_touch lists."""
    return asset.safety or asset.never_touch or asset.id in listed or asset.id.lower() in listed or asset.mac in listed


def listed_names(authorisation: AuthorisationTable) -> set[str]:
    """Give the asset ids and MACs of never_touch."""
    return {entry for entry in authorisation.never_touch if isinstance(entry, str)}


def _check_times(authorisation: AuthorisationTable, problems: ProblemList) -> None:
    if authorisation.valid_until <= authorisation.valid_from:
        message = f"ends at {authorisation.valid_until.isoformat()}, not after valid_from"
        problems.add((*_AUTHORISATION, "valid_until"), message, "give a later date")
    for index, window in enumerate(authorisation.windows):
        key = (*_AUTHORISATION, "windows", index)
        if window.opens == window.closes:
            problems.add((*key, "to"), "is the same as from", 'a whole day is from "00:00" to "24:00"')
        if window.opens == 24 * 60:
            problems.add((*key, "from"), "no window opens at 24:00", 'write "00:00" and the next day')


def _check_public(authorisation: AuthorisationTable, problems: ProblemList) -> None:
    key = (*_AUTHORISATION, "networks")
    public = [network for network in authorisation.networks if is_public_range(network)]
    if public and not authorisation.public:
        problems.add(key, f"{public[0]} holds public addresses", "set public = true if their owner agrees; the file must then be signed")
    if sum(network.num_addresses for network in public) > PUBLIC_ADDRESSES_MAX:
        problems.add(key, f"lists more than {PUBLIC_ADDRESSES_MAX} public addresses", "list only those that the customer owns")
    if authorisation.intrusion != "passive" and not authorisation.networks:
        message = f"is empty, and intrusion is {authorisation.intrusion}"
        problems.add(key, message, 'list what may be contacted, or set intrusion = "passive"')


def _check_never_touch(authorisation: AuthorisationTable, draft: Draft, problems: ProblemList) -> None:
    ids = {asset.id for _, asset in draft.assets}
    for index, entry in enumerate(authorisation.never_touch):
        if isinstance(entry, str) and not is_mac(entry) and entry not in ids:
            remedy = "write an address, a network, a MAC, or the id of an [[asset]]"
            problems.add((*_AUTHORISATION, "never_touch", index), f"no asset has the id {entry!r}", remedy)


def _check_scope(authorisation: AuthorisationTable, draft: Draft, problems: ProblemList) -> None:
    authorised, excluded = AddressSet(authorisation.networks), AddressSet(authorisation.exclude)
    for number, table in draft.networks:
        for index, swept in enumerate(table.ranges):
            if not authorised.covers(swept):
                key: KeyPath = ("network", number, "ranges", index)
                problems.add(key, f"{swept} is not inside authorisation.networks", "narrow the range, or have its owner widen networks")
    named: list[tuple[KeyPath, Address]] = []
    named += [((*_AUTHORISATION, "anchors", i, "address"), anchor.address) for i, anchor in enumerate(authorisation.anchors)]
    named += [((*_AUTHORISATION, "resolvers", i), resolver) for i, resolver in enumerate(authorisation.resolvers)]
    for key, address in named:
        if address not in authorised:
            remedy = "nothing outside is ever contacted: add it there, or leave it out"
            problems.add(key, f"{address} is not inside authorisation.networks", remedy)
        elif address in excluded:
            problems.add(key, f"{address} is excluded", "leave it out of exclude, or choose another")


def _check_overlaps(draft: Draft, problems: ProblemList) -> None:
    """Two ranges of one site may not share an address: nobody could say which network's ports hold there."""
    names: set[str] = set()
    spans: list[tuple[str, int, int, int, IPNetwork, KeyPath]] = []
    for number, table in draft.networks:
        if table.name in names:
            problems.add(("network", number, "name"), f"{table.name!r} is used twice", "give each network its own name; permits cite it")
        names.add(table.name)
        for index, swept in enumerate(table.ranges):
            key: KeyPath = ("network", number, "ranges", index)
            spans.append((table.site, swept.version, int(swept.network_address), int(swept.broadcast_address), swept, key))
    spans.sort(key=lambda span: (*span[:3], -span[3]))
    widest = None
    for span in spans:
        if widest is not None and span[:2] == widest[:2] and span[2] <= widest[3]:
            second, first = sorted((span, widest), key=lambda found: _place(found[5]), reverse=True)
            problems.add(second[5], f"{second[4]} overlaps {first[4]} on the same site", "let each address stand in one range of its site")
        if widest is None or span[:2] != widest[:2] or span[3] > widest[3]:
            widest = span


def _place(key: KeyPath) -> tuple[int, ...]:
    return tuple(part for part in key if isinstance(part, int))


def _check_assets(draft: Draft, problems: ProblemList) -> None:
    ids: set[str] = set()
    sites: dict[Address, list[str | None]] = {}
    for number, asset in draft.assets:
        if asset.id in ids:
            problems.add(("asset", number, "id"), f"{asset.id!r} is used twice", "give each asset its own id")
        ids.add(asset.id)
        for address in asset.address:
            others = sites.setdefault(address, [])
            if others and (asset.site is None or None in others or asset.site in others):
                message = f"{address} is declared twice"
                problems.add(("asset", number, "address"), message, "correct one; devices of two sites need their site")
            others.append(asset.site)


def _check_logins(draft: Draft, problems: ProblemList) -> None:
    ids = [asset.id for _, asset in draft.assets]
    for number, login in draft.logins:
        for index, pattern in enumerate(login.assets):
            if not any(fnmatchcase(one, pattern) for one in ids):
                problems.add(
                    ("login", number, "assets", index), f"{pattern!r} matches no asset", "name ids of [[asset]], or patterns of ids"
                )
        for key in ("auth", "privacy", "privacy_secret"):
            if login.kind != "snmp" and getattr(login, key) is not None:
                problems.add(("login", number, key), "belongs to SNMPv3", 'leave it out, or write kind = "snmp"')
        if login.kind != "ssh" and login.host_key is not None:
            problems.add(("login", number, "host_key"), "belongs to SSH", 'leave it out, or write kind = "ssh"')
        if (login.privacy is None) != (login.privacy_secret is None):
            missing = "privacy" if login.privacy is None else "privacy_secret"
            problems.add(("login", number, missing), "is missing", "privacy and privacy_secret go together")
        if login.kind == "snmp" and login.auth is None:
            problems.add(("login", number, "auth"), "is missing", 'name the authentication: "sha256"')
        if draft.authorisation is not None and draft.authorisation.intrusion in ("passive", "query"):
            message = f"a login needs a session, and intrusion is {draft.authorisation.intrusion}"
            problems.add(("login", number, "kind"), message, 'set intrusion = "session", or leave [[login]] out')


def _check_named_assets(draft: Draft, problems: ProblemList) -> None:
    ids = {asset.id for _, asset in draft.assets}
    named = [("sbom", index, table.asset) for index, table in draft.sboms]
    named += [("hostkit", index, table.asset) for index, table in draft.hostkits]
    named += [("import", index, table.asset) for index, table in draft.imports]
    for word, index, asset in named:
        if asset is not None and asset not in ids:
            problems.add((word, index, "asset"), f"no asset has the id {asset!r}", "correct it, or declare the [[asset]]")
    for index, sbom in draft.sboms:
        if (sbom.model is None) == (sbom.asset is None):
            problems.add(("sbom", index), "must say what it is about, once", "name model or asset")
    sites = {network.site for _, network in draft.networks} | {one.site for _, one in draft.assets if one.site is not None}
    for index, table in draft.imports:
        if table.site is not None and table.site not in sites:
            problems.add(("import", index, "site"), f"no network is on the site {table.site!r}", "correct it, or leave it out")


def _check_customs(draft: Draft, problems: ProblemList) -> None:
    names: set[str] = set()
    for index, custom in draft.customs:
        if custom.name in names:
            problems.add(("custom", index, "name"), f"{custom.name!r} is used twice", "give each part its own name")
        names.add(custom.name)
        if sum(value is not None for value in (custom.firmware, custom.module, custom.code)) != 1:
            problems.add(("custom", index), "must be one thing", "name firmware, module or code")


def _check_populations(draft: Draft, problems: ProblemList) -> None:
    models: set[str] = set()
    for index, population in draft.populations:
        if population.model in models:
            problems.add(("population", index, "model"), f"{population.model!r} is used twice", "give each model one population")
        models.add(population.model)
        known = sum(asset.model == population.model for _, asset in draft.assets)
        if known > population.size:
            message = f"is {population.size}, and {known} assets of that model are declared"
            problems.add(("population", index, "size"), message, "count all of them")


def _check_standards(draft: Draft, problems: ProblemList) -> None:
    named = draft.standards.assess if draft.standards is not None else []
    for index, name in enumerate(named):
        if name not in profile_ids():
            problems.add(("standards", "assess", index), f"no standard or profile {name!r}", nearest(name))


def _check_excluded_assets(authorisation: AuthorisationTable, draft: Draft, problems: ProblemList) -> None:
    excluded, listed = AddressSet(authorisation.exclude), listed_names(authorisation)
    for number, asset in draft.assets:
        held = next((address for address in asset.address if address in excluded), None)
        if held is not None and not never_touched(asset, listed):
            remedy = "set never_touch = true on the asset to keep it on record, or leave its address out"
            problems.add(("asset", number, "address"), f"{held} is excluded", remedy)


def _check_discovery(authorisation: AuthorisationTable, draft: Draft, problems: ProblemList) -> None:
    """Refuse discovery that could run on no network; where some are free, the judge refuses the others one by one."""
    if not authorisation.discovery or not draft.networks:
        return
    listed = listed_names(authorisation)
    kept_away = [entry for entry in authorisation.never_touch if not isinstance(entry, str)]
    kept_away += [host_network(a) for _, asset in draft.assets if never_touched(asset, listed) for a in asset.address]
    kept_away += authorisation.exclude
    away = AddressSet(kept_away)
    if all(any(away.overlaps(swept) for swept in table.ranges) for _, table in draft.networks):
        message = "every network holds an excluded or untouchable address, and multicast reaches them all"
        problems.add((*_AUTHORISATION, "discovery"), message, "leave discovery out, or give those devices their own network")
