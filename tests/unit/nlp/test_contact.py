import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlp import contact


@pytest.mark.parametrize(
    ("text", "masked", "phones"),
    [
        ("打13612345678找我", "打136****5678找我", ("13612345678",)),
        ("136 1234 5678", "136****5678", ("13612345678",)),
        ("136-1234-5678", "136****5678", ("13612345678",)),
        ("１３６１２３４５６７８", "136****5678", ("13612345678",)),
        ("+86 13612345678", "136****5678", ("13612345678",)),
        ("0086-13612345678", "136****5678", ("13612345678",)),
        ("136\u200b1234\u200b5678", "136****5678", ("13612345678",)),
        ("13612345678/13712345678", "136****5678/137****5678", ("13612345678", "13712345678")),
        ("座机028-61234567", "座机028****4567", ("028-61234567",)),
        ("(0834)6123456", "0834****3456", ("0834-6123456",)),
        ("电话:61234567", "电话:****4567", ("61234567",)),
        ("订单号202506121234567890123", "订单号2025****0123", ()),
        ("3栋2单元1502 6月12日9:30-17:00", "3栋2单元1502 6月12日9:30-17:00", ()),
        ("400-888-1234是客服", "400-888-1234是客服", ()),
    ],
)
def test_phones(text: str, masked: str, phones: tuple[str, ...]) -> None:
    found = contact.find(text)
    assert (found.text, found.phones, found.has_id_number) == (masked, phones, False)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("身份证519999198502021234", "身份证519999********1234"),
        ("51999919850202123x", "519999********123x"),
        ("519999 19850202 1234", "519999********1234"),
        ("老证519999850202123", "老证519999*****2123"),
        ("５１９９９９１９８５０２０２１２３４", "519999********1234"),
    ],
)
def test_id_numbers(text: str, masked: str) -> None:
    found = contact.find(text)
    assert (found.text, found.has_id_number) == (masked, True)


def test_nicknames() -> None:
    assert contact.mask("3-1-402 老王13612345678") == "3-1-402 老王136****5678"


NUMBERS = st.one_of(
    st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True),
    st.from_regex(r"[1-9][0-9]{16}[0-9Xx]", fullmatch=True),
    st.from_regex(r"[0-9]{8,30}", fullmatch=True),
)


@given(st.lists(st.one_of(NUMBERS, st.text(max_size=6)), max_size=6))
def test_no_number_is_left(pieces: list[str]) -> None:
    masked = contact.mask("".join(pieces))
    assert not re.search(r"1[3-9]\d{9}", masked)
    assert not re.search(r"\d{17}[\dXx]", masked)
