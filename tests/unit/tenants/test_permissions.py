from pathlib import Path

from tenants.permissions import HOLDERS, PLACED, STEP_UP, Permission, english, matrix_page
from tenants.roles import OF_GROUP, Role

PAGE = Path(__file__).parents[3] / "docs" / "permissions.md"


def test_the_page_in_the_docs_is_current():
    assert PAGE.read_text(encoding="utf-8") == matrix_page(), (
        "write tenants.permissions.matrix_page() to docs/permissions.md"
    )


def test_every_permission_says_what_it_allows():
    assert all(english(each).endswith(".") for each in Permission)


def test_codes_are_package_thing_verb():
    assert {len(each.value.split(".")) for each in Permission} == {3}


def test_an_operator_of_the_cloud_sees_no_business_data():
    held = {each for each in Permission if Role.PLATFORM_OPERATOR in HOLDERS[each]}
    assert {each.value.split(".")[0] for each in held} == {"tenants"}


def test_the_group_changes_nothing():
    assert not {
        each
        for each in Permission
        if HOLDERS[each] & set(OF_GROUP) and not each.value.endswith(".read")
    }


def test_what_asks_for_a_fresh_proof_changes_something():
    assert not {each for each in STEP_UP if each.value.endswith(".read")}
    assert Permission.TENANTS_GRANT_WRITE in STEP_UP & PLACED
