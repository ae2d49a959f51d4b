"""Writes the bill of materials (CycloneDX 1.6, JSON) of a build; the same build gives the same bytes."""

from __future__ import annotations

import json
import uuid
from typing import Any

from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import DisjunctiveLicense, LicenseExpression
from cyclonedx.output.json import JsonV1Dot6
from license_expression import get_spdx_licensing
from packageurl import PackageURL
from parts import SAID_NOWHERE, Native, Parts

_SPDX = get_spdx_licensing()


def document(parts: Parts, info: dict[str, object]) -> str:
    """Return the document; its serial number and time come from the build, not from the clock."""
    from sent.platform.licences import describe

    bom = Bom()
    bom.metadata.component = root = Component(
        name="sent", version=str(info["version"]), type=ComponentType.APPLICATION, bom_ref="sent"
    )
    found = [_component(*_of(describe(one))) for one in parts.distributions]
    found += [_native(one) for one in parts.natives]
    for component in found:
        bom.components.add(component)
    bom.register_dependency(root, found)
    text: dict[str, Any] = json.loads(JsonV1Dot6(bom).output_as_string())
    text["serialNumber"] = uuid.uuid5(uuid.NAMESPACE_URL, f"sent/{info['commit']}/{info['platform']}").urn
    text["metadata"]["timestamp"] = info["built"]
    return json.dumps(text, indent=1, sort_keys=True)


def _of(part: Any) -> tuple[str, str, str, PackageURL]:
    licence = SAID_NOWHERE.get(part.name, part.licence)
    return part.name, part.version, licence, PackageURL("pypi", name=part.name.lower(), version=part.version)


def _native(one: Native) -> Component:
    purl = (
        PackageURL.from_string(one.purl) if one.purl else PackageURL("generic", None, one.name, one.version)
    )
    return _component(one.name, one.version, one.licence, purl)


def _component(name: str, version: str, licence: str, purl: PackageURL) -> Component:
    said = DisjunctiveLicense(name=licence) if _SPDX.validate(licence).errors else LicenseExpression(licence)
    return Component(
        name=name,
        version=version or None,
        type=ComponentType.LIBRARY,
        purl=purl,
        bom_ref=str(purl),
        licenses=[said],
    )
