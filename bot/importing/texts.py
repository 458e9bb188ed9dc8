"""What an import says to the staff whose table it is: every fault names its row, its column and the cure."""

from __future__ import annotations

from storage.grids import CodeFault

CODE_FAULT = {
    CodeFault.DIGITS: "“{value}”不是网格码：应为 6、9、12、15 或 18 位数字",
    CodeFault.PROVINCE: "“{value}”不是网格码：没有以“{start}”开头的省份，是不是少了一位",
    CodeFault.ZERO: "“{value}”不是网格码：某一级编号是 000",
}

# --- the file ---
NOT_A_TABLE = "打不开这个文件：请另存为 .xlsx 或 .csv 再导入"
PDF = "这是 PDF 文件，不是表格：请找到原来的表格，另存为 .xlsx 或 .csv 再导入"
OLD_EXCEL = "这是旧版 Excel 文件（.xls）：请在 Excel 里“另存为”.xlsx 再导入"
NO_ENCODING = "看不懂文件的编码：请另存为 CSV UTF-8（或 .xlsx）再导入"
EMPTY = "表里没有数据：第一行应是表头，下面每行一条"
TOO_LONG = "超过 {most} 行：请分成几个文件"
MERGED = "有合并单元格（{place}）：请取消合并，把每一行都填上"
SEVERAL_SHEETS = "有 {count} 张工作表都有表头“{head}”：请只留一张"

# --- the head ---
NO_HEAD = "表头里缺这一列"
UNKNOWN_HEAD = "没有这一列，可用的有：{known}"
HEAD_TWICE = "表头里这一列出现了两次，请删去一列"

# --- a cell ---
PRECISION = (
    "“{value}”被表格软件改成了数字，15 位以后的数字已经丢了："
    "请把这一列设为“文本”格式，再从原始资料重新填写（不能从本表恢复）"
)
FORMULA = "是公式：请复制后“选择性粘贴 → 数值”"
ERROR_CELL = "单元格是错误值 {value}"
MISSING = "没有填"
TOO_WIDE = "太长了：最多 {most} 个字"
NOT_A_DATE_COLUMN = "被表格软件改成了日期：请设为“文本”格式后重新填写"
EXAMPLE = "这是模板里的示例行，请删掉"
SAME_ROW = "与第 {row} 行重复"

NOT_ONE_OF = "“{value}”不在可填范围：{known}"
BAD_PHONE = "“{value}”不是电话号码：手机 11 位，座机带区号"
BAD_TIME = "“{value}”不是时间：请写成 2026-11-21 08:00"
END_FIRST = "结束时间不晚于开始时间"
BAD_IM = "“{value}”应写成 微信号名:联系人id，如 wx1:wxid_abc"
NO_ACCOUNT = "没有叫“{value}”的微信号，配置里有：{known}"
IM_TWICE = "联系人 {value} 已写在第 {row} 行的{name}名下"
OUTSIDE = "{code} 不在 --grid {scope} 的范围里"

# --- grids ---
NO_PARENT = "上级网格 {code} 不在表里，也没有登记过"
OTHER_PARENT = "上级应为 {code}，与本行网格码不符"
CODE_OR_PARENT = "网格码和上级网格码至少填一个：填了上级，网格码可以留空，由系统编"
FULL = "{code} 下面 999 个编号都用完了"
NAME_TWICE = "同一上级下已有“{name}”（第 {row} 行）"
NAME_TAKEN = "同一上级下已有“{name}”（{code}）"
RETIRED = "{code} 已经停用，编号不再重用：请换一个新编号"
NO_OLD = "原网格 {code} 没有登记过"
OLD_GONE = "原网格 {code} 早已不在，不能再拆分或合并"
OLD_LIVES = "原网格 {code} 还在本表里：拆出一部分、原网格保留的，不填原网格码；不保留的，请删掉那一行"
OLD_LEVEL = "原网格 {code} 与本行不是同一级"
ORPHANS = "原网格 {code} 下面还有 {child}：请把它也写上新编号（原网格码填 {child}），或先停用"
IN_USE = "{code}（{name}）不在表里，但还有{what}，不能停用"
IN_USE_GRIDS, IN_USE_ROOMS, IN_USE_PEOPLE = "下级网格", "启用的群", "有权限的人"

