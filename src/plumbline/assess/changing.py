"""The SQL behind `changes`: two ledgers joined where an asset is the same asset, one row for each finding of either.

    met           asset, now, through, itself, doubtful       `identity.match`
    was           the earlier findings, with what the later ledger says at their place
    came          the later findings that the earlier ledger had not, with what it said there
    moved         pairs of the two
    change        "check", asset, subject, cvss, old_cvss, old_verdict, new_verdict, word, why, new_asset, new_subject, through

What each word means stands in `changes`. `cvss` is that of the later audit where the finding is still wrong there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

from plumbline.assess.digest import ledger_files, readable
from plumbline.assess.identity import Known, Match, match, read_identity
from plumbline.assess.looked import ADDRESS, LEFT_OUT
from plumbline.assess.looked import FILE as LOOKED
from plumbline.checks.registry import load_registry
from plumbline.evidence.engine import Connection, file_list, literal
from plumbline.evidence.specs import load_tables
from plumbline.model.entities import Entity
from plumbline.model.errors import InputError
from plumbline.model.words import Basis, EntityKind
from plumbline.rig.addresses import AddressSet, IPNetwork

STATED = (Basis.MANUAL, Basis.DECLARED)
Key = tuple[str, str, str]
"""Check, asset, subject."""

Asked = Mapping[str, Any] | None
"""With which parameters a check asked; None where that was not told."""


def define_changes(
    connection: Connection,
    old: Path,
    new: Path,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    waiting: Mapping[Key, Asked] | None = None,
    known: Known | None = None,
) -> None:
    """Make the table `change`, one row for each finding of either, and the views `old_ledger` and `new_ledger`.

    `waiting` are findings of still earlier audits that the old one could not judge, each with the parameters that found it: they count as
    its own. `known` are the assets of the old one, where more is known of them than it says (None: as it says).
    """
    _define_waiting(connection, waiting or {}, asked_in(after))
    _define_ledger(connection, "old_ledger", old, waiting=bool(waiting))
    _define_ledger(connection, "new_ledger", new)
    _define_looked(connection, new, after)
    known_before, known_now = read_identity(old) if known is None else known, read_identity(new)
    _define_matches(connection, match(known_before, known_now))
    _define_names(connection, "old_check", [check["id"] for check in before["checks"]])
    _define_names(connection, "new_check", [check["id"] for check in after["checks"]])
    _define_names(connection, "other_question", sorted(_other_questions(asked_in(before), asked_in(after))))
    _define_names(connection, "elsewhere", sorted(_elsewhere(known_before, known_now)))
    _define_names(connection, "looked_at", sorted(_looked_at(connection, known_before, new)))
    _define_names(connection, "read_hub", sorted(_read_sources(after, EntityKind.HUB)))
    with readable(new):  # of the earlier ledger, or of this one
        for statement in (_WAS, _CAME, _MOVED, _CHANGE):
            connection.execute(statement)


def asked_in(said: Mapping[str, Any]) -> dict[str, Asked]:
    """Give the checks of an assessment, read as JSON, by their current ids, with the parameters that each asked with."""
    aliases = load_registry().aliases
    return {aliases.get(check["id"], check["id"]): check.get("parameters") for check in said["checks"]}


def _define_waiting(connection: Connection, waiting: Mapping[Key, Asked], after: Mapping[str, Asked]) -> None:
    connection.execute('create or replace temp table waiting ("check" varchar, asset varchar, subject varchar, otherwise boolean)')
    if waiting:
        rows = [(*key, key[0] in after and after[key[0]] != asked) for key, asked in waiting.items()]
        columns = [list(column) for column in zip(*rows, strict=True)]
        connection.execute("insert into waiting select unnest(?), unnest(?), unnest(?), unnest(?)", columns)


def _define_ledger(connection: Connection, name: str, out: Path, *, waiting: bool = False) -> None:
    check = '"check"'
    if aliases := load_registry().aliases:
        renamed = " ".join(f"when {literal(old)} then {literal(new)}" for old, new in sorted(aliases.items()))
        check = f"case {check} {renamed} else {check} end"
    ledger = out / "ledger.parquet"
    files = file_list(ledger_files(ledger))
    rows = f'select {check} as "check", asset, subject, verdict, reason, cvss from read_parquet([{files}])'
    if waiting:
        rows = (
            f'from ({rows}) anti join waiting using ("check", asset, subject)'
            """ union all by name select "check", asset, subject, 'fail' as verdict from waiting"""
        )
    with readable(ledger):
        connection.execute(f"create or replace view {name} as {rows}")


def _define_looked(connection: Connection, out: Path, said: Mapping[str, Any]) -> None:
    path = out / LOOKED
    if not path.is_file():
        raise InputError("does not say what was looked at", where=str(path), remedy="assess its bundles again")
    with readable(path):
        rows = f'select asset, "table", subjects::varchar[] as subjects from read_parquet([{file_list([path])}])'
        connection.execute(f"create or replace view looked as {rows}")
    connection.execute('create or replace temp table subjects_of ("check" varchar, "table" varchar, stated boolean)')
    if said["checks"]:
        aliases, stated = load_registry().aliases, {name for name, spec in load_tables().items() if spec.basis in STATED}
        checks = [(aliases.get(check["id"], check["id"]), check["subjects"], check["subjects"] in stated) for check in said["checks"]]
        columns = [list(column) for column in zip(*checks, strict=True)]
        connection.execute("insert into subjects_of select unnest(?), unnest(?), unnest(?)", columns)


def _define_names(connection: Connection, name: str, values: Sequence[str]) -> None:
    aliases = load_registry().aliases
    connection.execute(f"create or replace temp table {name} (name varchar)")
    if values:
        connection.execute(f"insert into {name} select unnest(?)", [[aliases.get(value, value) for value in values]])


def _define_matches(connection: Connection, found: Mapping[str, Match]) -> None:
    connection.execute("create or replace temp table met (asset varchar, now varchar, through varchar, itself boolean, doubtful boolean)")
    columns = list(zip(*((one, to.asset, to.by, to.itself, to.doubtful) for one, to in found.items()), strict=True))
    if columns:
        values = ", ".join(["unnest(?)"] * len(columns))
        connection.execute(f"insert into met select {values}", [list(column) for column in columns])


def _elsewhere(known: Known, now: Known) -> set[str]:
    """The earlier assets at whose address some asset is now."""
    here = frozenset[str]().union(*(words.get("ip", ()) for words in now.values()))
    return {asset for asset, words in known.items() if words.get("ip", frozenset()) & here}


def _looked_at(connection: Connection, known: Known, new: Path) -> set[str]:
    """The earlier assets at an address that was asked in the later audit, which lies in `new`."""
    rows = connection.execute(
        f"select asset, \"table\", subjects from looked where \"table\" in ('{ADDRESS}', '{LEFT_OUT}') and starts_with(asset, 'network:')"
    ).fetchall()
    listed: dict[tuple[str, str], list[IPNetwork]] = defaultdict(list)
    try:
        for network, table, ranges in rows:
            listed[Entity.parse(network).site, table] += map(ip_network, ranges)
    except (ValueError, TypeError) as error:
        raise InputError(f"cannot be read: {error}", where=str(new / LOOKED), remedy="assess its bundles again") from error
    asked = {key: AddressSet(ranges) for key, ranges in listed.items()}
    nowhere = AddressSet()

    def is_asked(place: str) -> bool:
        site, _, text = place.partition("/")
        try:
            address = ip_address(text)
        except ValueError:  # an endpoint by its name: what it gave is in the ledger, or that it gave nothing
            return False
        return address in asked.get((site, ADDRESS), nowhere) and address not in asked.get((site, LEFT_OUT), nowhere)

    return {asset for asset, words in known.items() if any(map(is_asked, words.get("ip", ())))}


def _other_questions(before: Mapping[str, Asked], after: Mapping[str, Asked]) -> set[str]:
    """The checks that asked with other parameters than before: what passes them now might have passed then."""
    return {check for check in before.keys() & after.keys() if before[check] != after[check]}


def _read_sources(said: Mapping[str, Any], kind: EntityKind) -> set[str]:
    """The sources of a kind of which an audit could read anything."""
    unread = {source["entity"] for source in said["unjudged_sources"]}
    return {asset["id"] for asset in said["assets"] if kind.value in asset["kinds"] and asset["id"] not in unread}


# An asset that no identifier led to may still be there under its own name (hub identities, sources), unless the name is another's now.
_TARGET = """case when m.itself then m.now
    when m.asset is null and not exists (select 1 from met t where t.itself and t.now = o.asset) then o.asset end"""

# Each finding of the earlier audit with what the later one says at its place: of the same subject, else of the nearest that holds it. That
# there is nothing of a kind on the whole device may rest on its usual ports alone, so at a port it counts where that was seen vacated.
# What people stated is not unsaid by a sheet that leaves it out.
_WAS = f"""
create or replace temp table was as
with finding as (
  select o."check", o.asset, o.subject, o.cvss, m.through, coalesce(not m.itself and not m.doubtful, false) as replaced,
    coalesce(m.doubtful, exists (select 1 from elsewhere e where e.name = o.asset)) as unclear, m.now as other,
    {_TARGET} as target,
    regexp_extract(o.subject, '^(tcp|udp)/[0-9]+') as port
  from old_ledger o left join met m on m.asset = o.asset where o.verdict = 'fail'
), vacated as (
  select distinct f.target, f.port from finding f join looked l on l.asset = f.target
  where l."table" in ('host', 'service') and list_contains(l.subjects, f.port)
), present as (
  select distinct asset from new_ledger where asset in (select target from finding)
), exact as (
  select f."check", f.asset, f.subject, n.verdict, n.reason, n.cvss
  from finding f join new_ledger n on n."check" = f."check" and n.asset = f.target and n.subject = f.subject
), above as (
  select f."check", f.asset, f.subject, max_by(struct_pack(verdict := n.verdict, reason := n.reason), length(n.subject)) as told
  from finding f join new_ledger n on n."check" = f."check" and n.asset = f.target
    and (n.subject = '' or starts_with(f.subject, n.subject || '/')) and n.subject <> f.subject
    and n.verdict in ('inconclusive', 'not_applicable')
  left join vacated v on v.target = f.target and v.port = f.port
  where n.verdict = 'inconclusive'
    or (n.subject <> '' or f.port = '' or v.port is not null) and not exists (from subjects_of s where s."check" = f."check" and s.stated)
  group by all
)
select f.*, p.asset is not null as present, e.verdict, e.cvss as cvss_now, coalesce(e.reason, a.told.reason) as reason,
  coalesce(e.verdict, a.told.verdict) as nearest,
  e.verdict is null and a.told is null and exists (
    select 1 from subjects_of s join looked l on l.asset = f.target and l."table" = s."table" and l.subjects is null
    where s."check" = f."check" and not s.stated
  ) and (f.port = '' or v.port is not null) as seen_absent,
  exists (select 1 from new_check c where c.name = f."check") as asked,
  coalesce(w.otherwise, exists (select 1 from other_question c where c.name = f."check")) as otherwise,
  exists (select 1 from looked_at l where l.name = f.asset) as looked_at,
  starts_with(f.asset, 'identity:')
    and exists (select 1 from read_hub h where h.name = 'hub:/' || split_part(substr(f.asset, 10), '/', 1))
    and not exists (select 1 from new_ledger n where n."check" = f."check" and n.verdict = 'inconclusive'
      and n.asset = 'hub:/' || split_part(substr(f.asset, 10), '/', 1)) as hub_was_read
