"""Scalable Vector Graphics, built as an element tree so that every text is escaped."""

from xml.etree import ElementTree as ET

from markupsafe import Markup

Value = str | int | float


def drawing(width: float, height: float, *, title: str, description: str, css: str) -> ET.Element:
    """An inline <svg> of `width` x `height` user units, named and described for a screen reader."""
    root = ET.Element("svg", {"class": css, "role": "img", "viewBox": f"0 0 {number(width)} {number(height)}"})
    ET.SubElement(root, "title").text = title
    ET.SubElement(root, "desc").text = description
    return root


def add(parent: ET.Element, tag: str, text: str | None = None, **attributes: Value) -> ET.Element:
    """Append an element; in attribute names `css` stands for class and an underscore for a hyphen."""
    plain = {
        "class" if key == "css" else key.replace("_", "-"): value if isinstance(value, str) else number(value)
        for key, value in attributes.items()
    }
    child = ET.SubElement(parent, tag, plain)
    child.text = text
    return child


def number(value: float) -> str:
    """A coordinate with at most two decimals and nothing superfluous."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text in ("", "-0") else text


def markup(root: ET.Element) -> Markup:
    """The drawing as text that a template inserts unescaped; the tree has escaped what it holds."""
    return Markup(ET.tostring(root, encoding="unicode"))  # noqa: S704
