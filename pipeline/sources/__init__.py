"""Where pixels and scene metadata come from, behind one protocol."""
