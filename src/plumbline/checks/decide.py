"""The decision: a check's query, wrapped in the SQL that turns each of its rows into a verdict (DESIGN section 6).

First match wins:

    applies is false                        not_applicable
    applies or failed is null               inconclusive    the subject's coverage outcome, else not_observed
    failed, and a fail_need is not ok       inconclusive    that need's outcome
    failed                                  fail
    a pass_need is not ok                   inconclusive    that need's outcome
    otherwise                               pass

    coverage without a row: ok              not_applicable  absent
    coverage without a row: otherwise       inconclusive    its outcome
    an asset of the kind, neither           inconclusive    not_attempted

Coverage has a row when the same entity has one of the same subject or, where the coverage is ok, of a part of it (`tcp/443/chain/1`
is part of `tcp/443`, everything is part of ''). Of a table whose rows are about others than its source (a capture's stations, a
hub's identities) the source's coverage stands for itself: not ok is one row on the source, ok without any row is `absent`.

A need `rig.T` is ok when T has coverage and all of it is ok. A need `asset.T` asks the same of the asset's own coverage; for a table of
the kind just named it asks it of all sources. The reason is the worst outcome, or not_attempted. Of several needs the first that
is not ok gives the reason.

Rows of one (asset, subject) become one: fail > inconclusive > pass > not_applicable, with the union of the evidence behind that verdict.

The basis of a pass or a fail is the weakest of the tables whose rows it cites; of its subjects' table where it cites none.

Not the engine that runs it (`assess`), which is why nothing here executes a verdict: `Frame` asks the connection only what kind of
coverage there is. Rules: the SQL is the same for examples and for ten million rows; what a rig does not need is left out of it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from plumbline.checks.check import Check, Need, Scope
from plumbline.checks.shape import Shape
from plumbline.evidence.engine import Connection, identifier, literal
from plumbline.evidence.specs import load_tables
from plumbline.model.words import Basis, Outcome, Verdict

REASONS = ("not_observed", "not_attempted", "absent")
_VERDICTS = ", ".join(literal(word) for word in (Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.PASS, Verdict.NOT_APPLICABLE))
_NOTHING = (
    "select ''::varchar as asset, ''::varchar as subject, ''::varchar as verdict, null::varchar as reason, null::varchar as cvss,"
    " null::varchar as detail, null::varchar[] as evidence, null::varchar as basis where false"
)
_OTHER_COLUMNS = "null::varchar as cvss, null::varchar as detail"
_RESTING = (Verdict.PASS, Verdict.FAIL)  # verdicts that have a basis
_RESTS = f"verdict in ('{Verdict.PASS}', '{Verdict.FAIL}')"


@dataclass(frozen=True, slots=True)
class Frame:
    """What the evidence of one rig looks like, as far as the SQL of checks depends on it."""

    filled: frozenset[str]  # tables with rows
    kinds: frozenset[str]  # kinds of the known entities
    rig_reasons: Mapping[str, str]  # tables whose coverage in the rig is not wholly ok, with the worst outcome
    attempted: frozenset[str]  # tables with any coverage
    own_gaps: frozenset[str]  # tables with coverage that is not ok, on entities of their own row kind

    @classmethod
    def of(cls, connection: Connection, filled: Collection[str]) -> Frame:
        """Read what `views.know` made known in a connection; `filled` are the tables with rows."""
        rows = connection.execute('select "table", max(outcome)::varchar from known.coverage group by all').fetchall()
        worst = dict(rows)
        gaps = {table for table, outcome in rows if outcome != Outcome.OK and table in load_tables() and not load_tables()[table].by_source}
        kinds = {kind for (kind,) in connection.execute("select distinct kind from known.entity").fetchall()}
        return cls(
            frozenset(filled),
            frozenset(kinds),
            {table: outcome for table, outcome in worst.items() if outcome != Outcome.OK},
            frozenset(worst),
            frozenset(gaps),
        )

    def rig_reason(self, table: str) -> str | None:
        """Say why the rig's coverage of a table is not wholly ok; None when it is."""
        return self.rig_reasons.get(table) if table in self.attempted else "not_attempted"


def has_subjects(check: Check, frame: Frame) -> bool:
    """Say whether a check has anything to judge: a row of its subjects, an attempt to collect some, or an asset that should have them."""
    return check.subjects in frame.filled or unseen_sql(check, frame) != _NOTHING


def decision_sql(check: Check, shape: Shape, frame: Frame) -> str:
    """Select verdict rows (asset, subject, verdict, reason, cvss, detail, evidence, basis), one for each row judged; not yet rolled up."""
    judged = [judged_sql(check, shape, frame)] if check.subjects in frame.filled else []
    return "\nunion all\n".join([*judged, unseen_sql(check, frame)])


