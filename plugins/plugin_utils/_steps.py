# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan as steps for _apply.sh, as a diff for people, as lines for the log; and what became of it. Pure."""

from __future__ import annotations

from dataclasses import replace

from ._dropin import Place, is_hand_edited, parse, sed_pattern
from ._knobs import KNOBS
from ._plan import Change, Plan
from ._script import BadAnswer, Section, Step
from ._snapshot import printable, words_of_shell
from ._tree import Edit
from ._values import kernel_text

#: The way back from turning tcp_tw_recycle off: there is none, not even when a later step fails.
STAYS_OFF = ("true",)


def steps_of(plan: Plan) -> list[Step]:
    """The steps in an order that loses nothing, should the host die between two of them.

    Our text holds the record of the former values: it is written before the values that it sets, and removed after
    those that it no longer sets have been restored. Lines of other people go by their numbers, so they come before a
    block among them.
    """
    knobs = [_write(change) for change in plan.changes]
    edits = [_edit(edit) for edit in plan.edits]
    run = [_remember(name, *texts) for name, texts in plan.remembered.items() if texts[0] != texts[1]]
    former = [_text(own.place, own.text, None) for own in plan.former]
    text = [_text(plan.place, plan.text_before, plan.text_after)] if plan.text_before != plan.text_after else []
    if plan.text_after is None:
        # Of values that no file sets, what is kept in /run is the record.
        return [*run, *knobs, *edits, *former, *text] if _remembers(plan) else [*knobs, *edits, *run, *former, *text]
    kept = [change.knob for change in plan.changes if f"\n{KNOBS[change.knob].key} = " in plan.text_after]
    first = [step for step, change in zip(knobs, plan.changes, strict=True) if change.knob not in kept]
    last = [step for step, change in zip(knobs, plan.changes, strict=True) if change.knob in kept]
    files = [*edits, *text] if plan.place.block else [*text, *edits]
    return [*first, *files, *run, *last, *former]


def _remembers(plan: Plan) -> bool:
    return any(after is not None for _before, after in plan.remembered.values())


def _write(change: Change) -> Step:
    before, after = kernel_text(change.before), kernel_text(change.after)
    rearms = change.knob == "tcp_tw_recycle" and change.before != 0
    return Step(
        f"write {after!r} to {KNOBS[change.knob].key}",
        ("set_knob", change.knob, after),
        STAYS_OFF if rearms else ("set_knob", change.knob, before),
    )


def _text(place: Place, before: str | None, after: str | None) -> Step:
    verb = "remove" if after is None else "write"
    return Step(f"{verb} {place}", *(_way(place, text, before or after or "") for text in (after, before)))


def _way(place: Place, text: str | None, other: str) -> tuple[str, ...]:
    """The function that makes a text of ours stand in its place, and its arguments; ``other`` is a text that stood."""
    if not place.block:
        return ("remove_file", place.path) if text is None else ("set_file", place.path, text)
    where = (place.path, sed_pattern(place.begin), sed_pattern(place.end))
    return ("remove_block", *where, parse(place, other).found) if text is None else ("set_block", *where, text)


def _remember(name: str, before: str | None, after: str | None) -> Step:
    ways = [("forget", name) if text is None else ("remember", name, text) for text in (after, before)]
    return Step(f"{'forget' if after is None else 'remember'} what was before {name}", *ways)


def _edit(edit: Edit) -> Step:
    ways = [
        ("edit_line", edit.file, str(edit.line.number), f"s/^{sed_pattern(old)}/{new}/")
        for old, new in ((edit.mark_before, edit.mark_after), (edit.mark_after, edit.mark_before))
    ]
    verb = "comment out" if not edit.mark_before else "bring back" if not edit.mark_after else "mark anew"
    return Step(f"{verb} line {edit.line.number} of {edit.file}", *ways)


def log_of(plan: Plan) -> list[str]:
    """One line per change."""
    lines = [
        f"{KNOBS[change.knob].key}: {kernel_text(change.before)} -> {kernel_text(change.after)}"
        for change in plan.changes
    ]
    quiet = replace(plan, changes=(), remembered={})
    return lines + [printable(step.summary) for step in steps_of(quiet)]


def diff_of(plan: Plan) -> list[dict[str, str]]:
    """What Ansible shows with --diff: our lines only, of our texts, of other files, and of the kernel."""
    diffs = []
    if plan.text_before != plan.text_after:
        by_hand = plan.text_before is not None and is_hand_edited(plan.text_before)
        diffs.append(
            _diff(
                str(plan.place), plan.text_before or "", plan.text_after or "", " (edited by hand)" if by_hand else ""
            )
        )
    diffs += [_diff(printable(str(own.place)), own.text, "") for own in plan.former]
    for edit in plan.edits:
        pair = (f"{printable(edit.line.text)}\n", f"{printable(edit.text_after)}\n")
        diffs.append(_diff(f"{edit.file} line {edit.line.number}", *pair))
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


def _diff(what: str, before: str, after: str, remark: str = "") -> dict[str, str]:
    return {"before_header": what + remark, "after_header": what, "before": before, "after": after}


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
        f"{summaries.get(section.argument)} ({words_of_shell(section.text)})"
        for section in sections
        if section.name == "not_undone"
    ]
    end = f"These could not be undone: {'; '.join(left)}" if left else "Everything is as it was before"
    if any(step.undo == STAYS_OFF for step in steps):
        end += f", but {KNOBS['tcp_tw_recycle'].key} is not turned on again"
    return f"failed to {step}: {words_of_shell(failed.text) or 'the host gave no reason'}. {end}"
