"""What is said in place of an account that cannot speak."""

from __future__ import annotations

STOPPED, DEAD, SILENT = "被微信限速", "已停用", "未连接"


def waits(account: str, why: str, until: str, lines: int, matter: str) -> str:
    """Emergencies that an account was to say and cannot; `matter`: what they are about, `until`: when it is back."""
    back = f"，预计 {until} 恢复" if until else ""
    return (
        f"【应急转达】账号 {account} {why}{back}，有 {lines} 条应急消息尚未发出：{matter}。"
        "请立即电话或当面处置，并在群里人工提醒。"
    )


def notice(number: int) -> str:
    return f"应急通知 T{number}"


OTHER = "应急提醒"
