"""What puppets mean by the words of their errors: that the account goes too fast, or that it is logged out.

Puppets have no codes in common: each passes on what WeChat's own protocol told it, in an error's message. The table is
what users and makers of puppets have reported; the thread stands beside each row. Pure: it knows no gRPC.
"""

from __future__ import annotations

import re
from enum import Enum


class Sign(Enum):
    TOO_FAST = "too fast"  # or restricted for a while: the same cure
    LOGGED_OUT = "logged out"  # or frozen, or banned: until somebody logs it in again nothing can be said


# wechat4u asserts that the code of an answer is 0, and its error says `1205 == 0`; others quote `"Ret": 1205`.
def _ret(codes: str) -> str:
    return rf"(?<!\d)(?:{codes}) == 0(?!\d)|\bRet\W{{1,4}}(?:{codes})(?!\d)"


# (the sign, how the words are known, where they were seen)
SIGNS: tuple[tuple[Sign, str, str], ...] = (
    # Too fast comes first: a notice of it may speak of the account's safety, too.
    (Sign.TOO_FAST, r"(?:操作|发送|消息|请求)[^，。]{0,6}频繁", "wechaty/puppet-padlocal#109, wechaty/wechaty#412"),
    (Sign.TOO_FAST, r"too (?:fast|many|frequent)|rate.?limit|operate too often|429\b", "eatmoreapple/openwechat#470"),
    (Sign.TOO_FAST, _ret("1205"), "youfou/wxpy#58, danni-cool/wechatbot-webhook#266"),
    # Also what comes of sending to oneself, which we never do.
    (Sign.TOO_FAST, _ret("1204"), "littlecodersh/ItChat#514, danni-cool/wechatbot-webhook#218"),
    (Sign.TOO_FAST, r"WorkproErrorCode: 20001\b", "wechaty/puppet-supports#565: stopped by the vendor itself"),
    (Sign.TOO_FAST, r"cgi error code: \(-4048\)", "wechaty/puppet-supports#565"),
    (Sign.TOO_FAST, r"(?:功能|群聊|群发|消息)[^，。]{0,8}(?:被|受)限制|被限制(?:群聊|使用|发送)", "wechaty/friday#62"),
    (Sign.LOGGED_OUT, _ret("110[0-2]"), "Urinx/WeixinBot#58, leestar54/WebWeChatAPI.Net#23"),
    (Sign.LOGGED_OUT, r"(?:<ret>|\bret\W{1,4})1203\b|不允许登录|不能登录", "wechaty/wechaty#2221"),
    (
        Sign.LOGGED_OUT,
        r"本次登录已失效|请重新登录|已退出微信",
        "wechaty/wechaty-puppet-padplus#247, wechaty/wechaty#2496",
    ),
    (Sign.LOGGED_OUT, r"另一.?设备.{0,6}登录|[账帐]号.{0,8}(?:被封|封禁|冻结|限制登录)", "wechaty/puppet-supports#640"),
    (Sign.LOGGED_OUT, r"\bnot logged ?in\b|\bSession Timeout\b", "wechaty/puppet, login-mixin.ts; getting-started#175"),
)

_KNOWN = tuple((sign, re.compile(pattern, re.IGNORECASE)) for sign, pattern, _ in SIGNS)


def read(words: str) -> Sign | None:
    """What the words of an error mean; None where they are nothing of these."""
    return next((sign for sign, pattern in _KNOWN if pattern.search(words)), None)
