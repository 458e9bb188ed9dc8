"""What must not be published about somebody, and how much money a text names."""

from __future__ import annotations

import pytest

from nlp.discretion import Private, find, yuan


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("想给8岁的孩子找一套绘本", {Private.MINOR}),
        ("十二岁，想学游泳", {Private.MINOR}),
        ("刚满6个月大，缺一辆推车", {Private.MINOR}),
        ("家里娃儿要上小学了", {Private.MINOR}),
        ("老伴做透析，想要一台轮椅", {Private.ILLNESS}),
        ("得了重病，想有人陪着聊天", {Private.ILLNESS}),
        ("王奶奶想理个发", {Private.NAME}),
        ("3栋2单元1502的门铃不响", {Private.HOME}),
        ("12楼的住户想要一个拐杖", {Private.HOME}),
        ("张大爷中风后一个人住3栋501", {Private.NAME, Private.ILLNESS, Private.HOME}),
        ("老刘想要一台收音机", {Private.NAME}),
        ("陈家婆婆想换灯泡", {Private.NAME}),
        ("李老伯的门锁坏了", {Private.NAME}),
        ("邻居名叫欧阳明的想理发", {Private.NAME}),
        ("我叫付伯阳，想有人陪着下棋", {Private.NAME}),
        ("帮马秀英换一下厨房的灯泡", {Private.NAME}),
        ("邱玉芬老人想要一个收音机", {Private.NAME}),
        ("田淑珍奶奶家的纱窗破了", {Private.NAME}),
        ("想请人教用手机，联系人：康建国", {Private.NAME}),
        ("独居老人罗素华想理个发", {Private.NAME}),
        ("欧阳志明师傅的三轮车要补胎", {Private.NAME}),
        ("想要一台轮椅 彭桂香", {Private.NAME}),
        ("想放胰岛素的小冰箱", {Private.ILLNESS}),
        ("双胞胎的推车", {Private.MINOR}),
        ("老房子的小石子路想有人铺一铺，方便大家", set()),
        ("4栋独居老人想换个卫生间灯泡 需要会接电的", set()),
        ("80岁老人想要一台收音机", set()),
        ("灯泡有点毛病，想请人看看", set()),
        ("大学生想找个地方自习", set()),
        ("向阳路口想有一条长凳", set()),
        ("高龄老人想要一个扶手", set()),
        ("请万达广场的志愿者来教用手机", set()),
        ("是金银花茶还是菊花茶都可以", set()),
        ("给江边的老房子换两扇窗", set()),
        ("我叫了车，想有人陪着去办事", set()),
        ("和平里的老人想学智能手机", set()),
        ("白玉兰树下想要一张石桌", set()),
        ("陶瓷杯五个，大约300元", set()),
        ("请于明天上午来取旧书", set()),
        ("给沈阳国庆来的老人当一天导游", set()),
        ("张贴栏旧了，想换一块", set()),
        ("大年初一想有人陪着吃顿饭", set()),
        ("想要一双42码的布鞋，15号以前", set()),
    ],
)
def test_what_is_private(text: str, kinds: set[Private]) -> None:
    assert set(find(text)) == kinds


def test_the_words_at_fault_are_named() -> None:
    assert find("家里有个自闭症的孩子") == {Private.MINOR: "孩子", Private.ILLNESS: "症"}


@pytest.mark.parametrize(
    ("text", "most"),
    [
        ("大概1500元", 1500),
        ("¥ 800", 800),
        ("三百块钱左右", 300),
        ("五百多元，最多一千二百块", 1200),
        ("1,200元", 1200),
        ("1.2万元", 12000),
        ("12.5元一个", 12),
        ("两块毛巾", None),
        ("一块玻璃", None),
        ("3栋2单元", None),
        ("没说钱", None),
    ],
)
def test_money(text: str, most: int | None) -> None:
    assert yuan(text) == most
