"""Our closed words in plain English, for readers who have not read the glossary. Keys are the words of `model.words` and of the tables.

Each is a text that other languages say in their own words (`language.Said`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from plumbline.model.words import Basis, EntityKind, Layer, Outcome, Severity, Verdict
from plumbline.report.language import Said, told
from plumbline.updates.judging import State

VERDICTS: Mapping[Verdict, Said] = {
    Verdict.FAIL: told("wrong"),
    Verdict.INCONCLUSIVE: told("not judged"),
    Verdict.PASS: told("proven right"),
    Verdict.NOT_APPLICABLE: told("does not apply"),
}

LAYERS: Mapping[Layer, Said] = {
    Layer.DEVICE: told("Devices"),
    Layer.FIRMWARE: told("Firmware"),
    Layer.UPDATE: told("Updates"),
    Layer.GATEWAY: told("Gateways"),
    Layer.COMMUNICATION: told("Communication"),
    Layer.CLOUD: told("Cloud"),
    Layer.RIG: told("Across layers"),
}

KINDS: Mapping[str, Said] = {
    EntityKind.HOST.value: told("answers on the network"),
    EntityKind.STATION.value: told("seen in captured traffic"),
    EntityKind.CAPTURE.value: told("capture file"),
    EntityKind.IMAGE.value: told("firmware image"),
    EntityKind.EDGE.value: told("gateway deployment"),
    EntityKind.HUB.value: told("cloud hub"),
    EntityKind.IDENTITY.value: told("identity in a hub"),
    EntityKind.DECLARED.value: told("declared in the rig file"),
    EntityKind.NETWORK.value: told("network"),
    EntityKind.RIG.value: told("the rig itself"),
    EntityKind.SYSTEM.value: told("seen from inside"),
    EntityKind.SBOM.value: told("bill of materials"),
    EntityKind.IMPORT.value: told("results of another tool"),
}

SEVERITIES: Mapping[str, Said] = {
    Severity.CRITICAL.value: told("critical"),
    Severity.HIGH.value: told("high"),
    Severity.MEDIUM.value: told("medium"),
    Severity.LOW.value: told("low"),
    Severity.NONE.value: told("none"),
}

PARTS: Mapping[str, Said] = {"firmware": told("firmware"), "module": told("edge module"), "code": told("code")}

EVENTS: Mapping[str, Said] = {
    "connect": told("connection"),
    "handshake": told("TLS handshake"),
    "request": told("request"),
    "datagram": told("datagram"),
    "resolve": told("name resolution"),
    "discover": told("discovery by multicast"),
    "login": told("login attempt"),
    "received": told("answer read"),
    "refused": told("held back by the door"),
}

EFFORTS: Mapping[str, Said] = {
    "minutes": told("minutes of work"),
    "hours": told("hours of work"),
    "days": told("days of work"),
    "weeks": told("weeks of work"),
}

EFFORT_NAMES: Mapping[str, Said] = {"minutes": told("minutes"), "hours": told("hours"), "days": told("days"), "weeks": told("weeks")}

OUTCOMES: Mapping[str, Said] = {
    Outcome.OK.value: told("ok"),
    Outcome.PARTIAL.value: told("in part"),
    Outcome.REFUSED.value: told("refused"),
    Outcome.TIMEOUT.value: told("no answer in time"),
    Outcome.UNREACHABLE.value: told("unreachable"),
    Outcome.PROTOCOL_ERROR.value: told("against the protocol"),
    Outcome.NOT_PERMITTED.value: told("not permitted"),
    Outcome.NOT_SUPPORTED.value: told("not supported"),
    Outcome.INTERNAL_ERROR.value: told("our own fault"),
}

INTRUSIONS: Mapping[str, Said] = {
    "passive": told("only supplied files were read; nothing was contacted"),
    "query": told("reads that are offered to anyone: a banner, one request, one handshake"),
    "session": told("several handshakes, sessions and subscriptions; no logins"),
    "credential": told("also factory-default logins, under a strict budget"),
}


@dataclass(frozen=True, slots=True)
class Explained:
    """A word in plain English, and what would change it."""

    means: Said
    remedy: Said


# Why something was not judged: the outcomes of collecting, and the two reasons that only judging knows.
REASONS: Mapping[str, Explained] = {
    "partial": Explained(
        told("Only part of the answer or file could be read."),
        told("Give the whole file, or audit again when the device is less busy."),
    ),
    "refused": Explained(
        told("A service answered, and turned us away."),
        told("Let the auditor's address in, or give a login for it."),
    ),
    "protocol_error": Explained(
        told("The answer broke the rules of its protocol or file format."),
        told("Look at the answer; the device may be faulty."),
    ),
    "timeout": Explained(
        told("No answer came in time."),
        told("Make sure that the device is on and reachable, then audit again."),
    ),
    "unreachable": Explained(
        told("The network had no way to the device."),
        told("Check routing and address, then audit again."),
    ),
    "not_permitted": Explained(
        told("The authorisation does not allow this look."),
        told("Widen the authorisation, if its owner agrees, and audit again."),
    ),
    "not_supported": Explained(
        told("The source cannot tell this, or this release cannot read it."),
        told("Give a source that can, for example a fuller export."),
    ),
    "internal_error": Explained(
        told("Plumbline itself failed here."),
        told("Report the trace that stands in the coverage; the rest is not affected."),
    ),
    "not_attempted": Explained(
        told("Nobody looked: no source for this was given or allowed."),
        told("Add the source (capture, image, export, network) to the rig file."),
    ),
    "not_observed": Explained(
        told("The look succeeded, but this fact did not show."),
        told("Look at it by hand, or allow a higher intrusion."),
    ),
}
# Why a provision is not judged, beside these.
PROVISION_REASONS: Mapping[str, Explained] = {
    "reviewed_false_positive": Explained(
        told("What failed was reviewed and called a false positive."), told("Show by other evidence that the provision is met.")
    ),
    "needs_manual_test": Explained(told("A test by hand is missing."), told("Do it, and write down what came of it.")),
    "needs_declaration": Explained(told("The owner's declaration is missing."), told("Let plumbline declare init write the question.")),
    "gap": Explained(told("Neither checks nor the owner's word can tell."), told("Ask an assessor.")),
    "basis_not_accepted": Explained(
        told("What would pass it rests on a basis that the profile does not accept."), told("Look for yourself, or have it tested.")
    ),
    "not_counted": Explained(told("There are more verdicts than are counted by asset."), told("Assess parts of the rig on their own.")),
}

BASES: Mapping[str, Said] = {
    Basis.OBSERVED.value: told("observed"),
    Basis.INFERRED.value: told("inferred from what was observed"),
    Basis.MANUAL.value: told("tested by hand"),
    Basis.IMPORTED.value: told("imported from another tool"),
    Basis.DECLARED.value: told("declared by the owner"),
}

REMAINS: Mapping[str, Said] = {"declare": told("Declare:"), "manual": told("Test by hand:"), "gap": told("Gap:")}

STATES: Mapping[str, Said] = {
    "active": told("active"),
    "ended": told("ended, no effect any more"),
    "not_yet": told("not begun yet"),
    "unused": told("concerns no finding"),
}

METHODS: Mapping[str, Said] = {
    "test": told("test"),
    "walk_down": told("walk-down"),
    "interview": told("interview"),
    "document": told("reading of documents"),
}

REVIEWS: Mapping[str, Said] = {"confirm": told("confirmed"), "false_positive": told("false positive"), "rate": told("rated anew")}

UNKNOWN_REASON = Explained(told("A reason that this release does not know."), told("See the ledger."))

CURRENCY: Mapping[State, Said] = {
    State.RETRACTED: told("taken back by its maker"),
    State.VULNERABLE: told("known to be vulnerable"),
    State.UNSUPPORTED: told("out of support"),
    State.BEHIND: told("behind"),
    State.UNKNOWN: told("cannot be told"),
    State.CURRENT: told("up to date"),
}

CLAIMED: Mapping[str, Said] = {
    "host_evidence": told("read from inside the device"),
    "fingerprint": told("told by what only that release shows"),
    "own_word": told("the device's own word"),
    "update_service": told("the update service's word"),
    "image": told("an image supplied for its model"),
}

# Who says which version a device runs, by the words of `updates/claims`.
CLAIMANTS: Mapping[str, Said] = {
    claimant: claimant
    for claimant in (
        told("its announcement"),
        told("its banner"),
        told("the rig file"),
        told("the supplied image"),
        told("a key that only one of the supplied images holds"),
        told("its Modbus identification"),
        told("its SNMP description"),
        told("its own system"),
        told("its own list of packages"),
        told("its own os-release"),
        told("the hub's twin"),
        told("the update service"),
        told("what it told the update service"),
        told("its web page"),
    )
}

# Why it cannot be told whether a device is up to date: the reasons of the table `currency`.
UNTOLD: Mapping[str, Explained] = {
    "no_model": Explained(told("Nothing says which model it is."), told("Name its model in the rig file.")),
    "product_unknown": Explained(
        told("The catalogue does not know its model."),
        told("Import the maker's releases with plumbline catalogue import, or keep them in a CSV file of your own."),
    ),
    "product_ambiguous": Explained(
        told("Its model may be several products of the catalogue."), told("Write vendor and model out in the rig file.")
    ),
    "no_version": Explained(
        told("Nothing says which version it runs."),
        told("Give a login, the output of plumbline hostkit, an export of its update service, or its firmware image."),
    ),
    "no_releases": Explained(
        told("The catalogue has no releases of its product."), told("Import the maker's releases, or ask the maker for a list.")
    ),
    "catalogue_refused": Explained(
        told("Records of a catalogue of yours were refused, so that something newer may be missing."),
        told("Import it again: it says what it refuses. Mend that, then assess again."),
    ),
    "catalogue_stale": Explained(
        told("The catalogue is too old to say that nothing newer came."), told("Import it anew, then assess again.")
    ),
    "not_comparable": Explained(told("Its version cannot be compared with the catalogue's."), told("Ask the maker which release it is.")),
    "order_in_doubt": Explained(told("Sources put its release in different places."), told("Ask the maker which of them is newer.")),
    "newer_than_known": Explained(
        told("It runs something newer than every known release."), told("Import a newer catalogue; if it stays so, ask where it came from.")
    ),
    "hardware_unknown": Explained(
        told("Releases differ by hardware revision, and nothing says which it has."), told("Read the label of the device.")
    ),
    "claims_disagree": Explained(told("Who says what it runs disagrees."), told("Look at the device itself, or give a login for it.")),
    "image_only": Explained(
        told("Only an image that was supplied for its model says a version."),
        told("Let the device itself be asked: allow its network, or give a login."),
    ),
}
UNKNOWN_UNTOLD = Explained(told("A reason that this release does not know."), told("See the table currency."))

GLOSSARY: Mapping[Said, Said] = {
    told("Asset"): told("one device, gateway, hub or application; the same thing seen from several layers is one asset"),
    told("Evidence"): told("what was observed, row by row, with the bytes it came from"),
    told("Check"): told("one question asked of the evidence, written so that the same evidence always gives the same answer"),
    told("Finding"): told("a check that failed on one asset, with its severity and its evidence"),
    told("Wrong"): told("the evidence shows that the check fails; each finding says what exactly that proves"),
    told("Proven right"): told("the evidence shows that the check holds; silence is never counted as right"),
    told("Not judged"): told("the evidence does not suffice either way; the reason is always given"),
    told("Does not apply"): told("the question makes no sense here: the service is not there"),
    told("Coverage"): told("the record of every attempt to look, and of how it went"),
    told("Permit"): told("the leave under which one contact was made, taken from the authorisation"),
    told("Exchange"): told("a connection, a datagram, a TLS handshake, or a request within a connection"),
    told("Ledger"): told("every verdict of this assessment; its digest changes when any verdict does"),
    told("CVSS"): told("a public scale for how bad a weakness is, 0 to 10, with the reasoning in its vector"),
    told("Provision"): told("one numbered requirement of a standard"),
}

METHOD: tuple[Said, ...] = (
    told("Collecting and judging are apart: what was collected is kept, and can be judged again, offline, to the same ledger digest."),
    told(
        "Only addresses that the authorisation names were contacted. Each contact was judged again at the moment it was made, and logged."
    ),
    told("Everything was read-only: no exploit, no change to a device, no guessing of passwords."),
    told("To one device at most two connections at a time and 40 exchanges a second; to industrial devices one connection and 5 a second."),
    told("A question without evidence is counted as not judged. It is never counted as right."),
    told("Secrets that were found are not in this report: only their kind, their place and a keyed digest."),
)

LIMITS: tuple[Said, ...] = (
    told("The report describes the rig at the time of the collection. What changed since is not in it."),
    told("It says what the checks of this release ask. A weakness that no check asks about is not found."),
    told("What a device says of itself is taken as what it says; versions and names may be false."),
    told(
        "A verdict on a provision rests on evidence, tests and declarations."
        " Conformity is for an assessor to decide, over the whole standard."
    ),
)
