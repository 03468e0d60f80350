import json
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.credit.canonical import canonical, commitment, digest, root

LEAVES = (
    "",
    "00",
    "10",
    "2021",
    "3031",
    "40414243",
    "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
)
values = st.recursive(
    st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text("abcXYZ_09", min_size=1), inner),
)


def test_keys_are_sorted_and_nothing_is_escaped_that_need_not_be():
    assert canonical({"b": 1, "a": ["é", "\n"]}) == '{"a":["é","\\n"],"b":1}'


@given(values)
def test_what_is_written_reads_back_and_writes_the_same(value):
    text = canonical(value)
    assert json.loads(text) == value
    assert canonical(json.loads(text)) == text


@pytest.mark.parametrize("value", [1.5, True, None, {"a": None}, [0.1], {"é": 1}, {1: 2}])
def test_what_languages_write_differently_is_refused(value):
    with pytest.raises(TypeError):
        canonical(value)


def test_a_commitment_hangs_on_salt_and_body():
    made = commitment(b"s" * 32, "body")
    assert made == sha256(b"s" * 32 + b"body").digest()
    assert made != commitment(b"t" * 32, "body")


def test_the_root_is_that_of_the_published_eight_leaves():
    # The test vector of certificate transparency; its leaves are in order already.
    assert root(bytes.fromhex(each) for each in LEAVES).hex() == (
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"
    )


@given(st.lists(st.binary(min_size=32, max_size=32), max_size=40))
def test_the_root_is_the_recursive_definition_in_any_order(leaves):
    def tree(part):
        if len(part) == 1:
            return sha256(b"\x00" + part[0]).digest()
        split = 1
        while split * 2 < len(part):
            split *= 2
        return sha256(b"\x01" + tree(part[:split]) + tree(part[split:])).digest()

    expected = tree(sorted(leaves)) if leaves else sha256(b"").digest()
    assert root(reversed(leaves)) == expected


def test_a_digest_is_of_the_canonical_text():
    assert digest({"b": 1, "a": 2}) == sha256(b'{"a":2,"b":1}').digest()
