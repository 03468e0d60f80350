"""axe-core over the page as it stands: WCAG 2.2 A and AA."""

from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Page

SOURCE: Final = (Path(__file__).parent / "vendor" / "axe.min.js").read_text(encoding="utf-8")
TAGS: Final = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
_RUN: Final = """async (tags) => {
  const found = await axe.run(document, {
    runOnly: {type: "tag", values: tags}, resultTypes: ["violations"],
  });
  return {
    violations: found.violations.map((each) => ({
      id: each.id, help: each.help,
      nodes: each.nodes.map((node) => ({
        target: node.target.join(" "), html: node.html.slice(0, 160),
        why: (node.any[0] || node.all[0] || node.none[0] || {}).message || "",
      })),
    })),
    passes: found.passes.length,
  };
}"""


def violations(page: Page) -> list[str]:
    """Return a line for each node that breaks a rule. Fails where axe found nothing to look at."""
    if not page.evaluate("typeof axe === 'object'"):
        page.evaluate(SOURCE)
    found: dict[str, Any] = page.evaluate(_RUN, list(TAGS))
    assert found["passes"], "axe has looked at nothing"
    return [
        f"axe {rule['id']}: {node['target']} – {node['why'] or rule['help']} – {node['html']}"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]
