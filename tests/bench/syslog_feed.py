"""Sends syslog to loopback: `python syslog_feed.py tcp|udp PORT PER_SECOND SECONDS`; prints how many.

A process of its own, so that it shares no interpreter with what is measured. PER_SECOND 0: as fast as it
goes. The lines are what a company's machines write, mixed: logins, sudo, a kernel, a firewall's pairs, CEF,
logfmt, Windows events as JSON. One in a thousand fires a rule.
"""

from __future__ import annotations

import json
import socket
import sys
import time
from datetime import UTC, datetime

LINES = 5000
BLOCK = 50
"""Lines of one write or one tick."""


def lines(amount: int = LINES) -> list[bytes]:
    """Return that many different messages."""
    now = datetime.now(UTC)
    iso, old = now.isoformat(), now.strftime("%b %e %H:%M:%S")
    made = []
    for n in range(amount):
        ip = f"10.{n % 7}.{n % 251}.{n % 241}"
        if n % 1000 == 999:
            text = f"<38>1 {iso} web{n % 40} sshd {n} - - Accepted password for root from {ip} port 22 ssh2"
        elif n % 10 < 4:
            text = f"<38>{old} web{n % 40} sshd[{n}]: Accepted publickey for user{n} from {ip} port {n} ssh2"
        elif n % 10 == 4:
            text = f"<85>{old} web{n % 40} sudo: user{n} : TTY=pts/0 ; PWD=/home ; USER=www ; COMMAND=/bin/id"
        elif n % 10 == 5:
            text = f"<6>1 {iso} db{n % 20} kernel - - - [{n}.1] eth0: link becomes ready after {n} ms"
        elif n % 10 == 6:
            text = (
                f'<189>date={now:%Y-%m-%d} time={now:%H:%M:%S} devname="FG{n % 9}" type="traffic" srcip={ip}'
                f" srcport={n} dstip=203.0.113.{n % 250} dstport=443 action=accept sentbyte={n} rcvdbyte={n}"
            )
        elif n % 10 == 7:
            text = f"<134>1 {iso} app{n % 30} api {n} - - level=info method=GET path=/v1/item/{n} took={n}ms"
        elif n % 10 == 8:
            text = (
                f"<134>{old} ips CEF:0|Sec|IPS|1.0|{n % 90}|Port scan|3|src={ip} spt={n} msg=seen {n} times"
            )
        else:
            record = {
                "Channel": "Security",
                "EventID": 4624,
                "Hostname": f"pc{n % 99}",
                "EventTime": iso,
                "TargetUserName": f"user{n}",
                "LogonType": "3",
                "IpAddress": ip,
                "WorkstationName": f"PC{n % 99}",
                "AuthenticationPackageName": "NTLM",
            }
            text = f"<134>1 {iso} pc{n % 99} agent - - - {json.dumps(record)}"
        made.append(text.encode())
    return made


def main() -> None:
    """Send until the time is over."""
    kind, port, rate, seconds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
    made = lines()
    blocks = [made[start : start + BLOCK] for start in range(0, len(made), BLOCK)]
    if kind == "tcp":
        joined = [b"".join(b"%d %s" % (len(line), line) for line in block) for block in blocks]
        with socket.create_connection(("127.0.0.1", port), timeout=120) as out:
            sent = pace(lambda turn: out.sendall(joined[turn]), len(blocks), rate, seconds)
    else:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
            out.connect(("127.0.0.1", port))

            def datagrams(turn: int) -> None:
                for line in blocks[turn]:
                    out.send(line)

            sent = pace(datagrams, len(blocks), rate, seconds)
    print(sent, flush=True)


def pace(send, turns: int, rate: int, seconds: float) -> int:
    """Call `send` with the number of a block, at `rate` lines a second; return how many lines that were."""
    began = time.monotonic()
    sent = 0
    while (passed := time.monotonic() - began) < seconds:
        if rate and sent >= passed * rate:
            time.sleep(min(0.001, (sent - passed * rate) / rate))
            continue
        send(sent // BLOCK % turns)
        sent += BLOCK
    return sent


if __name__ == "__main__":
    main()
