import pytest

from nlp import chain


@pytest.mark.parametrize(
    "text",
    [
        "#接龙\n周日义诊\n\n1. 老李 2人\n2. 小周",
        "亲子阅读#接龙\n\n1. 甲",
        "#接龍\n大掃除\n1. 甲",
        "#Group Note\nHiking\n\n1. Ann",
        "周末包饺子接龙\n1、老李\n2，小周\n3。阿芳",
        "体检报名\n1、老李 3栋\n2、小周 5栋",
    ],
)
def test_is_a_chain(text: str) -> None:
    assert chain.is_chain(text)


@pytest.mark.parametrize(
    "text",
    [
        "接龙在哪里填",
        "反映几个问题\n1、3栋电梯总是坏，物业一直拖着不修，大家上下楼很不方便\n2、路灯不亮",
        "1. 门禁坏了\n2. 垃圾没人收",
        "今天19.5度",
        "",
    ],
)
def test_is_none(text: str) -> None:
    assert not chain.is_chain(text)
