"""Undo and redo."""

from sempal_lib.widgets.history import STEPS, History


def test_history_has_an_end():
    history = History(0)
    for state in range(1, STEPS + 10):
        history.push(state)
    for _ in range(STEPS + 10):
        history.undo()
    assert history.now == 9


def test_same_key_after_an_undo_is_a_step_of_its_own():
    history = History("a")
    for state, key in (("b", 1), ("c", 1), ("d", 2)):
        history.push(state, key)
    history.undo()
    assert history.now == "c"
    history.push("e", 2)  # the key of what was undone
    history.undo()
    assert history.now == "c"
    history.undo()
    assert history.now == "a"