def unseen_sql(check: Check, frame: Frame) -> str:
    """Select those of a check's verdict rows that no row of its subjects gave: from coverage, or for want of it."""
    parts = []
    if check.subjects in frame.attempted:
        parts.append(_uncovered(check))
    if frame.kinds & {kind.value for kind in load_tables()[check.subjects].kinds}:
        parts.append(_unattempted(check))
    return "\nunion all\n".join(parts) or _NOTHING


def bound(check: Check, shape: Shape, frame: Frame, values: Mapping[str, Any]) -> dict[str, Any]:
    """Give of some values, `as_of` among them, those that `decision_sql` has placeholders for; the engine refuses any other."""
    return {name: values[name] for name in shape.placeholders} if check.subjects in frame.filled else {}


def rolled_up_sql(rows: str) -> str:
    """Fold verdict rows into one for each (asset, subject)."""
    # Of rows with the winning verdict the least (reason, cvss, detail) speaks, so that the answer has no order.
    chosen = f"min(struct_pack(verdict := verdict::enum({_VERDICTS}), reason := reason, cvss := cvss, detail := detail))"
    lists = ", ".join(
        f"list_sort(list_distinct(flatten(list(evidence) filter (verdict = '{word}' and evidence is not null)))) as by_{word}"
        for word in Verdict
    )
    evidence = " ".join(f"when '{word}' then by_{word}" for word in Verdict)
    bases = ", ".join(f"max(basis::basis) filter (verdict = '{word}') as basis_{word}" for word in _RESTING)
    basis = " ".join(f"when '{word}' then basis_{word}" for word in _RESTING)
    return (
        "select asset, subject, won.verdict::varchar as verdict, won.reason as reason, won.cvss as cvss, won.detail as detail,"
        f" case won.verdict::varchar {evidence} end as evidence, case won.verdict::varchar {basis} end::varchar as basis"
        f" from (select asset, subject, {chosen} as won, {lists}, {bases} from ({rows}) group by asset, subject)"
    )


def judged_sql(check: Check, shape: Shape, frame: Frame) -> str:
    """Select a verdict row for each row of a check's subjects, in the order in which the engine gives those."""
    joins: list[str] = []
    pass_reason = _need_sql(check.pass_needs, "p", frame, joins)
    fail_reason = _need_sql(check.fail_needs, "f", frame, joins)
    unseen = literal("not_observed")
    if check.subjects in frame.own_gaps:
        joins.append(
            "left join (select asset, subject, max(outcome)::varchar as outcome from known.coverage"
            f" where \"table\" = {literal(check.subjects)} and outcome <> 'ok' group by all) c"
            " on c.asset = q.asset and c.subject = q.subject"
        )
        unseen = f"coalesce(c.outcome, {unseen})"
    applies = "q.applies" if shape.applies else "true"
    skip = f"when {applies} is false then null" if shape.applies else ""
    not_applicable = f"when {applies} is false then '{Verdict.NOT_APPLICABLE}'" if shape.applies else ""
    unknown = f"{applies} is null or q.failed is null" if shape.applies else "q.failed is null"
    fail_verdict = f"when q.failed and {fail_reason} is not null then '{Verdict.INCONCLUSIVE}'" if fail_reason != "null" else ""
    pass_verdict = f"when {pass_reason} is not null then '{Verdict.INCONCLUSIVE}'" if pass_reason != "null" else ""
    verdict = (
        f"case {not_applicable} when {unknown} then '{Verdict.INCONCLUSIVE}' {fail_verdict} when q.failed then '{Verdict.FAIL}'"
        f" {pass_verdict} else '{Verdict.PASS}' end"
    )
    reason = f"case {skip} when {unknown} then {unseen} when q.failed then {fail_reason} else {pass_reason} end"
    speaks = f"verdict in ('{Verdict.FAIL}', '{Verdict.INCONCLUSIVE}')"
    detail = f"case when {speaks} then {_detail_sql(shape)} end" if shape.detail else "null::varchar"
    evidence = f"case when {speaks} then evidence end" if shape.own_evidence else "evidence"
    cvss = f"case when verdict = '{Verdict.FAIL}' then cvss end" if shape.cvss else "null::varchar"
    basis = basis_sql(only_basis(check, shape)) or f"case when {_RESTS} then {_weakest_sql(check)} end"
    return f"""select asset, subject, verdict, reason, {cvss} as cvss, {detail} as detail, {evidence} as evidence, {basis} as basis from (
select q.*, {verdict} as verdict, {reason} as reason from (
{check.query.strip().rstrip(";")}
) q {" ".join(joins)})"""


def only_basis(check: Check, shape: Shape) -> Basis | None:
    """Give the basis of whatever a check can cite; None when that depends on the row."""
    cited = {check.subjects} if shape.own_evidence else shape.tables & load_tables().keys()
    bases = {load_tables()[name].basis for name in cited}
    # A derived row names the rows that it was made from, and a check may cite those.
    told = shape.own_evidence or not any(load_tables()[name].derived for name in cited)
    return bases.pop() if told and len(bases) == 1 else None


