"""An invoice as other programs read it: UN/CEFACT Cross Industry Invoice D16B in the profile of EN 16931.

What Factur-X and ZUGFeRD call EN 16931 (comfort) and what XRechnung is made from. Pure. Element names and
their order are those of the standard's schema; BT-n in comments are its business terms. Addresses are free
text here and go into the address lines: XRechnung, which wants town and postcode apart, is not reached.
"""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from xml.etree import ElementTree

from sent.engines.capital.billing.documents import Computed
from sent.engines.capital.billing.model import ZERO, DocumentLine, Party, Profile, TaxCode
from sent.platform.errors import Conflict, Invalid

PROFILE = "urn:cen.eu:en16931:2017"
_SPACES = {
    "rsm": "urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100",
    "ram": "urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100",
    "udt": "urn:un:unece:uncefact:data:standard:UnqualifiedDataType:100",
}
_TYPES = {"invoice": "380", "sales_credit": "381"}
_UNITS = {
    "h": "HUR", "hour": "HUR", "hours": "HUR", "std": "HUR", "std.": "HUR", "day": "DAY", "days": "DAY",
    "tag": "DAY", "tage": "DAY", "month": "MON", "months": "MON", "monat": "MON", "monate": "MON",
    "km": "KMT",
    "mile": "SMI", "miles": "SMI", "kg": "KGM", "m": "MTR", "l": "LTR", "min": "MIN",
}  # fmt: skip
_ONE = "C62"
_PRICE = Decimal(1).scaleb(-8)

Node = ElementTree.Element


def xml(made: Computed, party: Party, profile: Profile) -> bytes:
    """Return an issued invoice or credit note as XML in UTF-8.

    `profile` and `party` are as they were when it was issued. Raises Conflict for drafts, Invalid (with the
    place and the cure) for what the standard cannot say.
    """
    about = made.document
    if about.state != "issued" or about.kind not in _TYPES:
        raise Conflict(
            "capital.einvoice.state", "only issued invoices and credit notes are exported: issue it"
        )
    for n, code in enumerate(made.codes, 1):
        if code is None:
            raise Invalid("capital.einvoice.tax", f"line {n} has no tax code: an e-invoice says one for each")
    for one, who in ((profile, "your profile"), (party, f"party {party.name}")):
        if not one.country:
            raise Invalid("capital.einvoice.country", f"{who} has no country: enter its two letters")
    root = Node(_name("rsm:CrossIndustryInvoice"))
    context = _add(root, "rsm:ExchangedDocumentContext")
    _add(_add(context, "ram:GuidelineSpecifiedDocumentContextParameter"), "ram:ID", PROFILE)
    head = _add(root, "rsm:ExchangedDocument")
    _add(head, "ram:ID", about.number or "")  # BT-1
    _add(head, "ram:TypeCode", _TYPES[about.kind])
    _day(_add(head, "ram:IssueDateTime"), f"{about.day:%Y%m%d}")
    for text in (about.intro, about.delivered, about.note):
        if text:
            _add(_add(head, "ram:IncludedNote"), "ram:Content", text)
    trade = _add(root, "rsm:SupplyChainTradeTransaction")
    for n, line in enumerate(made.lines):
        code = made.codes[n]
        if code is not None:
            _line(trade, n + 1, line, code, made.totals.nets[n])
    _agreement(trade, made, party, profile)
    _delivery(trade, made, party)
    _settlement(trade, made, profile)
    for prefix, space in _SPACES.items():
        ElementTree.register_namespace(prefix, space)
    data: bytes = ElementTree.tostring(root, encoding="UTF-8", xml_declaration=True)
    return data


def category(code: TaxCode) -> str:
    """Return the category of a tax in the code list UNTDID 5305."""
    if code.category:
        return code.category
    return {"standard": "S", "zero": "Z", "exempt": "E", "reverse": "AE"}[code.nature]


def _rate(code: TaxCode) -> Decimal:
    return code.rate.normalize() if category(code) == "S" else ZERO


def _line(trade: Node, n: int, line: DocumentLine, code: TaxCode, net: Decimal) -> None:
    item = _add(trade, "ram:IncludedSupplyChainTradeLineItem")
    _add(_add(item, "ram:AssociatedDocumentLineDocument"), "ram:LineID", str(n))
    _add(_add(item, "ram:SpecifiedTradeProduct"), "ram:Name", line.description)
    quantity = line.quantity
    price = line.unit_price * (1 - line.discount / 100)
    if code.inclusive and quantity:
        price = net / quantity
    if price < 0:  # BR-27: a price is not negative, a quantity may be
        price, quantity = -price, -quantity
    agreed = _add(_add(item, "ram:SpecifiedLineTradeAgreement"), "ram:NetPriceProductTradePrice")
    _add(agreed, "ram:ChargeAmount", _figure(price.quantize(_PRICE)))
    unit = _UNITS.get(line.unit.strip().lower(), _ONE)
    _add(_add(item, "ram:SpecifiedLineTradeDelivery"), "ram:BilledQuantity", _figure(quantity), unitCode=unit)
    settled = _add(item, "ram:SpecifiedLineTradeSettlement")
    tax = _add(settled, "ram:ApplicableTradeTax")
    _add(tax, "ram:TypeCode", "VAT")
    _add(tax, "ram:CategoryCode", category(code))
    _add(tax, "ram:RateApplicablePercent", _figure(_rate(code)))
    total = _add(settled, "ram:SpecifiedTradeSettlementLineMonetarySummation")
    _add(total, "ram:LineTotalAmount", str(net))  # BT-131


