"""One table a question: what is found, what it is, what is let go. All sentences are invented for these tests."""

import pytest

from nlp.decision import Label, Nature

CATEGORY = [
    ("6号楼货梯门关不上了", "0101"),
    ("直梯一直咚咚异响，坐着害怕", "0101"),
    ("整栋楼都停水了，到现在没来", "0102"),
    ("自来水发黄还有泥沙", "0102"),
    ("我们这层跳闸了推不上去", "0103"),
    ("又停电了 空调都用不了", "0103"),
    ("家里暖气冰凉，室温才15度", "0104"),
    ("厨房地漏返水，一股臭味", "0105"),
    ("化粪池满了，污水往外流", "0105"),
    ("地库入口的灯不亮，黑漆漆的", "0106"),
    ("三楼声控灯坏了半个月没人换", "0106"),
    ("车库道闸抬不起来，堵了一串车", "0107"),
    ("单元门锁坏了关不上", "0107"),
    ("外墙瓷砖空鼓脱落好大一片", "0108"),
    ("顶楼一下雨就漏水", "0108"),
    ("小区主干道坑坑洼洼的", "0109"),
    ("儿童乐园滑梯裂了", "0110"),
    ("垃圾堆成山了也没人运", "0201"),
    ("楼梯间好久没人打扫，脏死了", "0202"),
    ("五楼过道堆满纸箱鞋柜", "0203"),
    ("大树枝挡住我家窗户，能修剪一下不", "0204"),
    ("楼下烧烤店油烟熏得开不了窗", "0205"),
    ("车棚里老鼠乱窜", "0206"),
    ("单元门口贴满小广告，到处都是", "0207"),
    ("草坪上到处是狗屎没人捡", "0208"),
    ("工地扬尘严重，窗台一层灰", "0209"),
    ("一辆面包车乱停挡住出口", "0301"),
    ("共享单车乱放一地没人管", "0302"),
    ("有人把电瓶车推进电梯上楼充电", "0303"),
    ("消防通道停满了车", "0304"),
    ("北门流动摊贩占道经营", "0305"),
    ("车位不够，天天抢", "0307"),
    ("楼上装修电钻响个不停，午休都不行", "0401"),
    ("广场舞音响开得震天响", "0402"),
    ("楼上半夜拖椅子咚咚咚", "0403"),
    ("隔壁的狗半夜叫个不停", "0404"),
    ("有人从楼上往下扔酒瓶", "0504"),
    ("灭火器过期两年了没换", "0512"),
    ("大狗不牵绳追着小孩跑", "0513"),
    ("物业不作为，打电话没人接", "0601"),
    ("物业费涨了又不公示明细", "0602"),
    ("一楼业主私搭阳光房", "0701"),
    ("对门把房子隔断群租出去", "0702"),
    ("楼下在砸承重墙", "0703"),
]


@pytest.mark.parametrize(("text", "category"), CATEGORY)
def test_category(classifier, text: str, category: str) -> None:
    decision = classifier.analyse(text).best
    assert (decision.label, decision.category) == (Label.TICKET, category)
    assert decision.score >= 3
    assert decision.evidence
    assert decision.rules
    assert all(part in decision.evidence[0] or decision.evidence for part in decision.terms)


LET_GO = [
    ("晚上去不去跳绳", "chat"),
    ("周末去看灯会吗", "chat"),
    ("手机没电了 等下说", "chat"),
    ("水果店的西瓜甜得很", "chat"),
    ("孩子换牙掉了一颗", "chat"),
    ("今天堵车迟到了", "chat"),
    ("上门维修家电，清洗空调，价格优惠，微信同号", "ad"),
    ("本店新到土鸡蛋，满减包邮", "ad"),
    ("出一台洗衣机 九成新 200自提", "second_hand"),
    ("下午回老城 顺风车空位2个", "carpool"),
    ("温馨提示：明日8点至12点3栋停电检修，敬请谅解", "notice"),
    ("您好，您反映的路灯问题已收悉，工作人员已前往处理", "notice"),
    ("各位业主，因水箱清洗将于今晚停水", "notice"),
    ("居住证怎么办理要带什么", "how_to"),
    ("电梯困人了应该怎么办", "how_to"),
    ("充电桩多少钱一度", "how_to"),
    ("下午3点消防演练，听到火灾警报不要慌", "drill"),
    ("网传某小区燃气爆炸是谣言", "rumour"),
    ("报名 2人", "command"),
]


@pytest.mark.parametrize(("text", "reason"), LET_GO)
def test_let_go_with_a_reason(classifier, text: str, reason: str) -> None:
    decision = classifier.analyse(text).best
    assert (decision.label, decision.reason) == (Label.DROP, reason)


