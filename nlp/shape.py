"""What the whole message is, before anything is scored: receipt, thanks, +1, a word to the bot.

Every rule matches the whole message; a rule that matched a beginning would swallow `13栋电梯…`.
"""

from __future__ import annotations

import re

from nlp.decision import Shape

# Possessive throughout: what was taken is not given back, so hostile repetition stays linear.
_FILL = r"[哈了啦哦噢呀啊嘛呢的吧喔嗯呐咯哟捏么~～!。.,、?\s]*+"
_RECEIPT = r"已收到|收到|收悉|已阅|已读|知悉|1"
_AGREED = r"好嘞|好勒|好滴|好的|okay|ok|知道|明白|了解|清楚|行|可以|没问题|遵命|对的|对|是的|是|同意|没错|懂"
_ASSENT = rf"{_AGREED}|好|嗯|恩|哦|噢"
_POLITE = (
    r"谢谢|多谢|感谢|谢|辛苦|麻烦|thanks|thx|大家|你们|您们|你|您|各位|网格员|网格长|物业|社区|群主|领导|老师|师傅|姐|哥"
    r"|(?:小[\u4e00-\u9fff])"
)
_RECEIPT_RULE = re.compile(rf"(?:{_FILL}(?>{_RECEIPT}|{_ASSENT}|{_POLITE}){_FILL})++")
_HAS_RECEIPT = re.compile(_RECEIPT)
# What says 收到 beside thanks: the nods 嗯 and 哦 end any sentence, and 好 behind a name greets.
_ASSENTED = re.compile(rf"{_RECEIPT}|{_AGREED}|^好")
_NODS = re.compile(rf"[嗯恩哦噢]{_FILL}")  # a word of assent that is a filler, too, and nothing else
_THANKS_WORD = re.compile(r"谢|感谢|辛苦|thanks|thx")
_PLUS_ONE = re.compile(
    r"(?:\+1|\+ 1|加1|加一|同上|同问|同求|附议|顶)(?![\d栋幢单])"
    r"|(?:我们?家?|我们?家里|咱们?家?|俺们?家?|我们?(?:这边|这里|这栋|单元|楼|层|屋里)|家里)?也(?:是一?样?|一样|这样|有|没有|停了|遇到|如此)$"
)
_ALSO = re.compile(
    r"^\D{0,6}(?:\d{1,3}[栋幢号单\-#楼元\d室]*)?\D{0,6}也(?:是|一样|这样|是一样|是这样|是的|有|没有)[的了呀啊哦哈]*"
    r"(?:[\s,]\s?\d[\d栋幢号单元楼层室\-#]{0,15})?$"
)
_HUSH = re.compile(
    r"(?:小格|机器人|bot)?[\s,]*(?:你)?(?:好吵|太吵|吵死|闭嘴|别刷屏|不要刷屏|别吵|莫刷屏|莫吵|安静点?|别说话|不要说话|少说两句|消停点?)(?:人)?(?:了|点|一点|一会|一下)*(?:吧|啊|嘛|哦|行不行|好不好)*[!。.]*"
)
_GREETING = re.compile(
    r"(?>大家好|早上好|早上|早安|早啊|早|上午好|中午好|下午好|晚上好|晚安|你好|您好|hello|hi|哈喽|嗨|在吗|在不在|有人吗|欢迎|新年好"
    r"|节日快乐|周末愉快|大家|各位|邻居们|邻居|家人们|你们|你|您|群里|小格|亲们|新朋友|[哈呀啊哦呢!。.,~～\s])++"
)
# A word with the bot itself: nothing that anybody in the grid need act on.
_SMALL_TALK = re.compile(
    r"你(?:究竟|到底)?(?:是谁|是什么|是哪位|叫什么|叫啥|会(?:做|干|些|点|说|唱)?(?:什么|啥|歌|话)|能(?:做|干|帮我?做)(?:什么|啥)|几岁|多大|是男|是女|是不是人"
    r"|是人|是机器人|是ai|在干|在做什么|吃|睡|今天|心情|累不累|开心|好笨|真笨|太笨|好聪明|真聪明|太聪明|真棒|好棒|好厉害|真厉害|可爱)"
    r"|(?:讲|说|来)(?:一)?个(?:笑话|故事)|唱(?:首|个|支)歌|陪我聊|聊聊天|今天天气|明天天气|天气(?:怎么样|如何|咋样|好不好)|几点了|星期几|无聊|喜欢你|爱你"
    r"|小格(?:好|真|太)?(?:聪明|可爱|笨|厉害|棒|乖)|吃饭(?:没|了没|了吗)|吃了没|吃了吗"
)
_ROOM = re.compile(r"\d{3,4}(?:室|房|号房|的|那家|家)?(?=[,。!?\s]|$)")
_EDGES = " \n\t!?。.,;:、~～…·\"'"
_LONGEST = 40
_SHORT = 20


