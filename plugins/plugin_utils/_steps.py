# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan as steps for _apply.sh, as a diff for people, as lines for the log; and what became of it. Pure."""

from __future__ import annotations

from ._conflicts import Edit
from ._dropin import mark_of, sed_pattern
from ._knobs import KNOBS
from ._plan import Change, Plan
from ._script import BadAnswer, Section, Step
from ._snapshot import printable
from ._values import kernel_text

#: The way back from turning tcp_tw_recycle off: there is none, not even when a later step fails.
STAYS_OFF = ("true",)


def steps_of(plan: Plan) -> list[Step]:
    """The steps in an order that loses nothing, should the host die between two of them.

    The drop-in holds the record of the former values: it is written before the values that it sets, and removed
    after those that it no longer sets have been restored.
    """
    knobs = [_write(change) for change in plan.changes]
    edits = [_edit(edit, plan.path) for edit in plan.edits]
    if plan.text_after is None:
        return [*knobs, *edits, *_file(plan)]
    kept = [change.knob for change in plan.changes if f"\n{KNOBS[change.knob].key} = " in plan.text_after]
    first = [step for step, change in zip(knobs, plan.changes, strict=True) if change.knob not in kept]
    last = [step for step, change in zip(knobs, plan.changes, strict=True) if change.knob in kept]
    return [*first, *_file(plan), *edits, *last]


def _write(change: Change) -> Step:
    before, after = kernel_text(change.before), kernel_text(change.after)
    rearms = change.knob == "tcp_tw_recycle" and change.before != 0
    return Step(
        f"write {after!r} to {KNOBS[change.knob].key}",
        ("set_knob", change.knob, after),
        STAYS_OFF if rearms else ("set_knob", change.knob, before),
    )


def _file(plan: Plan) -> list[Step]:
    if plan.text_before == plan.text_after:
        return []
    ways = [
        ("remove_file", plan.path) if text is None else ("set_file", plan.path, text)
        for text in (plan.text_after, plan.text_before)
    ]
    return [Step(f"{'remove' if plan.text_after is None else 'write'} {plan.path}", ways[0], ways[1])]


def _edit(edit: Edit, path: str) -> Step:
    mark = mark_of(path)
    number = str(edit.line.number)
    out = ("edit_line", edit.file, number, f"s/^/{mark}/")
    back = ("edit_line", edit.file, number, f"s/^{sed_pattern(mark)}//")
    verb = "comment out" if edit.out else "bring back"
    return Step(f"{verb} line {number} of {edit.file}", *((out, back) if edit.out else (back, out)))


def log_of(plan: Plan) -> list[str]:
    """One line per change."""
    lines = [
        f"{KNOBS[change.knob].key}: {kernel_text(change.before)} -> {kernel_text(change.after)}"
        for change in plan.changes
    ]
    lines += [printable(step.summary) for step in [*_file(plan), *(_edit(edit, plan.path) for edit in plan.edits)]]
    return lines


def diff_of(plan: Plan) -> list[dict[str, str]]:
    """What Ansible shows with --diff: our lines only, of the drop-in, of other files, and of the kernel."""
    diffs = []
    if plan.text_before != plan.text_after:
        diffs.append(_diff(plan.path, plan.text_before or "", plan.text_after or ""))
    mark = mark_of(plan.path)
    for edit in plan.edits:
        text = printable(edit.line.text.removeprefix(mark))
        pair = (f"{text}\n", f"{mark}{text}\n")
        diffs.append(_diff(f"{edit.file} line {edit.line.number}", *(pair if edit.out else pair[::-1])))
    if plan.changes:
        before, after = (
            "".join(f"{KNOBS[change.knob].key} = {kernel_text(value)}\n" for change, value in side)
            for side in (
                [(change, change.before) for change in plan.changes],
                [(change, change.after) for change in plan.changes],
            )
        )
        diffs.append(_diff("kernel", before, after))
    return diffs


def _diff(what: str, before: str, after: str) -> dict[str, str]:
    return {"before_header": what, "after_header": what, "before": before, "after": after}


def failure_in(sections: list[Section], steps: list[Step]) -> str | None:
    """Why a plan was not carried out, in the host's own words; None when it was. Raises BadAnswer."""
    by_name = {section.name: section for section in sections}
    if "done" in by_name:
        return None
    if "lock" in by_name and by_name["lock"].status:
        return f"nothing was changed: {printable(by_name['lock'].text)}"
    if "changed_meanwhile" in by_name:
        return (
            "nothing was changed: values or files on the host are others than a moment ago, so somebody else is "
            "changing them too. Run it again"
        )
    if "failed" not in by_name:
        raise BadAnswer("the host does not say whether the plan was carried out")
    failed = by_name["failed"]
    summaries = {str(number): step.summary for number, step in enumerate(steps, 1)}
    step = summaries.get(failed.argument, "carry out the plan")
    left = [
        f"{summaries.get(section.argument)} ({printable(section.text)})"
        for section in sections
        if section.name == "not_undone"
    ]
    end = f"These could not be undone: {'; '.join(left)}" if left else "Everything is as it was before"
    if any(step.undo == STAYS_OFF for step in steps):
        end += f", but {KNOBS['tcp_tw_recycle'].key} is not turned on again"
    return f"failed to {step}: {printable(failed.text) or 'the host gave no reason'}. {end}"