def basis_sql(basis: Basis | None) -> str | None:
    """Give an expression for the basis of a verdict row, where it is the same for each pass and fail; None stays None."""
    return f"case when {_RESTS} then {literal(basis)} end" if basis is not None else None


def _weakest_sql(check: Check) -> str:
    named: dict[Basis, list[str]] = {}
    for spec in load_tables().values():
        named.setdefault(spec.basis, []).append(literal(spec.name))
    weakest = list(Basis)[-1]  # also of what is no row of ours
    groups = " ".join(f"when split_part(id, '/', 1) in ({', '.join(tables)}) then '{basis}'" for basis, tables in named.items())
    rows = f"list_transform(evidence, lambda id: case when id is null then null {groups} else '{weakest}' end::basis)"
    return f"coalesce(list_max({rows})::varchar, {literal(load_tables()[check.subjects].basis)})"


def _need_sql(needs: Sequence[Need], prefix: str, frame: Frame, joins: list[str]) -> str:
    """Give an expression for the reason why the first unmet need is unmet; adds the joins that it reads."""
    reasons: list[str] = []
    for number, need in enumerate(needs):
        if need.scope is Scope.RIG or load_tables()[need.table].by_source:
            reason = frame.rig_reason(need.table)
            if reason is not None:
                reasons.append(literal(reason))
                break
        elif need.table not in frame.attempted:
            reasons.append("'not_attempted'")
            break
        else:
            name = f"{prefix}{number}"
            joins.append(
                f'left join (select asset, max(outcome)::varchar as outcome from known.coverage where "table" = {literal(need.table)}'
                f" group by asset) {name} on {name}.asset = q.asset"
            )
            reasons.append(f"nullif(coalesce({name}.outcome, 'not_attempted'), 'ok')")
    if not reasons:
        return "null"
    return reasons[0] if len(reasons) == 1 else f"coalesce({', '.join(reasons)})"


def _detail_sql(shape: Shape) -> str:
    """Write the further columns as canonical JSON: keys in order, nulls left out, no spaces, times in UTC to the second."""
    members = []
    for name, type_word in sorted(shape.detail.items()):
        column = identifier(name)
        members.append(f"""case when {column} is not null then '"{name}":' || {_json_sql(column, type_word)} end""")
    return f"'{{' || concat_ws(',', {', '.join(members)}) || '}}'"


def _json_sql(column: str, type_word: str) -> str:
    if type_word == "VARCHAR":
        return f"json_text({column})"
    if type_word == "VARCHAR[]":
        return f"json_texts({column})"
    if type_word == "TIMESTAMP WITH TIME ZONE":
        return f"""strftime({column}, '"%Y-%m-%dT%H:%M:%SZ"')"""
    if type_word == "DATE":
        return f"""strftime({column}, '"%Y-%m-%d"')"""
    return f"{column}::varchar"


def _uncovered(check: Check) -> str:
    spec = load_tables()[check.subjects]
    table = literal(check.subjects)
    if spec.by_source:
        without = "(c.outcome <> 'ok' or coalesce(c.rows, 0) = 0)"
    else:
        rows = f"select 1 from base.{identifier(check.subjects)} t where t.entity = c.entity"
        without = (
            f"not exists ({rows} and t.subject = c.subject) and (c.outcome <> 'ok' or not exists"
            f" ({rows} and (c.subject = '' or starts_with(t.subject, c.subject || '/'))))"
        )
    return f"""select c.asset, c.subject,
  case when c.outcome = 'ok' then '{Verdict.NOT_APPLICABLE}' else '{Verdict.INCONCLUSIVE}' end as verdict,
  case when c.outcome = 'ok' then 'absent' else c.outcome::varchar end as reason, {_OTHER_COLUMNS}, [c.row_id] as evidence,
  null::varchar as basis
from known.coverage c where c."table" = {table} and {without}"""


def _unattempted(check: Check) -> str:
    spec = load_tables()[check.subjects]
    table = literal(check.subjects)
    kinds = ", ".join(literal(kind.value) for kind in spec.kinds)
    rows = "" if spec.by_source else f" and not exists (select 1 from main.{identifier(check.subjects)} t where t.asset = k.asset)"
    return f"""select distinct k.asset, '' as subject, '{Verdict.INCONCLUSIVE}' as verdict, 'not_attempted' as reason, {_OTHER_COLUMNS},
  null::varchar[] as evidence, null::varchar as basis
from known.entity k where k.kind in ({kinds})
  and not exists (select 1 from known.coverage c where c."table" = {table} and c.asset = k.asset){rows}"""