from finding f left join present p on p.asset = f.target
  left join exact e on e."check" = f."check" and e.asset = f.asset and e.subject = f.subject
  left join above a on a."check" = f."check" and a.asset = f.asset and a.subject = f.subject
  left join vacated v on v.target = f.target and v.port = f.port
  left join waiting w on w."check" = f."check" and w.asset = f.asset and w.subject = f.subject
"""

# Each finding of the later audit that the earlier had not, with what the earlier said at its place. Of an asset that nothing led to that is
# what it said under the same name, unless that name was somebody else's, who was found elsewhere.
_CAME = """
create or replace temp table came as
with back as (
  select now, min(asset) as asset, min(through) as through from met where itself group by now
), finding as (
  select n."check", n.asset, n.subject, n.cvss, b.through,
    case when b.asset is not null then b.asset
      when not exists (select 1 from met m where m.now = n.asset or m.itself and m.asset = n.asset) then n.asset end as source
  from new_ledger n left join back b on b.now = n.asset where n.verdict = 'fail'
), fresh as (
  select f.* from finding f
  where not exists (
    select 1 from old_ledger o
    where o."check" = f."check" and o.asset = f.source and o.subject = f.subject and o.verdict = 'fail'
  )
), above as (
  select f."check", f.asset, f.subject, max_by(struct_pack(verdict := o.verdict, subject := o.subject), length(o.subject)) as told
  from fresh f join old_ledger o on o."check" = f."check" and o.asset = f.source
    and (o.subject = f.subject or o.subject = '' or starts_with(f.subject, o.subject || '/'))
  group by all
), present as (
  select distinct asset from old_ledger where asset in (select source from fresh)
)
select f.*, p.asset is not null as present, a.told.verdict as verdict, a.told.subject = f.subject as exactly,
  exists (select 1 from old_check c where c.name = f."check") as asked
