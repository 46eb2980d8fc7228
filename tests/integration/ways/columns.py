# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ways to ask for tcp_tw_recycle, as data.

A way is one entry of each column: how the value is written, what carries it, what carries the tag of the host, and by
which door it comes. What cannot be together is said here too; everything else can.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

#: What becomes of it: refused by the policy, no value that tcp_tw_recycle can have, or nothing that anybody would
#: refuse. The first two are never set.
Outcome = Literal["refused", "no value", "off"]

#: What carries it: everything a text, JSON other data too, only YAML its own notations and tags. A template is one in
#: the hands of a user, and mere text in those of a host or of the environment.
Kind = Literal["text", "data", "notation", "template", "tagged"]


class Spelling(NamedTuple):
    """``yaml`` is the value as YAML, to be formatted with the number that is asked for."""

    outcome: Outcome
    kind: Kind
    yaml: str


#: To a kernel all of the first are alike: on. With the others somebody may have meant to say so.
SPELLINGS = {
    "number": Spelling("refused", "data", "{number}"),
    "text": Spelling("refused", "text", "'{number}'"),
    "spaces around it": Spelling("refused", "text", "' {number}  '"),
    "negative": Spelling("refused", "data", "-{number}"),
    "nearly the largest": Spelling("refused", "text", "'21474{number:05}'"),
    "hexadecimal": Spelling("refused", "notation", "{number:#x}"),
    "octal": Spelling("refused", "notation", "0{number:o}"),
    "with a plus": Spelling("refused", "notation", "+{number}"),
    "template": Spelling("refused", "template", "\"{{{{ '%d' % {number} }}}}\""),
    "unsafe": Spelling("refused", "tagged", "!unsafe '{number}'"),
    "vault": Spelling("refused", "tagged", "!vault {vault}"),
    "boolean": Spelling("no value", "data", "true"),
    "word": Spelling("no value", "text", "'yes'"),
    "hexadecimal in a text": Spelling("no value", "text", "'{number:#x}'"),
    "leading zero": Spelling("no value", "text", "'0{number}'"),
    "plus in a text": Spelling("no value", "text", "'+{number}'"),
    "fraction": Spelling("no value", "data", "{number}.0"),
    "full-width digits": Spelling("no value", "text", "'\uff11\uff12'"),
    "NUL": Spelling("no value", "data", '"{number}\\0"'),
    "tab": Spelling("no value", "text", '"{number}\\t"'),
    "remark": Spelling("no value", "text", "'{number} # as before'"),
    "list": Spelling("no value", "data", "[{number}]"),
}

#: Nothing of all this is a reason to refuse, wherever it comes from.
OFF = {
    "0": Spelling("off", "data", "0"),
    "text 0": Spelling("off", "text", "'0'"),
    "0 with spaces": Spelling("off", "text", "' 0 '"),
    "minus 0": Spelling("off", "text", "'-0'"),
    "hexadecimal 0": Spelling("off", "notation", "0x0"),
    "octal 0": Spelling("off", "notation", "00"),
    "0 with a plus": Spelling("off", "notation", "+0"),
    "template of 0": Spelling("off", "template", "\"{{{{ '%d' % 0 }}}}\""),
    "unsafe 0": Spelling("off", "tagged", "!unsafe '0'"),
    "off": Spelling("off", "notation", "off"),
    "no": Spelling("off", "notation", "no"),
    "false": Spelling("off", "data", "false"),
    "text off": Spelling("off", "text", "'off'"),
    "text False": Spelling("off", "text", "'False'"),
    "omitted": Spelling("off", "template", '"{{{{ omit }}}}"'),
}

#: What the value comes from. Those without kinds carry anything that YAML can say.
ORIGINS: dict[str, tuple[Kind, ...]] = {
    "literal": (),
    "variable of the task": (),
    "variable of a block": (),
    "variable of the play": (),
    "file of variables": (),
    "prompt": ("text", "template"),
    "variable of the host": (),
    "variable of a group": (),
    "variable of another host": (),
    "set_fact": (),
    "include_vars": (),
    "registered result": ("text",),
    "facts of the host": ("text", "data"),
    "environment": ("text",),
    "defaults of another role": (),
    "defaults of the module": (),
    "extra variable": (),
}

#: What the tag comes from, and what the refusal says of it.
ARRIVALS = {
    "group": "tagged {tag} by group {word}",
    "child group": "tagged {tag} by group {tag}",
    "grandchild group": "tagged {tag} by group {tag}",
    "named group": "tagged {tag} by group edge",
    "constructed group": "tagged {tag} by group {tag}",
    "group_by": "tagged {tag} by group {word}",
    "added host": "tagged {tag} by group {word}",
    "text": "tagged {tag} by variable timewait_exposure of {host}",
    "list": "tagged {tag} by variable timewait_exposure of {host}",
    "INI text": "tagged {tag} by variable timewait_exposure of {host}",
    "template": "tagged {tag} by variable timewait_exposure of {host}",
    "composed variable": "tagged {tag} by variable timewait_exposure of {host}",
    "set_fact": "tagged {tag} by variable timewait_exposure",
    "variable of the play": "tagged {tag} by variable timewait_exposure",
    "extra variable": "tagged {tag} by variable timewait_exposure",
    "option": "tagged {tag} by option exposure",
    "defaults of the module": "tagged {tag} by option exposure",
    "nothing": "no tag private, public_facing or behind_nat for this host",
}

#: Doors of the module; what is in a task.
TASKS = (
    "module",
    "free form",
    "args",
    "loop",
    "check mode",
    "handler",
    "rescue",
    "always",
    "include_tasks",
    "delegate_to",
    "run_once",
    "serial",
    "free strategy",
)
ROLES = ("role", "include_role", "import_role", "dependency")
#: Doors that are a run of ansible of their own.
RUNS = ("apply playbook", "ad hoc")
ENTRIES = (*TASKS, *ROLES, *RUNS)

#: Doors that do not have what the value, or the tag, would come from.
NO_ORIGIN = {
    "free form": ("literal", "defaults of the module"),
    "args": ("defaults of the module",),
    "loop": ("defaults of the module",),
    "handler": ("variable of a block",),
    "role": ("variable of the task", "variable of a block", "defaults of the module"),
    "dependency": ("variable of the task", "variable of a block", "defaults of the module"),
    "include_role": ("literal", "defaults of the module"),
    "import_role": ("literal", "defaults of the module"),
    **dict.fromkeys(RUNS, tuple(set(ORIGINS) - {"variable of the host", "variable of a group"})),
}
NO_ARRIVAL = {
    # Those of a play, or a run, say something of the host of the play too, which is private.
    "delegate_to": ("group_by", "variable of the play", "extra variable"),
    **dict.fromkeys(ROLES, ("option",)),
    **dict.fromkeys(
        RUNS,
        (
            *("group_by", "added host", "set_fact", "variable of the play", "extra variable", "option"),
            "defaults of the module",
        ),
    ),
}
