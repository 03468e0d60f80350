import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants import uscc

# Registered codes of two public bodies and the standard's own example.
KNOWN = ["91350100M000100Y43", "91110000802100433B", "12100000400000624D"]
bodies = st.text(alphabet=uscc.ALPHABET, min_size=17, max_size=17)


@pytest.mark.parametrize("code", KNOWN)
def test_known_codes_are_valid(code):
    assert uscc.is_valid(code)


@given(bodies)
def test_a_completed_body_is_valid(body):
    assert uscc.is_valid(uscc.complete(body))


@given(bodies, st.integers(0, 17), st.sampled_from(uscc.ALPHABET))
def test_one_changed_character_is_noticed(body, place, other):
    code = uscc.complete(body)
    changed = code[:place] + other + code[place + 1 :]
    assert uscc.is_valid(changed) == (changed == code)


@pytest.mark.parametrize("code", ["", "9135", "9135021100010OY43I", "91350211M000100y43"])
def test_what_is_no_code_is_not_valid(code):
    assert not uscc.is_valid(code)


def test_codes_are_read_as_people_write_them():
    assert uscc.tidy(" ９１35 0100-m000100y43 ") == "91350100M000100Y43"


def test_a_body_of_the_wrong_length_is_refused():
    with pytest.raises(ValueError, match="17 characters"):
        uscc.check_character("9135")
