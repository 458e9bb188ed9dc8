import pytest

from nlp import quoting
from nlp.quoting import Quoted

XML = "<msg><appmsg><title>{}</title><type>57</type><refermsg>{}</refermsg></appmsg></msg>"
RULER = "\n- - - - - - - - - - - - - - -\n"


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        (f"「李婆婆：5栋没水」{RULER}我们也没有", Quoted("我们也没有", "5栋没水", "李婆婆")),
        (f"「老陈:图片」{RULER}这是哪", Quoted("这是哪", "图片", "老陈")),
        (
            f"「甲：<msg><appmsg><title>车库进水</title><type>57</type></appmsg></msg>」{RULER}同上",
            Quoted("同上", "车库进水", "甲"),
        ),
        (f"「乙：「甲：门坏了」{RULER}收到」{RULER}谢谢", Quoted("谢谢", "收到", "乙")),
        ("这是一条引用/回复消息：\n“赵姐：\n楼道灯不亮”\n------\n我去看看", Quoted("我去看看", "楼道灯不亮", "赵姐")),
        (
            XML.format("我家也是", "<displayname>孙叔</displayname><content>没得气了</content>"),
            Quoted("我家也是", "没得气了", "孙叔"),
        ),
        (
            XML.format("好 &amp; 谢谢", "<content>&lt;msg&gt;&lt;title&gt;停电&lt;/title&gt;&lt;/msg&gt;</content>"),
            Quoted("好 & 谢谢", "停电", ""),
        ),
        ("「只是引号」没有分隔线", Quoted("「只是引号」没有分隔线")),
        ("3栋<5栋", Quoted("3栋<5栋")),
        ("普通的话", Quoted("普通的话")),
    ],
)
def test_reply_is_parted_from_what_it_quotes(text: str, quoted: Quoted) -> None:
    assert quoting.split(text) == quoted


def test_a_quoted_appeal_is_not_the_speakers(classifier) -> None:
    analysis = classifier.analyse(f"「李婆婆：5栋电梯坏了 电话13900001111」{RULER}哈哈哈")
    assert analysis.best.label.value == "drop"
    assert analysis.quoted == "5栋电梯坏了 电话139****1111"
    assert analysis.quoted_nick == "李婆婆"
