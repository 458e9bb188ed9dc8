import pytest

from nlp.decision import Label, Urgency


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("维修人员在修了，预计中午恢复供水", "notice"),
        ("因线路检修，明日9点停电，请大家提前做好准备", "notice"),
        ("提醒：电瓶车请勿推入电梯", "notice"),
        ("灭火器怎么使用", "how_to"),
        ("煤气中毒怎么急救", "how_to"),
        ("发现高空抛物怎么举报", "how_to"),
        ("水管漏水 求推荐师傅", "offtopic"),
        ("这家酒店隔音太差，隔壁吵了一夜", "elsewhere"),
        ("谢谢物业，下水道通了", "thanks"),
        ("楼道灯已经修好了", "done"),
        ("/心愿 给独居老人换个灯泡", "command"),
    ],
)
def test_something_else_than_an_appeal(classifier, text: str, reason: str) -> None:
    decision = classifier.analyse(text).best
    assert (decision.label, decision.reason) == (Label.DROP, reason)


@pytest.mark.parametrize(
    "text",
    [
        "说已经修好了，结果又漏水了",
        "通知说三天修好，都一周了电梯还没修",
        "昨天刚修好的路灯又不亮了",
        "什么时候才能把漏水的地方修好了啊",
        "小区旁边那家酒店油烟扰民",
        "投诉酒店后厨噪音扰民",
    ],
)
def test_a_cue_alone_does_not_silence_an_appeal(classifier, text: str) -> None:
    assert classifier.analyse(text).best.label is not Label.DROP


def test_a_notice_of_an_emergency_alarms_nobody(classifier) -> None:
    decision = classifier.analyse("温馨提示：东门路面塌陷，正在抢修，请绕行").best
    assert (decision.label, decision.urgency) == (Label.DROP, Urgency.ROUTINE)


@pytest.mark.parametrize("laugh", ["哈哈哈", "哈哈哈哈哈", "嘻嘻", "嘿嘿", "呵呵"])
def test_laughing_is_no_veto(classifier, laugh: str) -> None:
    assert classifier.analyse(f"{laugh}电梯又坏了{laugh}").best.label is Label.TICKET


def test_every_veto_that_strikes_is_told(classifier) -> None:
    decision = classifier.analyse("九成新电瓶车低价转让，可充电上楼").best
    assert decision.label is Label.DROP
    assert any(rule.startswith("veto:second_hand:") for rule in decision.rules)
