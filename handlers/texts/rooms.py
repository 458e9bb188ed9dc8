"""What is said about our accounts and the groups they are in: to leaders and staff, never to residents' groups, but
for the answer to `启用`."""

from __future__ import annotations

from collections.abc import Sequence

NAMED = 3  # groups that are named in one line; the others are counted


def account_full(account: str, most: int) -> str:
    """The answer to 启用 in a group."""
    return f"这个号（{account}）管的群已满 {most} 个，没有启用。请社区换另一个小格号进群，再发“启用”。"


def account_full_told(account: str, most: int, topic: str) -> str:
    """To staff: somebody tried to enable one more group."""
    return (
        f"【号满了】{account} 管的群已满 {most} 个，“{topic}”没能启用。"
        "请拉另一个小格号进这个群再发“启用”，或先停用不用的群。"
    )


def invite_full(account: str, most: int) -> str:
    """To who invited the account into a group."""
    return f"这个号（{account}）进的群已到 {most} 个，不能再进群。请拉另一个小格号，或先把它移出不用的群。"


def gone_but_heard(topic: str, account: str) -> str:
    """The account was removed from a group in which another one of ours is."""
    return f"【移出】小格的一个号被移出“{topic}”，已由另一个号（{account}）接着听、接着答。"


def account_dead(account: str, mute: Sequence[str], moved: int) -> str:
    """To who answers for these groups: the account that answered there is dead. `moved`: of their groups those that
    another account of ours took over."""
    taken = f"{moved} 个群已由别的号接着听、接着答。" if moved else ""
    if not mute:
        return f"【号掉线】小格的 {account} 号掉线了，{taken}私聊请找群里现在的小格号。"
    return (
        f"【号掉线】小格的 {account} 号掉线了，{named(mute)}现在听不到、也发不出通知，急事请打电话。"
        f"要先用别的号，请拉另一个小格号进群并发“启用”。{taken}"
    )


def account_back(account: str, topics: Sequence[str]) -> str:
    """To who was told that it is dead."""
    return f"【号恢复】小格的 {account} 号恢复了，{named(topics)}又能听到了；掉线期间群里说的没有听到。"


def named(topics: Sequence[str]) -> str:
    """Some groups by name: “甲群”“乙群”等 5 个群."""
    shown = "".join(f"“{topic}”" for topic in topics[:NAMED] if topic)
    if not shown:
        return f"它管的 {len(topics)} 个群"
    return shown if len(topics) <= NAMED else f"{shown}等 {len(topics)} 个群"
