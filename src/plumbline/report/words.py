"""Our closed words in plain English, for readers who have not read the glossary. Keys are the words of `model.words` and of the tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from plumbline.model.words import EntityKind, Layer, Verdict
from plumbline.updates.judging import State

VERDICTS: Mapping[Verdict, str] = {
    Verdict.FAIL: "wrong",
    Verdict.INCONCLUSIVE: "not judged",
    Verdict.PASS: "proven right",
    Verdict.NOT_APPLICABLE: "does not apply",
}

LAYERS: Mapping[Layer, str] = {
    Layer.DEVICE: "Devices",
    Layer.FIRMWARE: "Firmware",
    Layer.UPDATE: "Updates",
    Layer.GATEWAY: "Gateways",
    Layer.COMMUNICATION: "Communication",
    Layer.CLOUD: "Cloud",
    Layer.RIG: "Across layers",
}

KINDS: Mapping[str, str] = {
    EntityKind.HOST.value: "answers on the network",
    EntityKind.STATION.value: "seen in captured traffic",
    EntityKind.CAPTURE.value: "capture file",
    EntityKind.IMAGE.value: "firmware image",
    EntityKind.EDGE.value: "gateway deployment",
    EntityKind.HUB.value: "cloud hub",
    EntityKind.IDENTITY.value: "identity in a hub",
    EntityKind.DECLARED.value: "declared in the rig file",
    EntityKind.NETWORK.value: "network",
    EntityKind.RIG.value: "the rig itself",
    EntityKind.SYSTEM.value: "seen from inside",
    EntityKind.SBOM.value: "bill of materials",
}

EVENTS: Mapping[str, str] = {
    "connect": "connection",
    "handshake": "TLS handshake",
    "request": "request",
    "datagram": "datagram",
    "resolve": "name resolution",
    "discover": "discovery by multicast",
    "login": "login attempt",
    "received": "answer read",
    "refused": "held back by the door",
}

EFFORTS: Mapping[str, str] = {
    "minutes": "minutes of work",
    "hours": "hours of work",
    "days": "days of work",
    "weeks": "weeks of work",
}

INTRUSIONS: Mapping[str, str] = {
    "passive": "only supplied files were read; nothing was contacted",
    "query": "reads that are offered to anyone: a banner, one request, one handshake",
    "session": "several handshakes, sessions and subscriptions; no logins",
    "credential": "also factory-default logins, under a strict budget",
}


@dataclass(frozen=True, slots=True)
class Explained:
    """A word in plain English, and what would change it."""

    means: str
    remedy: str


# Why something was not judged: the outcomes of collecting, and the two reasons that only judging knows.
REASONS: Mapping[str, Explained] = {
    "partial": Explained(
        "Only part of the answer or file could be read.",
        "Give the whole file, or audit again when the device is less busy.",
    ),
    "refused": Explained(
        "A service answered, and turned us away.",
        "Let the auditor's address in, or give a login for it.",
    ),
    "protocol_error": Explained(
        "The answer broke the rules of its protocol or file format.",
        "Look at the answer; the device may be faulty.",
    ),
    "timeout": Explained(
        "No answer came in time.",
        "Make sure that the device is on and reachable, then audit again.",
    ),
    "unreachable": Explained(
        "The network had no way to the device.",
        "Check routing and address, then audit again.",
    ),
    "not_permitted": Explained(
        "The authorisation does not allow this look.",
        "Widen the authorisation, if its owner agrees, and audit again.",
    ),
    "not_supported": Explained(
        "The source cannot tell this, or this release cannot read it.",
        "Give a source that can, for example a fuller export.",
    ),
    "internal_error": Explained(
        "Plumbline itself failed here.",
        "Report the trace that stands in the coverage; the rest is not affected.",
    ),
    "not_attempted": Explained(
        "Nobody looked: no source for this was given or allowed.",
        "Add the source (capture, image, export, network) to the rig file.",
    ),
    "not_observed": Explained(
        "The look succeeded, but this fact did not show.",
        "Look at it by hand, or allow a higher intrusion.",
    ),
}
UNKNOWN_REASON = Explained("A reason that this release does not know.", "See the ledger.")

CURRENCY: Mapping[State, str] = {
    State.RETRACTED: "taken back by its maker",
    State.VULNERABLE: "known to be vulnerable",
    State.UNSUPPORTED: "out of support",
    State.BEHIND: "behind",
    State.UNKNOWN: "cannot be told",
    State.CURRENT: "up to date",
}

CLAIMED: Mapping[str, str] = {
    "host_evidence": "read from inside the device",
    "fingerprint": "told by what only that release shows",
    "own_word": "the device's own word",
    "update_service": "the update service's word",
    "image": "an image supplied for its model",
}

# Why it cannot be told whether a device is up to date: the reasons of the table `currency`.
UNTOLD: Mapping[str, Explained] = {
    "no_model": Explained("Nothing says which model it is.", "Name its model in the rig file."),
    "product_unknown": Explained(
        "The catalogue does not know its model.",
        "Import the maker's releases with plumbline catalogue import, or keep them in a CSV file of your own.",
    ),
    "product_ambiguous": Explained("Its model may be several products of the catalogue.", "Write vendor and model out in the rig file."),
    "no_version": Explained(
        "Nothing says which version it runs.",
        "Give a login, the output of plumbline hostkit, an export of its update service, or its firmware image.",
    ),
    "no_releases": Explained("The catalogue has no releases of its product.", "Import the maker's releases, or ask the maker for a list."),
    "catalogue_refused": Explained(
        "Records of a catalogue of yours were refused, so that something newer may be missing.",
        "Import it again: it says what it refuses. Mend that, then assess again.",
    ),
    "catalogue_stale": Explained("The catalogue is too old to say that nothing newer came.", "Import it anew, then assess again."),
    "not_comparable": Explained("Its version cannot be compared with the catalogue's.", "Ask the maker which release it is."),
    "order_in_doubt": Explained("Sources put its release in different places.", "Ask the maker which of them is newer."),
    "newer_than_known": Explained(
        "It runs something newer than every known release.", "Import a newer catalogue; if it stays so, ask where it came from."
    ),
    "hardware_unknown": Explained("Releases differ by hardware revision, and nothing says which it has.", "Read the label of the device."),
    "claims_disagree": Explained("Who says what it runs disagrees.", "Look at the device itself, or give a login for it."),
    "image_only": Explained(
        "Only an image that was supplied for its model says a version.",
        "Let the device itself be asked: allow its network, or give a login.",
    ),
}
UNKNOWN_UNTOLD = Explained("A reason that this release does not know.", "See the table currency.")

GLOSSARY: Mapping[str, str] = {
    "Asset": "one device, gateway, hub or application; the same thing seen from several layers is one asset",
    "Evidence": "what was observed, row by row, with the bytes it came from",
    "Check": "one question asked of the evidence, written so that the same evidence always gives the same answer",
    "Finding": "a check that failed on one asset, with its severity and its evidence",
    "Wrong": "the evidence shows that the check fails; each finding says what exactly that proves",
    "Proven right": "the evidence shows that the check holds; silence is never counted as right",
    "Not judged": "the evidence does not suffice either way; the reason is always given",
    "Does not apply": "the question makes no sense here: the service is not there",
    "Coverage": "the record of every attempt to look, and of how it went",
    "Permit": "the leave under which one contact was made, taken from the authorisation",
    "Exchange": "a connection, a datagram, a TLS handshake, or a request within a connection",
    "Ledger": "every verdict of this assessment; its digest changes when any verdict does",
    "CVSS": "a public scale for how bad a weakness is, 0 to 10, with the reasoning in its vector",
    "Provision": "one numbered requirement of a standard",
}

METHOD: tuple[str, ...] = (
    "Collecting and judging are apart: what was collected is kept, and can be judged again, offline, to the same ledger digest.",
    "Only addresses that the authorisation names were contacted. Each contact was judged again at the moment it was made, and logged.",
    "Everything was read-only: no exploit, no change to a device, no guessing of passwords.",
    "To one device at most two connections at a time and 40 exchanges a second; to industrial devices one connection and 5 a second.",
    "A question without evidence is counted as not judged. It is never counted as right.",
    "Secrets that were found are not in this report: only their kind, their place and a keyed digest.",
)

LIMITS: tuple[str, ...] = (
    "The report describes the rig at the time of the collection. What changed since is not in it.",
    "It says what the checks of this release ask. A weakness that no check asks about is not found.",
    "What a device says of itself is taken as what it says; versions and names may be false.",
    "Provisions are named where a check contributes evidence to them. Conformity is for an assessor to decide, over the whole standard.",
)
