import fcntl
import threading
import time

import pytest

from kernel.errors import Unavailable
from tenants.errors import PasswordRefused
from tenants.passwords import Passwords, check_new, common, first_password, hash_password

pytestmark = pytest.mark.usefixtures("real_hashes")
OWN = ["柯岚", "Ke Lan", "kestrel/ke.lan", "ke.lan@kestrel.example", "Kestrel Precision"]
GOOD = "quiet-river-41-lantern"


@pytest.fixture
def passwords(tmp_path):
    return Passwords(tmp_path / "locks")


def test_the_right_password_is_right_and_a_wrong_one_is_not(passwords):
    stored = passwords.hash(GOOD)
    assert passwords.verify(stored, GOOD)
    assert not passwords.verify(stored, GOOD + "x")


def test_hashes_are_argon2id_with_the_stated_parameters():
    assert hash_password(GOOD).startswith("$argon2id$v=19$m=65536,t=3,p=1$")


def test_nobody_has_a_password(passwords):
    assert not passwords.verify(None, GOOD)


def test_a_weaker_hash_is_outdated(passwords):
    weak = hash_password(GOOD).replace("t=3", "t=2")
    assert passwords.is_outdated(weak)
    assert not passwords.is_outdated(hash_password(GOOD))


def test_one_more_than_may_wait_is_told_to_come_back(passwords, tmp_path):
    passwords.hash(GOOD)  # makes the files
    held = [(tmp_path / "locks" / "password.turn").open("r+")]
    held += [(tmp_path / "locks" / f"password.queue.{n}").open("w+") for n in range(4)]
    for each in held:
        fcntl.flock(each, fcntl.LOCK_EX)
    began = time.monotonic()
    with pytest.raises(Unavailable) as refused:
        passwords.hash(GOOD)
    assert time.monotonic() - began < 1
    assert refused.value.retry_after_s > 0
    for each in held:
        each.close()


def test_who_waits_too_long_is_told_to_come_back(passwords, tmp_path):
    passwords.hash(GOOD)
    with (tmp_path / "locks" / "password.turn").open("r+") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(Unavailable):
            passwords.hash(GOOD)
    assert passwords.verify(passwords.hash(GOOD), GOOD)


def test_those_who_wait_get_their_turn(passwords):
    stored, right = passwords.hash(GOOD), []
    threads = [
        threading.Thread(target=lambda: right.append(passwords.verify(stored, GOOD)))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert right == [True, True]


@pytest.mark.parametrize(
    "password",
    [
        "elevenchars",
        "x" * 129,
        "qwerty123456",
        "QWERTY123456",
        "abcabcabcabc",
        "aaaaaaaaaaaaa",
        "my-kestrel-2026",
        "柯岚的一个很长的密码啊啊",
    ],
)
def test_passwords_that_others_would_guess_are_refused(password):
    with pytest.raises(PasswordRefused):
        check_new(password, own_words=OWN)


@pytest.mark.parametrize("password", [GOOD, "一只红色的鸟站在河边的石头上", "lots of spaces here"])
def test_long_unusual_passwords_are_taken(password):
    check_new(password, own_words=OWN)


def test_the_list_holds_what_can_be_tried_here():
    assert len(common()) > 150
    assert min(len(each) for each in common()) >= 12


def test_first_passwords_are_strong_and_differ():
    made = {first_password() for _ in range(20)}
    assert len(made) == 20
    for each in made:
        check_new(each, own_words=OWN)
