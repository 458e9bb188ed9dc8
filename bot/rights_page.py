"""docs/rights.md from the tables that routing obeys: `python -m bot.rights_page > docs/rights.md`; a test compares."""

from __future__ import annotations

import sys

from handlers.commands import Name
from handlers.rights import TABLE, Right
from handlers.routes import ROUTES, Scope
from handlers.texts import ROLE

_HEAD = """\
# 权限 · Rights

<!-- Made by `python -m bot.rights_page > docs/rights.md`; do not edit. -->

权限 = 角色 × 网格范围。一个人的角色只在给他的网格码（或它的前几位）之内有效；没有写出来的都不允许。
没有权限的命令什么也不做，当众也不回答，只在审计里记一笔。谁有什么角色，见[名册](registry.md)。
"""
_SCOPES = {
    Scope.TICKET: "诉求所在的网格；没写编号时看所在的群",
    Scope.ROOM: "所在的群的网格；私聊和工作群里看本人的范围",
    Scope.BINDING: "要绑定的网格，以及群原来绑定的网格",
    Scope.OWN: "只看得到本人范围里的",
}


def page() -> str:
    """The whole page."""
    lines = [_HEAD, "| 命令 | 按哪里的网格判断 | " + " | ".join(ROLE.values()) + " |"]
    lines.append("|---|---|" + ":-:|" * len(ROLE))
    for right in Right:
        routes = [route for route in ROUTES if route.right is right]
        for scope in dict.fromkeys(route.scope for route in routes):
            names = " ".join(f"`{route.name}`" for route in routes if route.scope is scope)
            marks = " | ".join("●" if right in TABLE[role] else "" for role in ROLE)
            lines.append(f"| {names} | {_SCOPES[scope]} | {marks} |")
    anybody = dict.fromkeys(route.name for route in ROUTES if route.right is None and route.name is not Name.ANSWER)
    free = " ".join(f"`{name}`" for name in anybody)
    lines += ["", f"人人可用：{free}，以及回访时的 `1` `2`。"]
    lines.append("")
    lines.append("还没有网格的诉求（私聊里说的、不知道是哪个小区）只有社区工作人员和街道能办。")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(page())