from fresh f left join present p on p.asset = f.source
  left join above a on a."check" = f."check" and a.asset = f.asset and a.subject = f.subject
"""

# One finding of a check left an asset, its place seen empty, and one came: it is the same one, at another subject.
_MOVED = """
create or replace temp table moved as
with left_it as (
  select "check", target as asset, min(subject) as old_subject, min(asset) as old_asset from was
  where verdict is distinct from 'fail' and verdict is distinct from 'pass'
    and (nearest = 'not_applicable' or seen_absent) and subject <> ''
  group by "check", target having count(*) = 1
), came_to_it as (
  select "check", asset, min(subject) as new_subject, min(cvss) as cvss from came
  where subject <> '' and present group by "check", asset having count(*) = 1
)
select l."check", l.asset, l.old_asset, l.old_subject, c.new_subject, c.cvss
from left_it l join came_to_it c on c."check" = l."check" and c.asset = l.asset
where split_part(l.old_subject, '/', 1) = split_part(c.new_subject, '/', 1)
"""

_ASKED_OTHERWISE = "w.otherwise and (w.verdict = 'pass' or w.nearest = 'not_applicable' and w.reason is distinct from 'absent')"
_SILENT = "('timeout', 'unreachable')"
_CHANGE = f"""
create or replace temp table change as
select w."check", w.asset, w.subject,
  case when m.new_subject is not null then m.cvss when w.verdict = 'fail' then w.cvss_now else w.cvss end as cvss, w.cvss as old_cvss,
  'fail' as old_verdict,
  coalesce(w.verdict, case when m.new_subject is not null then 'fail' end, w.nearest) as new_verdict,
  case
    when not w.asked or w.unclear or {_ASKED_OTHERWISE} then 'not_judged'
    when w.verdict = 'pass' then 'fixed'
    when m.new_subject is not null then 'moved'
    when w.verdict = 'fail' then case when w.target <> w.asset then 'moved' else 'open' end
    when w.nearest = 'not_applicable' or w.seen_absent or w.replaced or not w.present and w.hub_was_read then 'gone'
    when w.nearest = 'inconclusive' and w.reason in {_SILENT} or not w.present and w.looked_at then 'unreachable'
    else 'not_judged' end as word,
  case
    when not w.asked then 'check_unknown'
    when w.unclear then 'unclear'
    when {_ASKED_OTHERWISE} then 'other_parameters'
    when w.verdict in ('pass', 'fail') or m.new_subject is not null then null
    when w.replaced then 'replaced'
    when w.seen_absent then 'absent'
    when w.nearest = 'not_applicable' then coalesce(w.reason, 'does_not_apply')
    when w.nearest = 'inconclusive' then w.reason
    when not w.present and w.hub_was_read then 'absent'
    when not w.present and w.looked_at then 'no_answer'
    else 'not_looked_at' end as why,
  case when w.replaced then w.other when w.present then w.target end as new_asset,
  coalesce(m.new_subject, case when w.present and w.nearest is not null then w.subject end) as new_subject,
  case when w.target <> w.asset or w.replaced then w.through end as through
