"""Embeddings requests and answers, taken apart and put together."""

from hypothesis import given
from hypothesis import strategies as st

from daemon.dialects.embedding_items import EmbeddingItems
from daemon.dialects.shares import even_shares

ITEMS = EmbeddingItems()
inputs = st.lists(st.text(min_size=1), min_size=1, max_size=8) | st.lists(
    st.lists(st.integers(0, 9), min_size=1), min_size=1, max_size=8
)


def answer_to(body, tokens=0):
    data = [{"index": at, "embedding": [repr(item)], "more": at} for at, item in enumerate(body["input"])]
    return {"data": [{**one, "more": one["embedding"]} for one in data], "x": 1, "usage": {"prompt_tokens": tokens}}


@given(inputs, st.data(), st.integers(0, 10_000))
def test_any_part_kept_and_the_rest_asked_for_is_the_whole_answer(items, data, tokens):
    body = {"model": "m", "input": items, "dimensions": 2}
    whole = answer_to(body, tokens)
    kept = data.draw(st.sets(st.integers(0, len(items) - 1), max_size=len(items) - 1))
    missing = [at for at in range(len(items)) if at not in kept]
    alone = ITEMS.answers(whole, len(items))
    call = answer_to(ITEMS.together(body, missing), tokens)
    fresh = iter(ITEMS.answers(call, len(missing)))

    assert whole == ITEMS.joined([alone[at] if at in kept else next(fresh) for at in range(len(items))], call)


@given(inputs, st.randoms(use_true_random=False))
def test_the_order_in_which_vectors_stand_means_nothing(items, random):
    whole = answer_to({"input": items}, 7)
    shuffled = {**whole, "data": random.sample(whole["data"], len(items))}

    assert ITEMS.answers(whole, len(items)) == ITEMS.answers(shuffled, len(items))


@given(inputs)
def test_what_is_taken_apart_asks_for_each_item_alone(items):
    body = {"model": "m", "input": items, "user": "u"}

    assert items == [one["input"] for one in ITEMS.apart(body)]
    assert all({**body, "input": one["input"]} == one for one in ITEMS.apart(body))


@given(st.integers(0, 2**31), st.integers(1, 2048))
def test_shares_are_the_total_together_and_differ_by_one_at_most(total, count):
    shares = even_shares(total, count)

    assert (total, count) == (sum(shares), len(shares))
    assert max(shares) - min(shares) <= 1


def test_an_answer_with_too_few_or_doubled_vectors_answers_nothing():
    for places in ([0], [0, 0], [0, 2], [1, 2]):
        assert [] == ITEMS.answers({"data": [{"index": at, "embedding": [1]} for at in places]}, 2)
    assert [] == ITEMS.answers({"data": "x"}, 2)
