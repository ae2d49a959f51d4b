"""With whom Northwind Security trades: customers and their contracts, suppliers and what they send.

Tables of text, one party a line, so that the company can be read and changed as a whole. Amounts are pounds
without tax (of the customer abroad euros).
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

IBAN = "GB33BUKB20201555555555"
BANK = "Harbour Bank"


@dataclass(frozen=True, slots=True)
class Contract:
    """A customer and what he buys every month (nothing: on call); `late`: days he pays after it is due."""

    code: str
    name: str
    place: str
    terms: int
    late: int
    day: int
    what: str
    quantity: Decimal
    price: Decimal
    account: str


@dataclass(frozen=True, slots=True)
class Vendor:
    """A supplier who bills `amount` on `day` of every `every`th month, more or less by `swing` percent."""

    code: str
    name: str
    place: str
    terms: int
    day: int
    every: int
    amount: Decimal
    swing: int
    account: str
    tax: str
    what: str


CUSTOMERS = """
HARBOR|Harbor Logistics|Dock Road 4, Felixstowe|30|4|10|Gate and yard guarding|1120|21.50|4000
BRIGHT|Brightwater Clinic|Mill Lane 12, Ipswich|30|2|24|Reception and night guarding|744|20.80|4000
ALDER|Alder & Finch Law|Temple Court 3, London|14|0|10|Managed detection and response|1|4850|4003
QUAYS|Quayside Shopping Centre|Quay Street 1, Hull|30|9|10|Guarding of the mall|1310|20.40|4000
MERID|Meridian Data Centres|Park Royal 88, London|30|1|24|Access control desk|744|24.90|4000
STOUR|Stour Valley College|College Road 2, Colchester|30|12|24|Campus patrols|310|22.00|4001
NORTH|Northgate Retail Park|Northgate 50, York|30|6|10|Patrols, two vehicles|420|27.50|4001
ELLIS|Ellison Pharma|Science Park 7, Cambridge|45|0|24|Laboratory guarding|744|23.60|4000
BECKW|Beckwith Brewery|Brewery Yard, Norwich|30|18|10|Night guarding|360|20.10|4000
TIDEW|Tidewater Marina|Marina Way 9, Poole|30|7|24|Alarm response|1|2240|4002
CROWN|Crownfield Council|Town Hall, Crownfield|30|3|10|Monitoring of 38 buildings|38|96|4002
LARCH|Larch Homes|Bridge House, Reading|30|22|24|Building site guarding|620|19.80|4000
OPALE|Opal Events|Arena Square, Leeds|14|28|24|Venue stewards|340|19.50|4000
VALEN|Valence Foods|Trading Estate 14, Derby|30|5|10|Factory gate|744|20.20|4000
PENNI|Pennine Rail Services|Station Approach, Leeds|45|2|24|Depot guarding|980|21.10|4000
GLASS|Glasshouse Studios|Canal Street 31, Manchester|30|8|10|Studio reception|240|21.00|4000
WREN|Wren & Daughters Jewellers|Lanes 6, Brighton|14|1|24|Guarding in opening hours|260|23.00|4000
SUMMI|Summit Insurance|Exchange Square 1, London|30|0|10|Security operations centre|1|9200|4003
FERRY|Ferryman Hotels|Esplanade 20, Torquay|30|14|24|Night porters|400|19.90|4000
HOLLO|Hollow Oak School|Oak Lane, Winchester|30|4|10|Monitoring and patrols|1|1950|4002
KESTR|Kestrel Aviation|Hangar 4, Southend|30|10|24|Airside guarding|744|22.40|4000
BRAMB|Bramble Kennels|Farm Road, Ashford|14|41|10|Alarm response|1|640|4002
NORDS|Nordsee Reederei GmbH|Hafenstrasse 11, 20457 Hamburg|30|3|24|Ship security officers|1|6400|4000
DELTA|Delta Freight|Cargo Terminal 2, Manchester|30|74|24|Warehouse guarding|310|20.60|4000
ORCHA|Orchard Surgery|High Street 77, Bath|30|6|0|| 0|0|4002
PRIOR|Priory Museum|Priory Close, Durham|30|9|0|| 0|0|4000
SALTB|Saltburn Festival|Beach Road, Saltburn|14|11|0|| 0|0|4000
UNITY|Unity Housing|Chapel Street 19, Preston|30|16|0|| 0|0|4001
VIXEN|Vixen Motors|Ring Road 200, Coventry|30|5|0|| 0|0|4002
ZENIT|Zenith Telecom|Tower Lane 5, Bristol|45|0|0|| 0|0|4003
"""

SUPPLIERS = """
FUELC|Anglia Fuel Cards|Depot Road, Ipswich|14|4|1|4300|12|7300|P20|Fuel, fleet
LANDL|Harbour House Estates|Harbour House, Ipswich|7|1|1|3850|0|7100|P20|Rent of the office
COUNC|Ipswich Borough Council|Grafton House, Ipswich|14|2|1|910|0|7103|PE|Business rates
POWER|East Coast Energy|Grid Street 3, Lowestoft|14|9|1|820|25|7200|P5|Electricity and heating
SHIEL|Shield Staffing|Queen Street 40, Leeds|30|12|1|19600|9|5000|P20|Subcontracted guards
GUARD|Guardline North|Foundry Lane 8, Hull|30|26|1|15400|14|5000|P20|Subcontracted guards
CLOUD|Cirrus Software|Cloud Court 1, London|14|3|1|2150|3|7503|P20|Software subscriptions
SENTR|Sentry Licences|Silicon Way 2, Reading|30|11|1|10900|6|5002|P20|Licences for customers
VOICE|Voiceline Telecom|Exchange Road, Slough|14|8|1|940|5|7502|P20|Telephone and internet
UNIFO|Keystone Uniforms|Weaver Street 15, Bolton|30|16|2|2100|30|7700|P20|Uniforms
GARAG|Orwell Garage|Orwell Road 61, Ipswich|14|19|1|1050|45|7301|P20|Servicing and tyres
WHOLE|Camera Wholesale|Unit 9, Basildon|30|7|1|6700|35|5001|P20|Cameras and alarm panels
ACADE|Sentinel Academy|Station Street 2, Derby|30|21|2|1650|30|8201|PE|Licence training
LEDGE|Marlowe Accountants|Museum Street 4, Ipswich|30|28|3|2400|0|7601|P20|Accounts and payroll
UNDER|Bastion Insurance|Lime Street 30, London|14|5|12|14400|0|1103|PE|Insurance, twelve months
DEALE|Suffolk Van Centre|Ring Road 5, Ipswich|14|14|0|0|0|0050|P20|Van
"""

VANS = """
NW21 KLA|-34|21600|4200
NW21 KLB|-34|21600|4200
NW22 PTE|-22|23400|4800
NW22 PTF|-22|23400|4800
NW23 RSX|-9|25200|5400
NW24 UVA|4|26100|5700
NW25 WMB|15|27300|6000
"""
"""Registration | month of purchase (0 is the first of the books) | cost | residual value; five years."""

EXTRA = (
    ("Stewards for an event", "4000", 1900, 5200),
    ("Call-out at night", "4002", 180, 520),
    ("Guard dog and handler, weekend", "4001", 900, 1700),
    ("Cameras and installation", "4010", 2600, 7400),
    ("Penetration test", "4003", 3200, 6800),
    ("Key holding, set-up", "4002", 260, 480),
)
"""What is sold on call: description, account, from and to how many pounds."""

LOOSE = (
    (Decimal("-64.90"), "TRAINLINE", "Card 4417 train tickets"),
    (Decimal("1200.00"), "UNKNOWN REMITTER", "Payment, thank you"),
    (Decimal("-129.99"), "SCREWFIX", "Card 4417 padlocks and torches"),
    (Decimal("-412.00"), "DVLA", "Vehicle tax NW22 PTE"),
)
"""What the bank tells and nobody has booked."""


def customers() -> list[Contract]:
    """Return the customers."""
    return [
        Contract(code, name, place, int(terms), int(late), int(day), what, Decimal(amount), Decimal(price),
                 account)
        for code, name, place, terms, late, day, what, amount, price, account in _rows(CUSTOMERS)
    ]  # fmt: skip


def suppliers() -> list[Vendor]:
    """Return the suppliers."""
    return [
        Vendor(code, name, place, int(terms), int(day), int(every), Decimal(amount), int(swing), account, tax,
               what)
        for code, name, place, terms, day, every, amount, swing, account, tax, what in _rows(SUPPLIERS)
    ]  # fmt: skip


def vans() -> list[tuple[str, int, Decimal, Decimal]]:
    """Return registration, month of purchase, cost and residual value of the fleet."""
    return [(name, int(month), Decimal(cost), Decimal(rest)) for name, month, cost, rest in _rows(VANS)]


def _rows(table: str) -> list[list[str]]:
    return [[part.strip() for part in line.split("|")] for line in table.strip().splitlines()]
