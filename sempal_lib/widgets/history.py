"""Undo and redo."""

from collections.abc import Hashable
from typing import Generic, TypeVar

State = TypeVar("State")
STEPS = 200  # that can be undone; older ones are forgotten


class History(Generic[State]):
    """States one after the other, of which one is now.

    Chapter: Changing a part.
    """

    def __init__(self, state: State):
        self._states, self._at = [state], 0
        self._key: Hashable = None  # of the last push

    @property
    def now(self) -> State:
        return self._states[self._at]

    @property
    def can_undo(self) -> bool:
        return self._at > 0

    @property
    def can_redo(self) -> bool:
        return self._at + 1 < len(self._states)

    def push(self, state: State, key: Hashable = None) -> None:
        """A new state after the present one; what was undone is gone.

        Args:
            key: a state with the key of the one before takes its place, so that a drag of a slider is one step.
        """
        if key is None or key != self._key:
            self._at += 1
        self._states[self._at :] = [state]
        self._key = key
        excess = len(self._states) - 1 - STEPS
        if excess > 0:
            del self._states[:excess]
            self._at -= excess

    def undo(self) -> None:
        self._move(-1)

    def redo(self) -> None:
        self._move(1)

    def _move(self, way: int) -> None:
        self._at = min(max(self._at + way, 0), len(self._states) - 1)
        self._key = None  # what follows is a step of its own
