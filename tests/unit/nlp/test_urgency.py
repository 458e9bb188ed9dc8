import pytest

from nlp.decision import Label, Urgency

HERE = [
    ("二楼厨房着火了快来人", "0501"),
    ("配电箱冒烟了", "0501"),
    ("楼道好大一股煤气味", "0502"),
    ("天然气阀门漏气，关不上", "0502"),
    ("有个孩子困在电梯里了", "0503"),
    ("电梯停在半路，里面关着人，电梯困人了", "0503"),
    ("路口井盖不见了，差点掉下去", "0505"),
    ("停车场路面塌陷一个大洞", "0505"),
    ("奶奶走丢了，穿红外套", "0506"),
    ("楼下有人晕倒了叫120", "0507"),
    ("大爷摔倒起不来，头上在流血", "0507"),
    ("路灯杆漏电，刚才电到人了", "0509"),
    ("有个女的坐在楼顶要跳楼", "0509"),
    ("地下车库被淹了，水漫到车轮", "0510"),
    ("主管道爆了，水柱喷到二楼，阀门关不住", "0510"),
    ("十楼跑水，水沿着楼梯往下淌，快进电梯井了", "0510"),
    ("隔壁男的在打老婆，一直喊救命", "0511"),
]


@pytest.mark.parametrize(("text", "category"), HERE)
def test_here_and_now(classifier, text: str, category: str) -> None:
    decision = classifier.analyse(text).best
    assert (decision.label, decision.urgency, decision.category) == (Label.TICKET, Urgency.EMERGENCY, category)


@pytest.mark.parametrize(("text", "category"), HERE)
@pytest.mark.parametrize("wrap", ["哎呀{}啊", "{}哈哈哈", "那个{}嘛[捂脸]", "谢谢大家 {}"])
def test_safety_beats_vetoes(classifier, text: str, category: str, wrap: str) -> None:
    decision = classifier.analyse(wrap.format(text)).best
    assert (decision.urgency, decision.category) == (Urgency.EMERGENCY, category)


@pytest.mark.parametrize(
    "text",
    [
        "太阳大得像着火了一样",
        "我都要困死了",
        "笑到晕倒",
        "这价格简直跳楼价",
        "他俩游戏里天天打架",
        "昨晚电影里电梯困人那段吓死我",
        "下周二消防演练，模拟楼道起火",
        "燃气泄漏怎么处理，求科普",
        "预防煤气中毒小知识讲座",
        "火锅店今天开业，火爆得很",
        "网传地铁塌方是谣言",
        "新闻说外省煤矿坍塌了",
        "孩子掉水坑里衣服湿了好好笑",
        "手机掉水里了",
        "困了 睡觉",
        "我家燃气灶打不着火",
        "家里灶台点不起火了",
        "别冻着了 多穿点",
        "在沙发上睡着了",
        "爆炸好吃",
        "物业费再涨我要跳楼了",
    ],
)
def test_not_here_not_now(classifier, text: str) -> None:
    decision = classifier.analyse(text).best
    assert decision.urgency is not Urgency.EMERGENCY


@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("电梯经常困人，物业不修", "0101"),
        ("楼道堆杂物，担心着火", "0203"),
        ("地下车库消防隐患严重，喷淋都没水", "0512"),
        ("电梯老是突然停，差点被困", "0101"),
        ("水管老化，怕哪天爆了", "0102"),
        ("楼上漏水漏到楼道，半年了没人修", "0108"),
    ],
)
def test_a_habit_or_a_hazard_is_an_everyday_matter(classifier, text: str, category: str) -> None:
    decision = classifier.analyse(text).best
    assert decision.label is Label.TICKET
    assert (decision.urgency, decision.category) == (Urgency.ROUTINE, category)


@pytest.mark.parametrize(
    "text",
    [
        "我妈走失过一次，后来给她戴了手环",
        "我媳妇下个月要生了",
        "燃气公司来查过漏气，没问题",
        "厨房水管爆过一回，换新的了",
    ],
)
def test_what_was_or_will_be_pages_nobody(classifier, text: str) -> None:
    assert classifier.analyse(text).best.urgency is not Urgency.EMERGENCY


@pytest.mark.parametrize(
    "text",
    ["公司楼下着火了快来人", "北门外面饭店爆炸起火，大家快跑，请关窗", "以前没见过这么大的火，楼上烧起来了快打119"],
)
def test_a_cry_for_help_is_heard_beside_one_cue_of_something_else(classifier, text: str) -> None:
    decision = classifier.analyse(text).best
    assert (decision.label, decision.urgency) == (Label.TICKET, Urgency.EMERGENCY)