def of(text: str) -> Shape:
    """The shape of normal text. THANKS and DONE that need the lexicon's view are told by the pipeline."""
    bare = text.strip(_EDGES)
    if not bare:
        return Shape.EMPTY
    if len(text) > _LONGEST:
        return Shape.PLUS_ONE if _starts_plus_one(text) else Shape.TALK
    first = bare[0]
    if first in _ACK_STARTS:
        if _NODS.fullmatch(bare):
            return Shape.ACK
        if _RECEIPT_RULE.fullmatch(bare) and not _GREETING.fullmatch(bare):
            if _HAS_RECEIPT.search(bare) or not _THANKS_WORD.search(bare):
                return Shape.ACK
            return Shape.THANKS
    if first in _HUSH_STARTS and _HUSH.fullmatch(bare):
        return Shape.HUSH
    if _starts_plus_one(bare) or ("也" in bare and (_PLUS_ONE.fullmatch(bare) or _ALSO.match(bare))):
        return Shape.PLUS_ONE
    return Shape.TALK


def is_receipt(text: str) -> bool:
    """Whether a normal text says that something was read, and no more than that: 收到, 1, 好的 谢谢. Thanks alone do
    not."""
    bare = text.strip(_EDGES)
    if len(bare) > _LONGEST:
        return False
    if _NODS.fullmatch(bare):
        return True
    return _RECEIPT_RULE.fullmatch(bare) is not None and _ASSENTED.search(bare) is not None


def is_greeting(text: str) -> bool:
    """Whether a normal text said to the bot is a greeting or small talk with it."""
    bare = text.strip(_EDGES)
    if len(bare) > _LONGEST:
        return False
    return _GREETING.fullmatch(bare) is not None or (len(bare) <= _SHORT and _SMALL_TALK.search(bare) is not None)


def names_room(text: str) -> bool:
    """Whether a normal text begins with a bare room number, as people answer an alarm: 502的, 没人应."""
    return len(text) <= _SHORT and _ROOM.match(text.strip(_EDGES)) is not None


def says_thanks(text: str) -> bool:
    """Whether a text that says nothing else of interest thanks somebody."""
    return len(text) <= _LONGEST and _THANKS_WORD.search(text) is not None


def _starts_plus_one(text: str) -> bool:
    return text[0] in "+加同附顶" and _STARTS.match(text) is not None


_STARTS = re.compile(r"(?:\+ ?1(?!\d)|加1(?!\d)|加一(?![\u4e00-\u9fff])|同上|同问|同求|附议)")
# What these shapes can begin with: for most messages that settles it.
_ACK_STARTS = frozenset("收已知1好oO嗯恩哦噢明了清行可没遵要对是同懂gr晓得谢多感辛麻t大你您各网物社群领老师姐哥小")
_HUSH_STARTS = frozenset("小机b你好太吵闭别不莫安少消")