@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("热死了 又停电了", "0103"),
        ("师傅说修好了结果电梯又坏了", "0101"),
        ("3栋2单元水管爆了怎么办", "0102"),
        ("说已安排，三天了路灯还没修", "0106"),
        ("我家水管爆了怎么办啊快来人", "0510"),
    ],
)
def test_a_veto_gives_way_to_what_happens_here(classifier, text: str, category: str) -> None:
    decision = classifier.analyse(text).best
    assert decision.label is not Label.DROP
    assert decision.category == category


@pytest.mark.parametrize(
    "text", ["电梯没坏，刚坐过", "不堵不漏，都好着呢", "没有停水，放心", "不会停电的", "现在没有车辆乱停"]
)
def test_what_is_denied_is_no_trouble(classifier, text: str) -> None:
    assert classifier.analyse(text).best.label is Label.DROP


@pytest.mark.parametrize(
    ("text", "nature"),
    [
        ("举报二楼群租，一屋子住十几个人", Nature.REPORT),
        ("我要投诉楼上装修噪音", Nature.COMPLAINT),
        ("建议在东门加装几盏路灯", Nature.SUGGESTION),
        ("听说明天停水是真的吗，请社区核实", Nature.INQUIRY),
        ("路灯坏了", Nature.HELP),
    ],
)
def test_nature(classifier, text: str, nature: Nature) -> None:
    assert classifier.analyse(text).best.nature is nature


def test_a_report_is_confidential(classifier) -> None:
    assert classifier.analyse("举报车库有人飞线充电").best.confidential
    assert classifier.analyse("8栋楼顶私搭彩钢棚").best.confidential
    assert not classifier.analyse("8栋路灯坏了").best.confidential


@pytest.mark.parametrize(
    ("text", "categories"),
    [
        ("2栋路灯不亮 另外北门垃圾好几天没收了", ["0106", "0201"]),
        ("电梯门关不上，还有楼上半夜拖椅子咚咚响", ["0101", "0403"]),
        ("车库漏水严重\n门禁也刷不开", ["0108", "0107"]),
    ],
)
def test_two_matters_are_two_decisions(classifier, text: str, categories: list[str]) -> None:
    decisions = classifier.analyse(text).decisions
    assert sorted(decision.category for decision in decisions) == sorted(categories)
    assert all(decision.label is Label.TICKET for decision in decisions)


@pytest.mark.parametrize(
    "text",
    [
        "电梯坏了 还有老人要下楼看病",  # one matter and who suffers
        "路灯不亮 还有好多都不亮",
        "垃圾没人收，苍蝇到处飞",
        "还有停水吗",
    ],
)
def test_one_matter_stays_one(classifier, text: str) -> None:
    assert len(classifier.analyse(text).decisions) == 1


def test_each_matter_has_its_own_place(classifier) -> None:
    decisions = classifier.analyse("9栋电梯按钮失灵 还有南门垃圾没人清运", nick="9-1-302").decisions
    where = {decision.category: decision.location for decision in decisions}
    assert where["0101"].building == "9"
    assert (where["0201"].building, where["0201"].place) == (None, "南门")


def test_an_emergency_comes_first(classifier) -> None:
    decisions = classifier.analyse("3栋门禁坏了进不去，还有1单元厨房着火了").decisions
    assert [decision.category for decision in decisions] == ["0501", "0107"]


@pytest.mark.parametrize(
    ("text", "objects"),
    [
        ("电梯又坏了", ("电梯",)),
        ("电梯终于修好了", ("电梯",)),
        ("谢谢师傅换灯泡", ("灯泡",)),
        ("来电了", ()),
        ("楼梯间的应急灯一个都不亮", ("应急灯",)),  # not 灯
        ("地漏返水，臭得很", ("地漏",)),
    ],
)
def test_objects_are_things(classifier, text: str, objects: tuple[str, ...]) -> None:
    assert classifier.analyse(text).best.objects == objects


def test_the_widest_name_of_a_thing_counts(classifier) -> None:
    assert classifier.analyse("应急灯坏了").best.category == "0512"
    assert classifier.analyse("过道灯坏了").best.category == "0106"


@pytest.mark.parametrize(
    "text", ["楼上那户说了不听，屡教不改", "小区这个情况好几个月了没人处理", "咨询独生子女补贴政策"]
)
def test_a_vague_grievance_is_for_the_leader(classifier, text: str) -> None:
    assert classifier.analyse(text).best.label is Label.CANDIDATE
