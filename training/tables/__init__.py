"""Tables of transfer runs, in the layout of the CromSS paper and beside its published figures."""

from training.tables.differences import Pairing as Pairing
from training.tables.runs import holds_transfer_runs as holds_transfer_runs
from training.tables.write import write_tables as write_tables
