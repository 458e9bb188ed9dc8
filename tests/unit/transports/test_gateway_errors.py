"""The words of puppets' errors, as they were reported, and words that mean nothing of the kind."""

from __future__ import annotations

import re

import pytest

from bot.transports.gateway_errors import SIGNS, Sign, read

REPORTED = [
    (Sign.TOO_FAST, "操作过于频繁，可稍后再试。"),
    (Sign.TOO_FAST, "发送消息过于频繁，可稍后再试。"),
    (Sign.TOO_FAST, "请求太频繁，请稍后"),
    (Sign.TOO_FAST, "Error: operate too often"),
    (Sign.TOO_FAST, "Request failed with status code 429"),
    (Sign.TOO_FAST, "AssertionError [ERR_ASSERTION]: 1205 == 0"),
    (Sign.TOO_FAST, "{'ErrMsg': '', 'Ret': 1205, 'RawMsg': ''}"),
    (Sign.TOO_FAST, 'AssertionError: {"BaseResponse":{"Ret":1204,"ErrMsg":""}}'),
    (Sign.TOO_FAST, "13 INTERNAL: WorkproErrorCode: 20001, Feature temporarily unavailable."),
    (Sign.TOO_FAST, "WorkproErrorCode: 23060, send message failed! cgi error code: (-4048) message: ."),
    (Sign.TOO_FAST, "被限制群聊和朋友圈等功能，到期时间为 2020-12-03 13:38"),
    (Sign.LOGGED_OUT, "AssertionError [ERR_ASSERTION]: 1101 == 0"),
    (Sign.LOGGED_OUT, "1100 == 0"),
    (
        Sign.LOGGED_OUT,
        "<error><ret>1203</ret><message>为了你的帐号安全，此微信号已不允许登录网页微信。</message></error>",
    ),
    (Sign.LOGGED_OUT, "PADPLUS_ERROR EXIT 你已退出微信"),
    (Sign.LOGGED_OUT, "你的微信登录环境存在异常。为了帐号安全，本次登录已失效。"),
    (Sign.LOGGED_OUT, "为了你的帐号安全，请重新登录。"),
    (Sign.LOGGED_OUT, "你的账号已在另一台设备上登录"),
    (Sign.LOGGED_OUT, "该账号因违规已被封禁"),
    (Sign.LOGGED_OUT, '{"code":4,"msg":"Session Timeout"}'),
    (Sign.LOGGED_OUT, "not logged in, no this.__currentUserId yet."),
]
NOTHING = [
    "",
    "no such conversation",
    "no payload found for id 1101",
    "socket hang up",
    "timeout after 60 seconds",
    "WorkproErrorCode: 200012, no such room",
    "11012 == 0",
    "21205 == 05",
    "SERVER_ERROR: 2 UNKNOWN: [tid:11011205] wechat bad request error",
]


@pytest.mark.parametrize(("sign", "words"), REPORTED)
def test_words_that_were_reported(sign: Sign, words: str) -> None:
    assert read(words) is sign


@pytest.mark.parametrize("words", NOTHING)
def test_words_that_mean_something_else(words: str) -> None:
    assert read(words) is None


def test_every_row_is_needed_and_says_where_it_is_from() -> None:
    for sign, pattern, source in SIGNS:
        assert any(known is sign and re.search(pattern, words, re.IGNORECASE) for known, words in REPORTED), pattern
        assert source
