"""Whether the index names every row of every store once, and tells the truth of it as far as it can be told."""

from collections.abc import Iterator

from pipeline.manifest.verify.finding import Finding
from pipeline.manifest.verify.grids import grid_findings
from pipeline.manifest.verify.index_rows import form_findings, index_rows
from pipeline.manifest.verify.index_tables import table_findings
from pipeline.manifest.verify.placement import placement_findings
from pipeline.manifest.verify.scenes import scene_findings
from pipeline.manifest.verify.tree import INDEX, PublishedTree


def check(tree: PublishedTree) -> Iterator[Finding]:
    """All that is wrong with the index but its outlines; whose pixels have labels is told where pixels are read.

    Where the index is not of its form, only that is told.
    """
    if INDEX in tree.unread:
        return
    yield from form_findings(tree)
    rows = index_rows(tree)
    if rows is None:
        return
    yield from placement_findings(tree, rows)
    yield from grid_findings(tree, rows)
    yield from scene_findings(tree, rows)
    yield from table_findings(tree, rows)
