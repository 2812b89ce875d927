"""What became of findings, in plain English. Keys are the words of `assess.changes`, and its reasons that no verdict has."""

from __future__ import annotations

from collections.abc import Mapping

from plumbline.assess.changes import Became
from plumbline.report.language import Said, told

BECAME: Mapping[Became, Said] = {
    Became.REGRESSED: told("wrong again"),
    Became.NEW: told("new"),
    Became.NEWLY_JUDGED: told("wrong, judged for the first time"),
    Became.OPEN: told("still open"),
    Became.MOVED: told("moved, still open"),
    Became.UNREACHABLE: told("not reached"),
    Became.NOT_JUDGED: told("not judged again"),
    Became.GONE: told("gone"),
    Became.FIXED: told("fixed"),
}

BECAME_MEANS: Mapping[Became, Said] = {
    Became.REGRESSED: told("It was proven right before, and fails now."),
    Became.NEW: told("It was not there before."),
    Became.NEWLY_JUDGED: told("It could not be judged before; it may have been wrong then."),
    Became.OPEN: told("The same check fails on the same subject."),
    Became.MOVED: told("The same check fails on the same device, at another address or port."),
    Became.UNREACHABLE: told("The device gave no answer. That says nothing of the finding."),
    Became.NOT_JUDGED: told("It was not looked at again, or the look did not suffice."),
    Became.GONE: told("The evidence shows that it is not there any more: the service, the identity or the device itself."),
    Became.FIXED: told("The same check judged the same subject again, and it holds now."),
}

WHY: Mapping[str, Said] = {
    "absent": told("What it was about is not there any more."),
    "does_not_apply": told("The question does not apply any more."),
    "replaced": told("Another device stands in its place."),
    "no_answer": told("It was asked, and gave no answer."),
    "not_looked_at": told("Nobody looked at it."),
    "check_unknown": told("This release does not have the check."),
    "other_parameters": told("The check asked with other parameters, by which it might have held before."),
    "unclear": told("Which device it is now cannot be told."),
}