from was w left join moved m on m."check" = w."check" and m.old_asset = w.asset and m.old_subject = w.subject
union all
select c."check", c.asset, c.subject, c.cvss, null, case when c.exactly then c.verdict end, 'fail',
  case when c.verdict = 'pass' and c.exactly then 'regressed'
    when not c.asked or c.verdict = 'inconclusive' or c.verdict is null and c.present then 'newly_judged' else 'new' end,
  null, c.asset, c.subject, case when c.source <> c.asset then c.through end
from came c
where not exists (select 1 from moved m where m."check" = c."check" and m.asset = c.asset and m.new_subject = c.subject)
"""

_LOST = f"""
select count(*) filter (o.verdict = 'pass' and n.verdict is distinct from 'pass' and n.verdict is distinct from 'fail'
    and n.verdict is distinct from 'not_applicable'),
  count(*) filter (o.verdict = 'inconclusive' and n.verdict = 'pass')
from (
    select o.*, {_TARGET} as target from old_ledger o left join met m on m.asset = o.asset where o.verdict in ('pass', 'inconclusive')
  ) o left join new_ledger n on n."check" = o."check" and n.asset = o.target and n.subject = o.subject
"""


def count_lost_and_gained(connection: Connection) -> tuple[int, int]:
    """Count the passes that are not judged now, and what was not judged then and passes now."""
    [[lost, gained]] = connection.execute(_LOST).fetchall()
    return int(lost), int(gained)
