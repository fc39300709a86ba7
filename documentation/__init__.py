"""Makes pages of the documentation from the program's own text; MkDocs calls it (mkdocs.yml, hooks)."""
