"""How hypothesis tries: the same few examples in every run, or many that are new in every run."""

from __future__ import annotations

import random
import tempfile
from collections import deque
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.configuration import set_hypothesis_home_dir

from tests.support.operations import DANGLING, Operation, paths_below, random_operation

set_hypothesis_home_dir(tempfile.gettempdir() + "/git-vibe-hypothesis")

settings.register_profile(
    "quick",
    deadline=None,
    database=None,
    derandomize=True,
    max_examples=24,
    stateful_step_count=100,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
settings.register_profile(
    "thorough", settings.get_profile("quick"), derandomize=False, max_examples=240, phases=tuple(Phase)
)
QUICK = settings.get_profile("quick")
THOROUGH = settings.get_profile("thorough")


class Paths:
    """Paths worth to be used: those that were used last, what there was, what there is."""

    def __init__(self, top: Path, *more: str) -> None:
        """`more` are paths to be used besides those below `top`."""
        self._top = top
        self._first = [*self._existing(), *more]
        self._recent: deque[str] = deque(maxlen=5)

    def _existing(self) -> Iterator[str]:
        """What is there, but nothing of a repository."""
        return (path for path in sorted(paths_below(str(self._top))) if _is_ordinary(path))

    def used(self, operation: Operation) -> None:
        """Note what an operation was about."""
        self._recent += [value for value in operation.args if isinstance(value, str) and _is_ordinary(value)]

    def existing(self) -> list[str]:
        """Only what there is."""
        return list(self._existing())

    def remembered(self) -> list[str]:
        """What was used last and what there was at first; some more than once, so that they are chosen more often."""
        return [*self._first, *list(self._recent) * 8]


def _is_ordinary(path: str) -> bool:
    return path != DANGLING and ".git" not in path.split("/")


@st.composite
def operations(
    draw: st.DrawFn, kinds: Collection[str], paths: Paths, names: Mapping[str, str] | None = None
) -> Operation:
    """A random operation of one of these kinds; `names` as `random_operation` has them."""
    # hypothesis would choose the first kinds and paths far more often, and shorten nothing but these choices
    rng: random.Random = draw(st.randoms(use_true_random=True))
    existing, remembered = paths.existing(), paths.remembered()
    return random_operation(rng, names, kinds=kinds, existing=existing, remembered=remembered)