# --- people ---
UNKNOWN_GRID = "没有网格 {code}：请先导入网格表，或改正网格码"
GRID_MOVED = "网格 {code} 已变为 {new}：请改成新编号"
TELL_APART = "有几行都叫“{name}”：请在每一行填上电话或编号，分清是不是同一个人"
DIFFERS = "“{name}”第 {row} 行写的是“{other}”，两处不一致"
REF_TWICE = "编号 {ref} 在第 {row} 行是“{name}”"

# --- rooms ---
ID_OR_TOPIC = "群ID和群名至少填一个"
ROOM_UNKNOWN = "微信号 {account} 还没见过叫“{topic}”的群：请先把它拉进群、有人说句话，再导入；或填群ID"
ROOM_AMBIGUOUS = "微信号 {account} 有 {count} 个群都叫“{topic}”：请改群名或填群ID"
TWO_ACCOUNTS = "这个群已由微信号 {account} 回应，一个群只能启用一个微信号"
TOO_MANY_ROOMS = "微信号 {account} 将有 {count} 个群，超过上限 {most}：请换一个号"
STANDBY_ITSELF = "{value} 就是这个群的微信号：备用的要填另一个号"
BAD_TAG = "标签“{value}”要 1 到 {most} 个字"
ROOM_LEVEL = "居民群要对应社区以下的网格（12 位以上）"

# --- owners, duty ---
NO_CATEGORY = "没有事项“{value}”：填类别编号（如 0101）、前两位（如 01）、名称，或“全部”"
NO_PERSON = "名册里没有“{value}”"
SEVERAL_PEOPLE = "名册里有 {count} 个“{value}”：请填编号"
NOT_IN_ROLE = "{name}在 {code} 没有“{role}”这个角色：请先在人员表里登记"
EVERYWHERE = "全部网格"

# --- what would change ---
NEW, CHANGED, GONE = "新增", "变更", "缺失"
SPLIT = "拆分为 {new}；原来的群请重新绑定（在群里发“启用 新网格码”，或导入群表）"
MOVED = "并入或改号为 {new}"
RENAMED = "名称 {old} → {new}"
REVIVED = "重新启用"
GIVEN = "新给 {roles}"
TAKEN = "收回 {roles}"
HIDDEN = "另一个号码"

NOTES_TITLE = "填写说明"
NOTES_HEAD = ("列", "必填", "怎么填", "示例")
YES, NO = "是", "否"
GENERAL_NOTES = (
    "第一张表的第一行是表头，不要改；从第二行起每行一条，示例行用完请删掉。",
    "网格码一律按“文本”填写。Excel 会把 18 位数字改成 5.2E+17，后几位就丢了。",
    "不要合并单元格，不要用公式。空行没关系。",
    "可以反复导入：只改有变化的行；表里没有的，只报告，不会悄悄删除。",
)


def place(row: int, column: str, what: str) -> str:
    """One fault, as it is printed."""
    where = f"第 {row} 行" if row else ""
    return f"{where}{f'「{column}」' if column else ''}：{what}" if where or column else what


def more(count: int) -> str:
    return f"另有 {count} 处，改好以上再试"


def and_more(word: str, count: int) -> str:
    return f"{word} 另有 {count} 条"


def summary(title: str, new: int, changed: int, same: int, gone: int, *, dry: bool) -> str:
    done = "试运行，什么都没有写入" if dry else "已导入"
    return f"{title}：新增 {new}，变更 {changed}，不变 {same}，缺失 {gone}。{done}。"
