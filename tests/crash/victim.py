"""A daemon that kills itself with SIGKILL at a chosen step: ``python -m tests.crash.victim STEP NTH CONFIG``.

With more words in place of the config, it is that command of ``clerkd``.

STEP is ``module:name:before`` or ``module:name:after``: the N-th call of that function is where it dies. The
daemon is the real one; only the chosen function is wrapped, from outside.
"""

import importlib
import inspect
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from daemon import runs
from daemon.cli import main
from daemon.service import telemetry
from daemon.settings import load


def arm(step: str, nth: int) -> None:
    """Wrap the function so that its N-th call is the process's last."""
    module_name, path, moment = step.split(":")
    *owners, name = path.split(".")
    owner: Any = importlib.import_module(module_name)
    for part in owners:
        owner = getattr(owner, part)
    setattr(owner, name, _deadly(getattr(owner, name), moment, nth))


def _deadly(function: Callable[..., Any], moment: str, nth: int) -> Callable[..., Any]:
    calls = 0

    def count() -> bool:
        nonlocal calls
        calls += 1
        return calls == nth

    if inspect.iscoroutinefunction(function):

        async def later(*args: Any, **kwargs: Any) -> Any:
            last = count()
            _die(when=last and moment == "before")
            result = await function(*args, **kwargs)
            _die(when=last and moment == "after")
            return result

        return later

    def now(*args: Any, **kwargs: Any) -> Any:
        last = count()
        _die(when=last and moment == "before")
        result = function(*args, **kwargs)
        _die(when=last and moment == "after")
        return result

    return now


def _die(*, when: bool) -> None:
    if when:
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    arm(sys.argv[1], int(sys.argv[2]))
    if len(sys.argv) > 4:
        sys.argv = ["clerkd", *sys.argv[3:]]
        main()
    else:
        settings = load(Path(sys.argv[3]))
        telemetry.configure("info", json=True)
        runs.serve(settings)
