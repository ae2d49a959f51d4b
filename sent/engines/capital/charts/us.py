"""United States: numbers by kind, sales tax owed to the states, no recoverable tax on purchases."""

from __future__ import annotations

from sent.engines.capital.charts.template import Template, planned

ACCOUNTS = """
1010 | Operating bank account | asset | cash
1020 | Savings account | asset | cash
1030 | Petty cash | asset | cash
1050 | Deposits in transit | asset | clearing
1100 | Accounts receivable | asset | receivable
1200 | Inventory | asset | inventory
1300 | Prepaid expenses | asset | prepayment
1500 | Equipment | asset | fixed_asset
1510 | Accumulated depreciation, equipment | asset | accumulated_depreciation
1520 | Vehicles | asset | fixed_asset
1530 | Accumulated depreciation, vehicles | asset | accumulated_depreciation
2010 | Accounts payable | liability | payable
2100 | Accrued expenses | liability |
2200 | Sales tax payable | liability | tax
2300 | Payroll taxes payable | liability | payroll
2310 | Wages payable | liability | payroll
2320 | Retirement plan payable | liability | payroll
2400 | Income tax payable | liability |
2700 | Notes payable | liability | loan
2900 | Currency clearing | equity | currency_clearing
3000 | Common stock | equity | capital
3100 | Opening balance equity | equity | opening
3200 | Retained earnings | equity | retained_earnings
4000 | Guard services | income | sales
4010 | Mobile patrol | income | sales
4020 | Monitoring and alarm response | income | sales
4030 | Managed IT and security services | income | sales
4100 | Equipment sales | income | sales
4800 | Other income | income |
4900 | Interest income | income | interest
5000 | Guard wages | expense | cost_of_sales
5100 | Subcontractors | expense | cost_of_sales
5200 | Cost of equipment sold | expense | cost_of_sales
5300 | Customer licenses | expense | cost_of_sales
6000 | Office salaries | expense |
6010 | Employer payroll taxes | expense |
6020 | Employee benefits | expense |
6100 | Rent | expense |
6110 | Utilities | expense |
6200 | Fuel | expense |
6210 | Vehicle repairs | expense |
6220 | Travel | expense |
6300 | Office supplies | expense |
6310 | Telephone and internet | expense |
6320 | Software subscriptions | expense |
6400 | Legal and professional fees | expense |
6410 | Accounting fees | expense |
6500 | Uniforms and equipment | expense |
6510 | Training and licensing | expense |
6600 | Insurance | expense |
6700 | Repairs and maintenance | expense |
6800 | Bank fees | expense | bank_fees
6810 | Interest expense | expense | interest
6820 | Exchange differences | expense | exchange
6900 | Depreciation | expense | depreciation
6950 | Bad debt | expense |
6990 | Rounding differences | expense | rounding
8000 | Income tax expense | expense | income_tax
9990 | Suspense | liability | suspense
"""

TEMPLATE = Template(
    "us",
    "US",
    "USD",
    (1, 1),
    planned(ACCOUNTS),
    (
        ("GJ", "General journal", "general"),
        ("SJ", "Sales journal", "sales"),
        ("PJ", "Purchase journal", "purchase"),
        ("BJ", "Cash journal", "bank"),
        ("CJ", "Year end", "closing"),
    ),
)
