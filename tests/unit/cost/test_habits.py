"""What calls usually look like is learned from those that were settled."""

from __future__ import annotations

from daemon.cost import habits as habits_module
from daemon.cost.habits import Habits
from daemon.exchange import Target

MODEL = Target("openai", "gpt-test")


def test_before_the_first_call_four_bytes_are_a_token_and_the_usual_is_unknown():
    habits = Habits()

    assert (25, None) == (habits.tokens_in(MODEL, 100), habits.usual_output(MODEL))


def test_the_ratio_moves_to_what_the_model_counts():
    habits = Habits()
    for _ in range(100):
        habits.saw_input(MODEL, body_bytes=1000, prompt_tokens=500)

    assert 50 == habits.tokens_in(MODEL, 100)
    assert 25 == habits.tokens_in(Target("openai", "other"), 100)


def test_a_call_without_tokens_teaches_nothing():
    habits = Habits()
    habits.saw_input(MODEL, body_bytes=1000, prompt_tokens=0)

    assert 25 == habits.tokens_in(MODEL, 100)


def test_nine_calls_in_ten_stay_within_the_usual_output():
    habits = Habits()
    for output_tokens in range(1, 101):
        habits.saw_output(MODEL, output_tokens)

    assert 90 == habits.usual_output(MODEL)


def test_old_calls_are_forgotten():
    habits = Habits()
    for output_tokens in [9999] * 10 + [5] * habits_module.CALLS_KEPT:
        habits.saw_output(MODEL, output_tokens)

    assert 5 == habits.usual_output(MODEL)


def test_the_least_recent_model_is_forgotten_first(monkeypatch):
    monkeypatch.setattr(habits_module, "MODELS_KEPT", 2)
    habits = Habits()
    for name in ("a", "b", "a", "c"):
        habits.saw_output(Target("p", name), 7)

    assert [7, None, 7] == [habits.usual_output(Target("p", name)) for name in ("a", "b", "c")]
