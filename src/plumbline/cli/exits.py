"""Exit codes, and the one place where an error becomes a message (DESIGN section 8).

The first that holds: 4 our own fault; 2 the input was wrong; 1 a finding at or above `--fail-on`;
3 the run ended early, a whole source or network, or everything, went unjudged, or a re-test could not judge such a finding again; 0.
"""

from __future__ import annotations

import errno
import signal
import traceback
from collections.abc import Callable
from enum import IntEnum
from typing import TYPE_CHECKING

from rich.console import Console

from plumbline.model.errors import EnvironmentFault, InputError, NotPermittedError, StoppedError
from plumbline.model.words import Outcome, Severity
from plumbline.report.text import visible

if TYPE_CHECKING:
    from plumbline.assess.assessment import Assessment
    from plumbline.assess.baseline import Beyond
    from plumbline.assess.changes import Changes

# Of an OSError that nobody translated these say that the machine failed, not that we did.
MACHINE = {
    getattr(errno, name)
    for name in ("ENOSPC", "EDQUOT", "EROFS", "EACCES", "EPERM", "EIO", "EMFILE", "ENFILE", "ENOMEM", "ENAMETOOLONG", "ELOOP")
}


class Exit(IntEnum):
    """What the process says at its end."""

    OK = 0
    FINDING = 1
    INPUT = 2
    INCOMPLETE = 3
    INTERNAL = 4


def exit_of(assessment: Assessment, fail_on: Severity, beyond: Beyond | None = None) -> tuple[Exit, str]:
    """Choose the exit code for an assessment, and say why in one line; '' for OK. `beyond` a baseline: only that counts."""
    reasons = assessment.counts.reasons or {}
    defects = reasons.get(Outcome.INTERNAL_ERROR, 0) or sum(one.outcome == Outcome.INTERNAL_ERROR for one in assessment.unjudged_sources)
    if defects:
        return (
            Exit.INTERNAL,
            f"Plumbline itself failed {defects:,} times; please report the trace that the bundle's coverage holds.",
        )
    standing = assessment.standing if beyond is None else beyond.standing
    found = sum(count for severity, count in standing.items() if severity.rank >= fail_on.rank)
    if found:
        spared = (assessment.counts.fail if beyond is None else beyond.added) - sum(standing.values())
        more = f"; {spared:,} waived or reviewed as false positive do not count" if spared else ""
        more += f"; {beyond.known:,} that the baseline has do not count" if beyond is not None and beyond.known else ""
        return Exit.FINDING, f"findings at or above {fail_on}: {found:,} (--fail-on){more}."
    if any(not session.complete for session in {session.bundle: session for session in assessment.sessions}.values()):
        return Exit.INCOMPLETE, "the collection ended early."
    if assessment.unjudged_sources:
        return Exit.INCOMPLETE, "a whole source or network went unjudged."
    if not (assessment.counts.fail or assessment.counts.passed or assessment.counts.not_applicable):
        return Exit.INCOMPLETE, "nothing was judged."
    return Exit.OK, ""


def exit_of_retest(assessment: Assessment, changes: Changes, fail_on: Severity) -> tuple[Exit, str]:
    """Choose the exit code for a re-test likewise: a finding that it could not judge again is not mended."""
    from plumbline.assess.changes import Became

    code, why = exit_of(assessment, fail_on)
    left = changes.at_least(fail_on, (Became.UNREACHABLE, Became.NOT_JUDGED))
    if code is Exit.OK and left:
        return Exit.INCOMPLETE, f"findings at or above {fail_on} that could not be judged again: {left:,}."
    return code, why


def guarded(main: Callable[[], object]) -> int:
    """Run the command line; turns what it raises, and SIGINT and SIGTERM, into a message on stderr and an exit code."""
    signals: list[str] = []

    def caught(number: int, _frame: object) -> None:
        signals.append(signal.Signals(number).name)
        raise StoppedError(f"by {signals[0]}")

    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, caught)
    try:
        main()
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else Exit.OK
    except (InputError, NotPermittedError) as error:
        _say("error", error, "red")
        return Exit.INPUT
    except StoppedError as error:
        _say("stopped", error, "yellow")
        return Exit.INCOMPLETE
    except (EnvironmentFault, MemoryError) as error:
        _say("the machine failed", str(error) or "out of memory", "red")
        return Exit.INCOMPLETE
    except Exception as error:  # noqa: BLE001 - the one boundary of the process: exit 4 and the trace that a bug report needs
        if signals:  # what a library made of our StoppedError
            _say("stopped", f"by {signals[0]}", "yellow")
            return Exit.INCOMPLETE
        if isinstance(error, OSError) and error.errno in MACHINE:
            _say("the machine failed", error, "red")
            return Exit.INCOMPLETE
        traceback.print_exc()
        _say("a defect of Plumbline", "please report the trace above", "red")
        return Exit.INTERNAL
    return Exit.OK


def _say(kind: str, what: object, style: str) -> None:
    console = Console(stderr=True, emoji=False)
    for line in str(what).splitlines():
        console.print(f"{kind}: {visible(line)}", style=style, markup=False, highlight=False, soft_wrap=True)
