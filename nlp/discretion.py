"""What of a text is nobody else's business: children, illness, a home, a name. And how much money it names.

For what is published about somebody. It would rather find too much: a person then finds other words.
"""

from __future__ import annotations

import re
from enum import StrEnum
from functools import cache

from nlp import counts, location, tables
from nlp.normalize import DATA, normalise

ADULT = 18


class Private(StrEnum):
    MINOR = "minor"
    ILLNESS = "illness"
    HOME = "home"  # a floor or a door: a building says nothing of whose it is
    NAME = "name"  # a surname with what people call somebody by, or a whole name


_AGE = re.compile(r"(\d{1,3}|[零一二两三四五六七八九十]{1,3})\s?(?:周?岁(?!月)|个?月大)")
_SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金石廖"
    "贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤"
)
_NAME = re.compile(
    rf"(?:老|小)?[{_SURNAMES}](?:大爷|大妈|大娘|大叔|大婶|大姐|大哥|奶奶|爷爷|婆婆|公公|阿姨|叔叔|伯伯|嬢嬢|孃孃|嬢|孃|叔|婶|伯|姨"
    r"|婆(?!娑)|姐|哥|老师|师傅|先生|女士|老太|老汉|老伯|老爷子|家(?:婆婆|奶奶|爷爷|大爷|老人|姑娘)|某)"
    rf"|(?<![\u4e00-\u9fff])[老小][{_SURNAMES}](?=[家想要的得有，,、。\s]|$)|(?:名叫|姓名是?|名字是?|名字叫)\s?[\u4e00-\u9fff]{{2,3}}"
)
# Whole names: a surname and one or two characters that people are named by, where a name can begin and end, or where it
# is said that one follows. A street or a school called after somebody is none.
_RARER = "康常洪易乔温庄葛聂章鲁施俞苗邢骆梅盛游耿关兰焦翁甘柴舒尤凌霍阮鲍涂柯牛纪蒲敖冉苟傅詹阎倪殷岳"
_NO_NAME = "白玉兰|白富美|丁香|金银|马兰|向阳|万达|万元|于明天|沈阳"
_FAMILY = rf"(?!{_NO_NAME})(?:欧阳|司马|上官|诸葛|司徒|夏侯|皇甫|慕容|令狐|[{_SURNAMES}{_RARER}])"
_GIVEN = (
    "[秀英桂兰玉珍凤芳淑华丽娟红霞梅琴燕萍玲芬敏静娜艳洁琼云莲翠香菊月娥珠慧巧美娣仙素荣春蓉碧莉岚茹妹爱清如珊彩贞瑞银惠蕾薇婷媛雪倩颖欣怡佳琪婉"
    "晴雨涵梦诗雅思琳璐瑶莹妍嘉梓轩浩宇子晨俊杰博文昊天泽睿皓铭逸辰诺涛磊鹏飞勇军强伟刚建国志明平波峰辉斌超龙光德福寿禄康生林森海江洋彬毅健宁安永"
    "庆祥吉良才民兴旺富贵根全顺兵武胜忠义仁信廷学正东升宏坤乾成世元礼树松柏柱栋昌盛达远奎晓小洪朝绍维继克少培炳锦启跃进京川蜀渝凌旭阳亮鑫钰钦奕翰"
    "尧竹修金权兆硕显宪恩友善喜凯泰韬琛雄玮瑜瑾璇芝芷菁萱峻舟航帆铁钢锋铮剑保秋冬水雷连有运允映应益崇宗祖绪业振立花之]"
)
_STREET = "(?![路街巷村镇乡桥城店站苑园庄寨社区广公商超酒医院校馆湖山厂集团大道地楼省市县牌府花])"
_FULL_NAME = re.compile(
    rf"{_FAMILY}{_GIVEN}{{1,2}}(?:大爷|大妈|大娘|大叔|大婶|大姐|大哥|奶奶|爷爷|婆婆|公公|阿姨|叔叔|伯伯|嬢嬢|孃孃|孃|老师|师傅|先生|女士"
    r"|老人|同学|同志|医生|老太|老汉|老伯|老爷子|一家)"
    rf"|(?:我|他|她|名|小名|大名)叫\s?{_FAMILY}[\u4e00-\u9fff]{{1,2}}(?=[\s,，、。!！;；和的今住想要家在]|$)"
    rf"|(?<![\u4e00-\u9fff\d]){_FAMILY}{_GIVEN}{{2}}{_STREET}"
    rf"|(?<=[我叫是帮给替为请找陪送让和跟与及谢]){_FAMILY}{_GIVEN}{{2}}{_STREET}"
    rf"|(?:住户|老人|居民|邻居|党员|老兵){_FAMILY}{_GIVEN}{{2}}{_STREET}"
)
_THINGS = "(?!玻璃|木|板|布|地|牌|砖|石|肥皂|香皂|毛巾|抹布|手表|表|电池|海绵|窗帘)"  # 两块毛巾 cost nothing
_YUAN = re.compile(
    rf"(?:(?P<sign>[¥￥$])\s?)?(?P<digits>\d{{1,7}}(?:[.,]\d{{1,3}})?)\s?(?P<unit>万|千|百)?(?:多|来)?\s?(?P<yuan>元|块{_THINGS}|圆|rmb)?"
    rf"|(?P<words>[一两二三四五六七八九十百千]{{1,7}})(?P<more>万)?(?:多|来)?(?:元|块{_THINGS}|圆)"
)
_UNIT = {"万": 10_000, "千": 1_000, "百": 100}


def find(text: str) -> dict[Private, str]:
    """What is private in a text as somebody typed it, each kind with the first words that show it."""
    found: dict[Private, str] = {}
    normal = normalise(text)
    for said in (text, normal):  # normal text knows other spellings, but no longer what 奶奶 was
        for kind, word, longer in _words():
            if kind not in found and (word in longer.sub("", said) if longer is not None else word in said):
                found[kind] = word
        for age in _AGE.finditer(said):
            if age[0].endswith("大") or counts.number(age[1]) < ADULT:
                found.setdefault(Private.MINOR, age[0])
    name = _NAME.search(text) or _FULL_NAME.search(text)
    if name is not None:
        found[Private.NAME] = name[0]
    home = location.numbers(normal)
    if home.room or home.floor:
        found[Private.HOME] = home.room or home.floor or ""
    return found


def yuan(text: str) -> int | None:
    """The largest sum of money that a text names, in yuan; None where it names none."""
    return max((sum_ for match in _YUAN.finditer(normalise(text)) if (sum_ := _sum(match)) is not None), default=None)


def _sum(match: re.Match[str]) -> int | None:
    if match["words"]:
        return counts.number(match["words"]) * (10_000 if match["more"] else 1)
    if not (match["sign"] or match["yuan"]):
        return None
    digits = match["digits"]
    whole = digits.replace(",", "") if re.fullmatch(r"\d{1,4},\d{3}", digits) else digits.replace(",", ".")
    return round(float(whole) * _UNIT.get(match["unit"] or "", 1))


@cache
def _words() -> list[tuple[Private, str, re.Pattern[str] | None]]:
    """For each word: its kind, the word, and the longer ones that it does not count in."""
    rows = tables.read(DATA / "discreet.csv", ("kind", "term"), ("exclude",))
    return [(Private(row["kind"]), row["term"], _any(row["exclude"].split("|"))) for row in rows]


def _any(words: list[str]) -> re.Pattern[str] | None:
    return re.compile("|".join(map(re.escape, words))) if any(words) else None
