import pytest

from tenants import tokens


def test_a_new_token_is_found_by_its_public_part_and_proved_by_its_secret():
    made = tokens.new_device_token()
    public_id, secret = tokens.read_device_token(made.shown)
    assert public_id == made.public_id
    assert tokens.is_same(secret, made.secret_sha256)


def test_another_secret_proves_nothing():
    made, other = tokens.new_device_token(), tokens.new_device_token()
    _public_id, secret = tokens.read_device_token(other.shown)
    assert not tokens.is_same(secret, made.secret_sha256)


def test_the_stored_part_does_not_hold_the_secret():
    made = tokens.new_device_token()
    assert made.secret_sha256.hex() not in made.shown


@pytest.mark.parametrize(
    "written",
    [
        "",
        "gyd_",
        "gyd_12345678_short",
        "gyt_12345678_" + "a" * 43,
        "gyd_1234567g_" + "a" * 43,
    ],
)
def test_what_is_no_token_is_not_read(written):
    assert tokens.read_device_token(written) is None


def test_sids_are_long_and_differ():
    made = {tokens.new_sid() for _ in range(50)}
    assert len(made) == 50
    assert min(len(sid) for sid in made) >= 43
