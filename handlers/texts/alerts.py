"""What is said of the alerts of devices."""

from __future__ import annotations

from collections.abc import Mapping

from storage.alerts import AlertLevel

LEVEL: Mapping[AlertLevel, str] = {
    AlertLevel.BLUE: "蓝色",
    AlertLevel.YELLOW: "黄色",
    AlertLevel.ORANGE: "橙色",
    AlertLevel.RED: "红色",
}
TEMPLATE = "{place}：{text}（{time}）。请注意安全，听从现场工作人员安排。"


def words(kind: str, text: str, value: str) -> str:
    """What a device says, as people read it: `甲烷超限：浓度持续上升（9.5%LEL）`."""
    said = f"{kind}：{text}" if text and text != kind else kind
    return f"{said}（{value}）" if value else said


def told_filed(
    heading_: str,
    ticket_id: str,
    label: str,
    level: AlertLevel,
    words_: str,
    owner: str,
    *,
    urgent: bool,
    assigned: str,
) -> str:
    """A new ticket of a device; `owner`: who may deal with it; `assigned`: whom it was given to."""
    said = f"{heading_} {label}{LEVEL[level]}预警：“{words_}”"
    if urgent:
        return f"【应急】{said} 请马上处置，回复 接单 {ticket_id} 或 派单 {ticket_id} 物业"
    done = f"已派{assigned}，改派" if assigned else "已受理，"
    return f"【预警】{said} {done}回复 派单 {ticket_id} {owner}"


def told_joined(heading_: str, label: str, level: AlertLevel, words_: str, ticket_id: str, *, urgent: bool) -> str:
    """What people told of already, a device tells, too."""
    todo = f" 请马上处置，回复 接单 {ticket_id} 或 派单 {ticket_id} 物业" if urgent else ""
    said = f"同一处{label}{LEVEL[level]}预警：“{words_}”，已并入{ticket_id}。"
    return f"【{'应急' if urgent else '预警'}】{heading_} {said}{todo}"


def told_raised(heading_: str, label: str, level: AlertLevel, words_: str) -> str:
    return f"【预警升级】{heading_} {label}升为{LEVEL[level]}：“{words_}”"


def told_again(heading_: str, label: str, level: AlertLevel, words_: str) -> str:
    return f"【再次报警】{heading_} {label}{LEVEL[level]}预警：“{words_}”"


def told_cleared(heading_: str, ticket_id: str, label: str) -> str:
    """The device says that it is over; the ticket stays open until a person has looked."""
    return f"【预警解除】{heading_} {label}设备已恢复正常。请现场核实，属实回复 办结 {ticket_id} 结果"


def proposed(id_: str, ticket_id: str, body_: str, rooms: int) -> str:
    """A draft that a device gave rise to: nothing goes out by itself."""
    return f"{ticket_id} 拟好的通知 {id_}，未发出，将发到 {rooms} 个群：\n{body_}\n确认 {id_} 发出 · 取消 {id_}"
