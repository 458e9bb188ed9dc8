import time

import pytest

from nlp.decision import Shape


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("收到", Shape.ACK),
        ("收到收到[OK]", Shape.ACK),
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
