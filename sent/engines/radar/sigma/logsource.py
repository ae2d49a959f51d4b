"""Which rules look at which events.

Windows events are routed by `System.Channel` and `System.EventID` alone: events 104 and 1102 carry a second
`Channel` in their data. The channel of a service and the Sysmon id of a category are the tables of
SigmaHQ's `logsource-guides` and pySigma's Windows pipeline.
"""

from __future__ import annotations

from functools import lru_cache

from sent.engines.radar.model import LogSource, Route

SYSMON = "Microsoft-Windows-Sysmon/Operational"
LINUX_SYSMON = "Linux-Sysmon/Operational"

_CHANNELS: dict[str, tuple[str, ...]] = {
    "security": ("Security",),
    "application": ("Application",),
    "system": ("System",),
    "sysmon": (SYSMON,),
    "powershell": ("Microsoft-Windows-PowerShell/Operational", "PowerShellCore/Operational"),
    "powershell-classic": ("Windows PowerShell",),
    "taskscheduler": ("Microsoft-Windows-TaskScheduler/Operational",),
    "wmi": ("Microsoft-Windows-WMI-Activity/Operational",),
    "dns-server": ("DNS Server",),
    "dns-server-audit": ("Microsoft-Windows-DNS-Server/Audit",),
    "dns-server-analytic": ("Microsoft-Windows-DNS-Server/Analytical",),
    "driver-framework": ("Microsoft-Windows-DriverFrameworks-UserMode/Operational",),
    "ntlm": ("Microsoft-Windows-NTLM/Operational",),
    "dhcp": ("Microsoft-Windows-DHCP-Server/Operational",),
    "msexchange-management": ("MSExchange Management",),
    "applocker": (
        "Microsoft-Windows-AppLocker/MSI and Script",
        "Microsoft-Windows-AppLocker/EXE and DLL",
        "Microsoft-Windows-AppLocker/Packaged app-Deployment",
        "Microsoft-Windows-AppLocker/Packaged app-Execution",
    ),
    "printservice-admin": ("Microsoft-Windows-PrintService/Admin",),
    "printservice-operational": ("Microsoft-Windows-PrintService/Operational",),
    "codeintegrity-operational": ("Microsoft-Windows-CodeIntegrity/Operational",),
    "smbclient-security": ("Microsoft-Windows-SmbClient/Security",),
    "smbclient-connectivity": ("Microsoft-Windows-SmbClient/Connectivity",),
    "smbserver-connectivity": ("Microsoft-Windows-SMBServer/Connectivity",),
    "firewall-as": ("Microsoft-Windows-Windows Firewall With Advanced Security/Firewall",),
    "bits-client": ("Microsoft-Windows-Bits-Client/Operational",),
    "windefend": ("Microsoft-Windows-Windows Defender/Operational",),
    "terminalservices-localsessionmanager": (
        "Microsoft-Windows-TerminalServices-LocalSessionManager/Operational",
    ),
    "servicebus-client": ("Microsoft-ServiceBus-Client/Operational", "Microsoft-ServiceBus-Client/Admin"),
    "microsoft-servicebus-client": (
        "Microsoft-ServiceBus-Client/Operational",
        "Microsoft-ServiceBus-Client/Admin",
    ),
    "ldap": ("Microsoft-Windows-LDAP-Client/Debug",),
    "ldap_debug": ("Microsoft-Windows-LDAP-Client/Debug",),
    "security-mitigations": (
        "Microsoft-Windows-Security-Mitigations/Kernel Mode",
        "Microsoft-Windows-Security-Mitigations/User Mode",
    ),
    "diagnosis-scripted": ("Microsoft-Windows-Diagnosis-Scripted/Operational",),
    "shell-core": ("Microsoft-Windows-Shell-Core/Operational",),
    "openssh": ("OpenSSH/Operational",),
    "bitlocker": ("Microsoft-Windows-BitLocker/BitLocker Management",),
    "vhdmp": ("Microsoft-Windows-VHDMP/Operational",),
    "appxdeployment-server": ("Microsoft-Windows-AppXDeploymentServer/Operational",),
    "lsa-server": ("Microsoft-Windows-LSA/Operational",),
    "appxpackaging-om": ("Microsoft-Windows-AppxPackaging/Operational",),
    "dns-client": ("Microsoft-Windows-DNS Client Events/Operational",),
    "appmodel-runtime": ("Microsoft-Windows-AppModel-Runtime/Admin",),
    "capi2": ("Microsoft-Windows-CAPI2/Operational",),
    "certificateservicesclient-lifecycle-system": (
        "Microsoft-Windows-CertificateServicesClient-Lifecycle-System/Operational",
    ),
    "application-experience": (
        "Microsoft-Windows-Application-Experience/Program-Telemetry",
        "Microsoft-Windows-Application-Experience/Program-Compatibility-Assistant",
    ),
    "hyper-v-worker": ("Microsoft-Windows-Hyper-V-Worker",),
    "iis-configuration": ("Microsoft-IIS-Configuration/Operational",),
    "kernel-event-tracing": ("Microsoft-Windows-Kernel-EventTracing",),
    "kernel-shimengine": (
        "Microsoft-Windows-Kernel-ShimEngine/Operational",
        "Microsoft-Windows-Kernel-ShimEngine/Diagnostic",
    ),
    "ntfs": ("Microsoft-Windows-Ntfs/Operational",),
    "sense": ("Microsoft-Windows-SENSE/Operational",),
}

