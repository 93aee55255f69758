"""A request that goes on from turns which do not stand in it gives out numbers that those cannot have."""

from daemon.pii.placeholders import Mint, numbers_beside


def test_a_request_on_its_own_begins_at_one():
    assert "PERSON_1" == Mint(after=numbers_beside(None)).name_for("PERSON", "Ann")


def test_turns_that_refer_to_others_have_numbers_of_their_own():
    """Turn 2's Ann must not be put back where the model means turn 1's Bo."""
    turns = [None, "resp_1", "resp_2", "resp_3"]
    names = {Mint(after=numbers_beside(turn)).name_for("PERSON", "Ann") for turn in turns}

    assert len(turns) == len(names)


def test_the_same_request_is_hidden_the_same_way():
    assert numbers_beside("resp_1") == numbers_beside("resp_1")
