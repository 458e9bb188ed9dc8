"""平急转换: 转急 and 转平."""

from __future__ import annotations

MODE_IS_OFF = "现在是平时。"
MODE_NOT_YOURS = "急时是上级转的，请由上级转平。"


def mode_on(where_: str, until: str, on_duty: str = "") -> str:
    return f"{where_}已转急时，到{until}。{on_duty and f'值班：{on_duty}。'}"


def mode_off(where_: str) -> str:
    return f"{where_}已转平时。"


def told_mode_on(where_: str, reason: str, name: str, until: str, on_duty: str = "") -> str:
    duty = f"值班：{on_duty}。" if on_duty else ""
    return f"【转急】{where_}：{reason}（{name}）。到{until}，时限不分昼夜。{duty}结束请回复 转平"


def told_mode_off(where_: str) -> str:
    return f"【转平】{where_}已转为平时。"


def told_mode_expired(where_: str) -> str:
    return f"【转平】{where_}：急时已到期，自动转为平时。还要继续请回复 转急 原因"
