# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan as steps for _apply.sh, as a diff for people, as lines for the log; and what became of it. Pure."""

from __future__ import annotations

from dataclasses import replace

from ._dropin import Place, is_hand_edited, parse, sed_pattern, with_values_until_now
from ._held import is_record
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
    those that it no longer sets have been restored. While a value of ours gives way to another, what is kept in /run
    knows both. Lines of other people go by their numbers, so they come before a block among them.
    """
    swept = [_sweep(path) for path in plan.left_over]
    knobs = [_write(change) for change in plan.changes]
    edits = [_edit(edit) for edit in plan.edits]
    meanwhile, run = _in_run(plan)
    former = [_text(own.place, own.text, None) for own in plan.former]
    text = [_text(plan.place, plan.text_before, plan.text_after)] if plan.text_before != plan.text_after else []
    standing = f"{plan.text_after}\n{plan.remembered.get(plan.place.name, ('', ''))[1]}"
    kept = [change.knob for change in plan.changes if f"\n{KNOBS[change.knob].key} = " in standing]
    first = [step for step, change in zip(knobs, plan.changes, strict=True) if change.knob not in kept]
    last = [step for step, change in zip(knobs, plan.changes, strict=True) if change.knob in kept]
    values = [*last, *run] if meanwhile else [*run, *last]
    if not meanwhile and is_record(plan.remembered.get(plan.place.name, (None, None))[1]):
        # It knows what the text will not say any more.
        meanwhile, values = run, last
    if plan.text_after is None:
        return [*swept, *first, *edits, *meanwhile, *values, *former, *text]
    files = [*edits, *text] if plan.place.block else [*text, *edits]
    # A copy of a text that is not there would look as if somebody had removed that.
    files = [*files, *meanwhile] if plan.text_before is None else [*meanwhile, *files]
    return [*swept, *first, *files, *values, *former]


def _in_run(plan: Plan) -> tuple[list[Step], list[Step]]:
    """What is kept in /run: while values of ours give way to others, and in the end."""
    texts = dict(plan.remembered)
    before, after = texts.get(plan.place.name, (None, None))
    meanwhile = []
    if plan.until_now and after is not None:
        both = with_values_until_now(after, plan.until_now)
        meanwhile.append(_remember(plan.place.name, before, both))
        texts[plan.place.name] = (both, after)
    return meanwhile, [_remember(name, *text) for name, text in texts.items() if text[0] != text[1]]


def _sweep(path: str) -> Step:
    return Step(f"remove {path}, left by a run that was killed", ("remove_file", path), ("true",))


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
        ("edit_line", edit.file, str(edit.line.number), _exchange(old, new))
        for old, new in ((edit.mark_before, edit.mark_after), (edit.mark_after, edit.mark_before))
    ]
    verb = "comment out" if not edit.mark_before else "bring back" if not edit.mark_after else "mark anew"
    return Step(f"{verb} line {edit.line.number} of {edit.file}", *ways)


def _exchange(old: str, new: str) -> str:
    """A command of sed that changes nothing the second time: a step that failed half-way is undone, too."""
    command = f"s/^{sed_pattern(old)}/{new}/"
    return f"{{/^{sed_pattern(new)}/!{command};}}" if new else command


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
    if plan.left_over:
        names = "".join(f"{printable(path)}\n" for path in plan.left_over)
        diffs.append(_diff("files left by runs that were killed", names, ""))
    return diffs


def _diff(what: str, before: str, after: str, remark: str = "") -> dict[str, str]:
    return {"before_header": what + remark, "after_header": what, "before": before, "after": after}


def failure_in(sections: list[Section], steps: list[Step]) -> str | None:
    """Why a plan was not carried out, in the host's own words; None when it was. Raises BadAnswer."""
    by_name = {section.name: section for section in sections}
    if "done" in by_name:
        return None
    if "lock" in by_name and by_name["lock"].status:
        words = words_of_shell(by_name["lock"].text) or "no lock can be had in /run"
        return f"nothing was changed: {words}. Mend that, or wait for it, and run it again"
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
    words = words_of_shell(failed.text) or "the host gave no reason"
    left = [
        f"{summaries.get(section.argument)} ({words_of_shell(section.text) or 'the host gave no reason'})"
        for section in sections
        if section.name == "not_undone"
    ]
    end = "Everything is as it was before"
    if left:
        end = f"These steps could not be undone: {'; '.join(left)}. Mend the cause and run it again"
    return f"failed to {step}: {words}. {end}{_recycle_after(failed.argument, steps)}"


def _recycle_after(failed: str, steps: list[Step]) -> str:
    """What a failure of the step of this number left of tcp_tw_recycle, where the plan was to turn it off."""
    key = KNOBS["tcp_tw_recycle"].key
    for number, step in enumerate(steps, 1):
        if str(number) == failed:
            return f". {key} may still be on" if any(later.undo == STAYS_OFF for later in steps[number - 1 :]) else ""
        if step.undo == STAYS_OFF:
            return f", but {key} is not turned on again"
    return ""
