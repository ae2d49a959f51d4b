"""What to do about a problem of a rule, in the user's language, by the problem's code."""

from __future__ import annotations

from sent.platform.i18n import tr


def cure(code: str, told: str) -> str:
    """Return the cure for a code; one nobody translated is `told` as it came."""
    known = {
        "id": tr("Saving gives it an id of its own"),
        "title": tr("Say in a few words what was seen"),
        "level": tr("Say how grave it is: informational, low, medium, high or critical"),
        "status": tr("Write experimental until it has proved itself, then test, then stable"),
        "author": tr("Name who wrote it; alerts carry the author"),
        "description": tr("Say what the rule looks for, and why that matters"),
        "date": tr("Write the date as YYYY-MM-DD"),
        "modified": tr("Write the date as YYYY-MM-DD"),
        "tags": tr("Write techniques as attack.t1059.001 and tactics as attack.execution"),
        "unused": tr("Use the selection in the condition, or take it out"),
        "unknown": tr("Name only selections that stand under detection"),
        "all": tr("Take `all` away, or give several values"),
        "twice": tr("Take one of them away"),
        "any": tr("Use `Field|exists: true`"),
        "wildcard": tr("Take the wildcard away"),
        "pattern": tr("Take `.*` away"),
        "yaml": tr("Look at the indentation (spaces, never tabs), at quotes and colons"),
        "several": tr("Save the other documents as rules of their own"),
        "empty": tr("Begin with title, logsource and detection"),
        "long": tr("Split it into several rules"),
        "condition": tr("Join the names of selections with and, or, not, 1 of, all of"),
        "logsource": tr("Choose a category or a service that Windows logs have; the completion lists them"),
        "modifier": tr("Use a modifier of Sigma 2.1; the completion lists them behind |"),
        "placeholder": tr("Give the placeholder values, or write them into the rule"),
        "reference": tr("Refer to rules that are there and switched on, by their id or name"),
        "detection": tr("Write at least one selection and a condition"),
        "not-runnable": tr("Change what the message names"),
    }
    return known.get(code, told)