_SYSMON_CATEGORIES: dict[str, tuple[int, ...]] = {
    "process_creation": (1,),
    "file_change": (2,),
    "network_connection": (3,),
    "sysmon_status": (4, 16),
    "process_termination": (5,),
    "driver_load": (6,),
    "image_load": (7,),
    "create_remote_thread": (8,),
    "raw_access_thread": (9,),
    "process_access": (10,),
    "file_event": (11,),
    "registry_add": (12,),
    "registry_delete": (12,),
    "registry_set": (13,),
    "registry_rename": (14,),
    "registry_event": (12, 13, 14),
    "create_stream_hash": (15,),
    "pipe_created": (17, 18),
    "wmi_event": (19, 20, 21),
    "dns_query": (22,),
    "file_delete": (23, 26),
    "clipboard_change": (24,),
    "process_tampering": (25,),
    "file_delete_detected": (26,),
    "file_block_executable": (27,),
    "file_block_shredding": (28,),
    "file_executable_detected": (29,),
    "sysmon_error": (255,),
}

_POWERSHELL_CATEGORIES: dict[str, tuple[str, int]] = {
    "ps_module": ("powershell", 4103),
    "ps_script": ("powershell", 4104),
    "ps_classic_start": ("powershell-classic", 400),
    "ps_classic_provider_start": ("powershell-classic", 600),
    "ps_classic_script": ("powershell-classic", 800),
}

_PROGRAMS: dict[str, frozenset[str]] = {
    "sshd": frozenset({"sshd", "auth"}),
    "sudo": frozenset({"sudo", "auth"}),
    "su": frozenset({"auth"}),
    "login": frozenset({"auth"}),
    "systemd-logind": frozenset({"auth"}),
    "cron": frozenset({"cron"}),
    "crond": frozenset({"cron"}),
    "auditd": frozenset({"auditd"}),
    "audit": frozenset({"auditd"}),
    "audispd": frozenset({"auditd"}),
    "clamd": frozenset({"clamav"}),
    "vsftpd": frozenset({"vsftpd"}),
    "guacd": frozenset({"guacamole"}),
}


def _reversed_tables() -> tuple[dict[str, set[str]], dict[tuple[str, int], set[str]]]:
    services: dict[str, set[str]] = {}
    for service, channels in _CHANNELS.items():
        for channel in channels:
            services.setdefault(channel.lower(), set()).add(service)
    categories: dict[tuple[str, int], set[str]] = {}
    for category, ids in _SYSMON_CATEGORIES.items():
        for event_id in ids:
            categories.setdefault((SYSMON.lower(), event_id), set()).add(category)
            categories.setdefault((LINUX_SYSMON.lower(), event_id), set()).add(category)
    for category, (service, event_id) in _POWERSHELL_CATEGORIES.items():
        for channel in _CHANNELS[service]:
            categories.setdefault((channel.lower(), event_id), set()).add(category)
    return services, categories


_SERVICES_OF, _CATEGORIES_OF = _reversed_tables()
_WINDOWS_CATEGORIES = frozenset(_SYSMON_CATEGORIES) | frozenset(_POWERSHELL_CATEGORIES)


@lru_cache(maxsize=4096)
def windows_route(channel: str, event_id: int | None) -> Route:
    """Return the route of an event of a Windows (or Sysmon for Linux) channel."""
    key = channel.lower()
    product = "linux" if key == LINUX_SYSMON.lower() else "windows"
    categories = _CATEGORIES_OF.get((key, event_id), ()) if event_id is not None else ()
    return Route(product, frozenset(categories), frozenset(_SERVICES_OF.get(key, ())), channel, event_id)


@lru_cache(maxsize=4096)
def syslog_route(program: str, source: LogSource) -> Route:
    """Return the route of a syslog message of `program`; what `source` says wins."""
    name = program.rsplit("/", 1)[-1].lower()
    services = {source.service} if source.service else {"syslog", *_PROGRAMS.get(name, ())}
    categories = frozenset({source.category}) if source.category else frozenset[str]()
    return Route(source.product or "linux", categories, frozenset(services))


def configured_route(source: LogSource) -> Route:
    """Return the route of an event about which only its source's configuration is known."""
    return Route(
        source.product,
        frozenset({source.category}) if source.category else frozenset(),
        frozenset({source.service}) if source.service else frozenset(),
    )


def unfed(source: LogSource) -> str | None:
    """Return why no Windows event can reach a rule of this log source; None if some can."""
    if source.product != "windows":
        return None
    if source.category and source.category not in _WINDOWS_CATEGORIES:
        return f"no known Windows channel provides category {source.category!r}"
    if source.service and source.service not in _CHANNELS:
        return f"no known Windows channel belongs to service {source.service!r}"
    return None


def known_sources() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the categories and the services that events are routed by, each in order."""
    programs = {service for services in _PROGRAMS.values() for service in services}
    return tuple(sorted(_WINDOWS_CATEGORIES)), tuple(sorted({*_CHANNELS, *programs, "syslog"}))


def product_wide(source: LogSource) -> bool:
    """Say whether a rule looks at every Windows channel: it names neither category nor service."""
    return source.product == "windows" and not source.category and not source.service


def wanted(rule: LogSource, route: Route) -> bool:
    """Say whether a rule of log source `rule` looks at events of `route`."""
    if not route.known:
        return True
    return (
        (rule.product is None or rule.product == route.product)
        and (rule.category is None or rule.category in route.categories)
        and (rule.service is None or rule.service in route.services)
    )
