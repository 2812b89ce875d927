"""What became of findings, in plain English. Keys are the words of `assess.changes`, and its reasons that no verdict has."""

from __future__ import annotations

from collections.abc import Mapping

from plumbline.assess.changes import Became

BECAME: Mapping[Became, str] = {
    Became.REGRESSED: "wrong again",
    Became.NEW: "new",
    Became.NEWLY_JUDGED: "wrong, judged for the first time",
    Became.OPEN: "still open",
    Became.MOVED: "moved, still open",
    Became.UNREACHABLE: "not reached",
    Became.NOT_JUDGED: "not judged again",
    Became.GONE: "gone",
    Became.FIXED: "fixed",
}

BECAME_MEANS: Mapping[Became, str] = {
    Became.REGRESSED: "It was proven right before, and fails now.",
    Became.NEW: "It was not there before.",
    Became.NEWLY_JUDGED: "It could not be judged before; it may have been wrong then.",
    Became.OPEN: "The same check fails on the same subject.",
    Became.MOVED: "The same check fails on the same device, at another address or port.",
    Became.UNREACHABLE: "The device gave no answer. That says nothing of the finding.",
    Became.NOT_JUDGED: "It was not looked at again, or the look did not suffice.",
    Became.GONE: "The evidence shows that it is not there any more: the service, the identity or the device itself.",
    Became.FIXED: "The same check judged the same subject again, and it holds now.",
}

WHY: Mapping[str, str] = {
    "absent": "What it was about is not there any more.",
    "does_not_apply": "The question does not apply any more.",
    "replaced": "Another device stands in its place.",
    "no_answer": "Its network was asked, and it gave no answer.",
    "not_looked_at": "Nobody looked at it.",
    "check_unknown": "This release does not have the check.",
}
