"""What the notices of other engines' events say."""

from __future__ import annotations

from sent.platform.notify.template import Template

ALERT = Template(
    en=("Alert ({level}): {title}", "Host: {host}\nSource: {source}\nRule by: {author}"),
    de=("Alarm ({level}): {title}", "Rechner: {host}\nQuelle: {source}\nRegel von: {author}"),
)
INCIDENT = Template(
    en=("Incident #{number} ({severity}): {title}", "Opened by: {name}\nLinked records: {links}\n{credit}"),
    de=(
        "Vorfall #{number} ({severity}): {title}",
        "Eröffnet von: {name}\nVerknüpfte Einträge: {links}\n{credit}",
    ),
)
JOB_DIED = Template(
    en=(
        "Job failed for good: {task}",
        "Job {job} was tried several times and given up. It can be run again on the Jobs page.",
    ),
    de=(
        "Auftrag endgültig gescheitert: {task}",
        "Auftrag {job} wurde mehrmals versucht und aufgegeben. Auf der Seite Jobs kann er wiederholt werden.",
    ),
)
TRAIL_BROKEN = Template(
    en=(
        "The audit trail does not verify",
        "The verification found {kind} at entry {seq}. Somebody may have changed the trail: keep the "
        "database as it is and ask who had access.",
    ),
    de=(
        "Die Prüfspur lässt sich nicht bestätigen",
        "Die Prüfung fand {kind} bei Eintrag {seq}. Vielleicht hat jemand die Spur verändert: Lassen Sie "
        "die Datenbank, wie sie ist, und klären Sie, wer Zugang hatte.",
    ),
)
