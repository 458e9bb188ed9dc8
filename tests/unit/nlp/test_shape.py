import time

import pytest

from nlp.decision import Label, Shape


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("收到", Shape.ACK),
        ("收到收到[OK]", Shape.ACK),
        ("大家好", Shape.TALK),
        ("各位邻居好", Shape.TALK),
        ("好的，收到，谢谢网格员", Shape.ACK),
        ("1", Shape.ACK),
        ("嗯嗯好嘞", Shape.ACK),
        ("OK", Shape.ACK),
        ("要得", Shape.ACK),
        ("谢谢大家", Shape.THANKS),
        ("要得 谢谢哈", Shape.THANKS),
        ("感谢物业师傅，灯换好了", Shape.THANKS),
        ("来电了", Shape.DONE),
        ("电梯已经修好了", Shape.DONE),
        ("+1", Shape.PLUS_ONE),
        ("＋1 我们12栋也是", Shape.PLUS_ONE),
        ("我家也是", Shape.PLUS_ONE),
        ("我家也是，3栋1单元602", Shape.PLUS_ONE),
        ("我家也是，昨天刚换的灯", Shape.TALK),
        ("9栋也没有", Shape.PLUS_ONE),
        ("同上", Shape.PLUS_ONE),
        ("别刷屏了", Shape.HUSH),
        ("太吵了！", Shape.HUSH),
        ("@小格 你太吵了", Shape.HUSH),
        ("[微笑][微笑]", Shape.EMPTY),
        ("😀", Shape.EMPTY),
        ("@老李\u2005", Shape.EMPTY),
        ("#接龙\n1. 甲", Shape.CHAIN),
        ("1栋电梯又坏了", Shape.TALK),
        ("好几天没收垃圾了", Shape.TALK),
        ("楼上太吵了睡不着", Shape.TALK),
        ("收到短信说明天停水是真的吗", Shape.TALK),
        ("今晚吃火锅", Shape.TALK),
        ("1号楼的灯不亮", Shape.TALK),
        ("也可以", Shape.TALK),
    ],
)
def test_shape_of_the_whole_message(classifier, text: str, shape: Shape) -> None:
    assert classifier.analyse(text).shape is shape


@pytest.mark.parametrize("text", ["1栋电梯又坏了", "好臭啊，下水道又返水了", "OK 那单元门还是打不开啊"])
def test_an_acknowledgement_swallows_no_appeal(classifier, text: str) -> None:
    assert classifier.analyse(text).best.label.value == "ticket"


@pytest.mark.parametrize("seed", ["谢", "嗯哦", "好的", "小小", "收到1", "早", "大家好", "也"])
def test_repetition_stays_linear(classifier, seed: str) -> None:
    start = time.process_time()
    for length in range(1, 42):
        classifier.analyse((seed * 42)[:length] + "x", addressed=True)
    assert time.process_time() - start < 0.2


@pytest.mark.parametrize("text", ["你是谁", "你今天心情好不好", "讲个笑话", "今天天气怎么样", "你好呀小格"])
def test_small_talk_with_the_bot_is_for_nobody(classifier, text: str) -> None:
    assert classifier.analyse(text, addressed=True).best.label is Label.DROP


@pytest.mark.parametrize("text", ["楼道灯", "你来看看我家水管", "你们物业几点了还不来人"])
def test_what_is_said_to_the_bot_reaches_a_person(classifier, text: str) -> None:
    assert classifier.analyse(text, addressed=True).best.label is not Label.DROP


@pytest.mark.parametrize(
    ("text", "follows"),
    [
        ("502的，屋头没人应", True),
        ("1203", True),
        ("老人节快乐", False),
        ("孩子作业写到十点", False),
        ("2025年见", False),
    ],
)
def test_a_bare_room_tells_more_and_small_talk_does_not(classifier, text: str, follows: bool) -> None:
    assert classifier.analyse(text).follows is follows