def _agreement(trade: Node, made: Computed, party: Party, profile: Profile) -> None:
    agreed = _add(trade, "ram:ApplicableHeaderTradeAgreement")
    about = made.document
    seller = _add(agreed, "ram:SellerTradeParty")
    _add(seller, "ram:Name", profile.name)
    if profile.phone or profile.email:
        contact = _add(seller, "ram:DefinedTradeContact")
        _add(contact, "ram:PersonName", profile.name)
        if profile.phone:
            phone = _add(contact, "ram:TelephoneUniversalCommunication")
            _add(phone, "ram:CompleteNumber", profile.phone)
        if profile.email:
            _add(_add(contact, "ram:EmailURIUniversalCommunication"), "ram:URIID", profile.email)
    _place(seller, profile.address, profile.country, profile.email, profile.tax_number)
    buyer = _add(agreed, "ram:BuyerTradeParty")
    _add(buyer, "ram:ID", party.code)
    _add(buyer, "ram:Name", party.name)
    _place(buyer, party.address, party.country, party.email, party.tax_number)
    if about.reference and about.credits is None:
        _add(_add(agreed, "ram:BuyerOrderReferencedDocument"), "ram:IssuerAssignedID", about.reference)


def _place(owner: Node, address: str, country: str, email: str, tax_number: str) -> None:
    place = _add(owner, "ram:PostalTradeAddress")
    lines = [line.strip() for line in address.splitlines() if line.strip()]
    texts = [*lines[:2], ", ".join(lines[2:])]
    for name, text in zip(("ram:LineOne", "ram:LineTwo", "ram:LineThree"), texts, strict=False):
        if text:
            _add(place, name, text)
    _add(place, "ram:CountryID", country)
    if email:
        reached = _add(owner, "ram:URIUniversalCommunication")
        _add(reached, "ram:URIID", email, schemeID="EM")
    if tax_number:
        plain = "".join(tax_number.split())
        scheme = "VA" if plain[:2].isalpha() else "FC"
        _add(_add(owner, "ram:SpecifiedTaxRegistration"), "ram:ID", plain, schemeID=scheme)


def _delivery(trade: Node, made: Computed, party: Party) -> None:
    delivered = _add(trade, "ram:ApplicableHeaderTradeDelivery")
    if any(code is not None and category(code) == "K" for code in made.codes):
        # BR-IC-11 and 12: goods that go to another member state have a day and a country.
        place = _add(_add(delivered, "ram:ShipToTradeParty"), "ram:PostalTradeAddress")
        _add(place, "ram:CountryID", party.country)
        event = _add(delivered, "ram:ActualDeliverySupplyChainEvent")
        _day(_add(event, "ram:OccurrenceDateTime"), f"{made.document.day:%Y%m%d}")


def _settlement(trade: Node, made: Computed, profile: Profile) -> None:
    about, found = made.document, made.totals
    settled = _add(trade, "ram:ApplicableHeaderTradeSettlement")
    _add(settled, "ram:PaymentReference", about.number or "")
    _add(settled, "ram:InvoiceCurrencyCode", about.commodity)
    if profile.iban:
        means = _add(settled, "ram:SpecifiedTradeSettlementPaymentMeans")
        _add(means, "ram:TypeCode", "58" if about.commodity == "EUR" else "30")
        account = _add(means, "ram:PayeePartyCreditorFinancialAccount")
        _add(account, "ram:IBANID", "".join(profile.iban.split()))
        if profile.bic:
            bank = _add(means, "ram:PayeeSpecifiedCreditorFinancialInstitution")
            _add(bank, "ram:BICID", profile.bic)
    sums: dict[tuple[str, Decimal], list[Decimal]] = defaultdict(lambda: [ZERO, ZERO])
    reasons: dict[tuple[str, Decimal], str] = {}
    for one in found.codes:
        group = (category(one.code), _rate(one.code))
        sums[group][0] += one.base
        sums[group][1] += one.tax
        reasons.setdefault(group, one.code.reason)
    for group, (base, amount) in sums.items():
        tax = _add(settled, "ram:ApplicableTradeTax")
        _add(tax, "ram:CalculatedAmount", str(amount))
        _add(tax, "ram:TypeCode", "VAT")
        if reasons[group] and group[0] not in ("S", "Z"):
            _add(tax, "ram:ExemptionReason", reasons[group])
        _add(tax, "ram:BasisAmount", str(base))
        _add(tax, "ram:CategoryCode", group[0])
        _add(tax, "ram:RateApplicablePercent", _figure(group[1]))
    _day(_add(_add(settled, "ram:SpecifiedTradePaymentTerms"), "ram:DueDateDateTime"), f"{about.due:%Y%m%d}")
    total = _add(settled, "ram:SpecifiedTradeSettlementHeaderMonetarySummation")
    _add(total, "ram:LineTotalAmount", str(found.net))
    _add(total, "ram:TaxBasisTotalAmount", str(found.net))
    _add(total, "ram:TaxTotalAmount", str(found.tax), currencyID=about.commodity)
    _add(total, "ram:GrandTotalAmount", str(found.gross))
    _add(total, "ram:DuePayableAmount", str(found.gross))
    if about.credits is not None and about.reference:
        _add(_add(settled, "ram:InvoiceReferencedDocument"), "ram:IssuerAssignedID", about.reference)


def _name(short: str) -> str:
    prefix, _, name = short.partition(":")
    return f"{{{_SPACES[prefix]}}}{name}"


def _add(parent: Node, short: str, text: str | None = None, **attributes: str) -> Node:
    child = ElementTree.SubElement(parent, _name(short), attributes)
    if text is not None:
        # XML 1.0 has no control characters.
        child.text = "".join(letter for letter in text if letter.isprintable() or letter in "\n\t")
    return child


def _day(parent: Node, text: str) -> None:
    _add(parent, "udt:DateTimeString", text, format="102")


def _figure(value: Decimal) -> str:
    return f"{value.normalize():f}"
