"""Exit codes, and the one place where an error becomes a message (DESIGN section 8).

The first that holds: 4 our own fault; 2 the input was wrong; 1 a finding at or above `--fail-on`;
3 the run ended early, or a whole source or network went unjudged; 0.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from enum import IntEnum

import click
from rich.console import Console

from plumbline.model.errors import EnvironmentFault, InputError, InternalError, NotPermittedError, PlumblineError, StoppedError


class Exit(IntEnum):
    """What the process says at its end."""

    OK = 0
    FINDING = 1
    INPUT = 2
    INCOMPLETE = 3
    INTERNAL = 4


def guarded(main: Callable[[], object]) -> int:
    """Run the command line and turn what it raises into a message on stderr and an exit code."""
    console = Console(stderr=True)
    try:
        result = main()
        return int(result) if isinstance(result, int) else Exit.OK
    except click.exceptions.Exit as leaving:
        return leaving.exit_code
    except click.ClickException as usage:
        usage.show()
        return Exit.INPUT
    except click.Abort:
        console.print("stopped", style="yellow")
        return Exit.INCOMPLETE
    except (InputError, NotPermittedError) as error:
        console.print(f"error: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
        return Exit.INPUT
    except StoppedError as error:
        console.print(f"stopped: {error}", style="yellow", markup=False, highlight=False, soft_wrap=True)
        return Exit.INCOMPLETE
    except EnvironmentFault as error:
        console.print(f"the machine failed: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
        return Exit.INCOMPLETE
    except BrokenPipeError:
        sys.stderr.close()  # the reader left; there is nobody to tell
        return Exit.OK
    except (InternalError, PlumblineError) as error:
        console.print(f"a defect of Plumbline: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
        return Exit.INTERNAL
    except Exception:  # noqa: BLE001 - the one boundary of the process: exit 4 and the trace that a bug report needs
        console.print("a defect of Plumbline; please report this trace:", style="red")
        traceback.print_exc()
        return Exit.INTERNAL
