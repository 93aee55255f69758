"""What two near questions may not differ in, and what they may."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.caching.guards.checks import GUARDS, objection
from daemon.caching.guards.features import read_features
from daemon.caching.guards.numbers import read_numbers


def verdict(asked: str, kept: str) -> str | None:
    return objection(read_features(asked), read_features(kept))


@pytest.mark.parametrize(
    ("guard", "one", "other"),
    [
        ("number", "give me 10 ideas for a party", "give me 12 ideas for a party"),
        ("number", "a loan over twenty five years", "a loan over twenty six years"),
        ("number", "how tall is a two storey house", "how tall is a three storey house"),
        ("number", "is 1,000 a square number", "is 10,000 a square number"),
        ("number", "what changed in Python 3.10", "what changed in Python 3.1"),
        ("number", "upgrade to postgres 15", "upgrade to postgres 16"),
        ("number", "what is 5% of the price", "what is 50% of the price"),
        ("number", "who was the 5th president", "who was the 7th president"),
        ("number", "summarize this in 100 words", "summarize this in 200 words"),
        ("unit", "what is 70 kg in pounds", "what is 70 kg in grams"),
        ("unit", "remind me in 10 minutes", "remind me in 10 hours"),
        ("unit", "how many feet are in a mile", "how many miles are in a foot"),
        ("unit", "my alarm is at 7 am", "my alarm is at 7 pm"),
        ("date", "what is open on Monday", "what is open on Tuesday"),
        ("date", "the weather in June", "the weather in July"),
        ("date", "the score of the game today", "the score of the game yesterday"),
        ("currency", "how much is 5 euros", "how much is 5 dollars"),
        ("currency", "is £5 enough", "is €5 enough"),
        ("time zone", "the meeting is at noon UTC", "the meeting is at noon PST"),
        ("language", "say good morning in Dutch", "say good morning in Korean"),
        ("technology", "hello world in rust", "hello world in python"),
        ("format", "list the planets as JSON", "list the planets as YAML"),
        ("format", "list the planets as a table", "list the planets"),
        ("length", "give me a short answer about tides", "give me a detailed answer about tides"),
        ("negation", "which countries require a visa", "which countries do not require a visa"),
        ("negation", "meals with nuts", "meals without nuts"),
        ("negation", "can I park here", "can't I park here"),
        ("negation", "he has ever been to Rome", "he has never been to Rome"),
        ("negation", "is the water safe", "is the water unsafe"),
        ("negation", "why do people agree with him", "why do people disagree with him"),
        ("antonym", "how do I enable dark mode", "how do I disable dark mode"),
        ("antonym", "what to eat before a run", "what to eat after a run"),
        ("antonym", "foods that raise blood pressure", "foods that reduce blood pressure"),
        ("antonym", "the max of a list", "the min of a list"),
        ("antonym", "should I buy the stock", "should I sell the stock"),
        ("antonym", "import the table", "export the table"),
        ("antonym", "sort in ascending order", "sort in descending order"),
        ("antonym", "the first king of France", "the last king of France"),
        ("comparative", "who is smarter", "who is smartest"),
        ("order", "is Carol older than Frank", "is Frank older than Carol"),
        ("order", "is carol older than frank", "please tell me if frank is older than carol"),
        ("order", "translate this from French to Dutch", "translate this from Dutch to French"),
        ("order", "what is 15 divided by 12", "what is 12 divided by 15"),
        ("order", "convert usd to gbp", "convert gbp to usd"),
        ("order", "did the dog bite the man", "did the man bite the dog"),
        ("order", "baking soda instead of baking powder", "baking powder instead of baking soda"),
        ("order", "transfer money from my account", "transfer money to my account"),
        ("order", "salt but not sugar", "sugar but not salt"),
        ("order", "rename column alpha to beta", "rename column beta to alpha"),
        ("tense", "what did the minister say about it", "what will the minister say about it"),
        ("pronoun", "what is my name", "what is your name"),
        ("pronoun", "when did he arrive", "when did she arrive"),
        ("pronoun", "what do you call me", "what do I call you"),
        ("question", "when was the bridge built", "where was the bridge built"),
        ("quoted", 'define "candid"', 'define "obtuse"'),
        ("quoted", "what does 'ephemeral' mean", "what does 'perennial' mean"),
        ("code", "what does git reset do", "what does git reset --hard do"),
        ("code", "fix: SELECT * FROM t WHERE age >= 30", "fix: SELECT * FROM t WHERE age > 30"),
        ("code", "why is a == b slow", "why is a != b slow"),
        ("code", "what does getUser return", "what does getuser return"),
        ("code", "explain df.dropna()", "explain df.fillna()"),
        ("code", "what does max_len do", "what does max_size do"),
        ("code", "what does ls -l show", "what does ls -a show"),
        ("code", "my alarm is at 7 a.m.", "my alarm is at 7 p.m."),
        ("code", "what is 5 - 3", "what is 5 + 3"),
        ("url", "summarize https://example.org/a", "summarize https://example.org/b"),
        ("url", "what is in /etc/hosts", "what is in /etc/passwd"),
        ("entity", "the population of Kenya", "the population"),
        ("wording", "the capital of kenya", "the capital of ghana"),
        ("wording", "how to treat a dog bite", "how to treat a cat bite"),
        ("wording", "quelle est la capitale du maroc", "quelle est la capitale du mali"),
    ],
)
def test_what_differs_is_a_miss(guard: str, one: str, other: str) -> None:
    assert guard == verdict(one, other)
    assert verdict(other, one) is not None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("convert 500 miles to km", "Please convert 500 miles into kilometers?"),
        ("what is 70 kilograms in stone", "how much is 70 kg in stone"),
        ("how many inches are in a mile", "one mile is how many inches"),
        ("what happened on July 5th, 2001", "hi, tell me what happened on 5 July 2001"),
        ("schedule it for Monday at 3 pm", "Can you schedule it for monday at 3pm, please"),
        ("is Carol taller than Frank", "tell me if carol is taller than frank"),
        ("translate this sentence from French to Dutch", "French to Dutch translation of this sentence"),
        ("how do I sort a python list in ascending order", "Python: sort a list in ascending order"),
        ("how can I cancel my subscription?", "steps to cancel a subscription"),
        ("why isn't my card working", "my card is not working, why?"),
        ("why can't I log in", "why can I not log in"),
        ("fix this SQL: SELECT * FROM t WHERE a <= 3", "please fix this SQL: SELECT * FROM t WHERE a <= 3"),
        ('define "ubiquitous"', 'give me the definition of "ubiquitous" thanks'),
        ("what is `git rebase` used for", "what is git rebase used for"),
        ("do I need 2 forms for it", "do you need 2 forms for it?"),
        ("twenty five ideas for a party", "25 ideas for a party"),
        ("I'm not sure how to jump start a car", "how do I jump start a car"),
        ("how do I get a virtual card", "how do you obtain a virtual card?"),
        ("when I travel can I use my card", "can I use my card when I travel"),
        ("what kind of gas does this car use", "can you tell me which type of gas this vehicle uses"),
    ],
)
def test_a_paraphrase_hits(one: str, other: str) -> None:
    assert verdict(one, other) is None
    assert verdict(other, one) is None


@given(st.text(max_size=60))
def test_no_guard_objects_to_the_same_text(text: str) -> None:
    assert verdict(text, text) is None


ALPHABET = [*"aB1 .,'\"`-<>=?€(/@_", " not ", " two ", " from ", " than ", " MY ", "\n"]
SENTENCES = st.lists(st.sampled_from(ALPHABET), max_size=25).map("".join)


@given(SENTENCES, SENTENCES)
def test_guards_are_symmetric(one: str, other: str) -> None:
    """An answer that may not stand for the other way round may not stand at all."""
    a, b = read_features(one), read_features(other)

    assert [differs(a, b) for _, differs in GUARDS] == [differs(b, a) for _, differs in GUARDS]


@pytest.mark.parametrize(
    ("text", "numbers", "measures"),
    [
        ("5 km and 3 miles", ("5", "3"), {"5 km", "3 mile"}),
        ("two hundred million euros", ("200000000",), set()),
        ("a thousand times", ("1000",), set()),
        ("twenty five or twenty", ("25", "20"), set()),
        ("1,234.5 kg", ("1234.5",), {"1234.5 kg"}),
        ("how many feet in 2 yards", ("2",), {"? foot", "2 yard"}),
        ("-5 and 10-11 at 3:30", ("-5", "10", "11", "3:30"), set()),
    ],
)
def test_numbers_are_read_in_digits_and_in_words(text: str, numbers: tuple[str, ...], measures: set[str]) -> None:
    features = read_features(text)

    assert numbers == features.numbers
    assert measures == features.measures
    assert (features.numbers, features.measures) == read_numbers(features.tokens)
