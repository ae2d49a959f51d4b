"""United Kingdom: business years from April, VAT charged and VAT paid on two accounts."""

from __future__ import annotations

from sent.engines.capital.charts.template import Template, planned

ACCOUNTS = """
0020 | Plant and machinery | asset | fixed_asset
0021 | Plant and machinery depreciation | asset | accumulated_depreciation
0030 | Office equipment | asset | fixed_asset
0031 | Office equipment depreciation | asset | accumulated_depreciation
0050 | Motor vehicles | asset | fixed_asset
0051 | Motor vehicles depreciation | asset | accumulated_depreciation
1001 | Stock | asset | inventory
1100 | Debtors control account | asset | receivable
1103 | Prepayments | asset | prepayment
1200 | Bank current account | asset | cash
1210 | Bank deposit account | asset | cash
1230 | Petty cash | asset | cash
1250 | Payments in transit | asset | clearing
2100 | Creditors control account | liability | payable
2109 | Accruals | liability |
2200 | Sales tax control (output VAT) | liability | tax
2201 | Purchase tax control (input VAT) | asset | tax
2202 | VAT liability | liability | tax
2210 | PAYE and National Insurance | liability | payroll
2220 | Net wages | liability | payroll
2230 | Pension fund | liability | payroll
2300 | Bank loan | liability | loan
2320 | Corporation tax | liability |
2900 | Currency clearing | equity | currency_clearing
3000 | Ordinary shares | equity | capital
3100 | Opening balances | equity | opening
3200 | Profit and loss account | equity | retained_earnings
4000 | Guarding services | income | sales
4001 | Mobile patrols | income | sales
4002 | Monitoring and alarm response | income | sales
4003 | Managed IT and security services | income | sales
4010 | Equipment sold | income | sales
4900 | Other income | income |
4905 | Bank interest received | income | interest
5000 | Subcontracted guards | expense | cost_of_sales
5001 | Equipment bought for resale | expense | cost_of_sales
5002 | Licences for customers | expense | cost_of_sales
6000 | Guards' wages | expense | cost_of_sales
7000 | Gross salaries, office | expense |
7006 | Employer's National Insurance | expense |
7007 | Employer's pension | expense |
7100 | Rent | expense |
7103 | Rates and water | expense |
7200 | Electricity and heating | expense |
7300 | Fuel and oil | expense |
7301 | Vehicle repairs and servicing | expense |
7304 | Vehicle insurance | expense |
7400 | Travel | expense |
7500 | Printing and stationery | expense |
7502 | Telephone and internet | expense |
7503 | Software subscriptions | expense |
7600 | Legal and professional fees | expense |
7601 | Audit and accountancy | expense |
7700 | Uniforms and equipment | expense |
7800 | Repairs and cleaning | expense |
7900 | Bank interest paid | expense | interest
7901 | Bank charges | expense | bank_fees
7906 | Exchange differences | expense | exchange
8000 | Depreciation | expense | depreciation
8100 | Bad debts | expense |
8200 | Insurance | expense |
8201 | Training and licences | expense |
8250 | Rounding differences | expense | rounding
9001 | Corporation tax charge | expense | income_tax
9998 | Suspense account | liability | suspense
"""

TEMPLATE = Template(
    "uk",
    "GB",
    "GBP",
    (4, 1),
    planned(ACCOUNTS),
    (
        ("GJ", "General journal", "general"),
        ("SJ", "Sales day book", "sales"),
        ("PJ", "Purchase day book", "purchase"),
        ("BJ", "Cash book", "bank"),
        ("CJ", "Year end", "closing"),
    ),
)
