"""The command itself: its group, and how expected failures end."""

import os
import sys
import traceback

import click

from pipeline.cli.analyze import analyze
from pipeline.cli.bench import bench
from pipeline.cli.build import build
from pipeline.cli.compare import compare
from pipeline.cli.completion import completion
from pipeline.cli.doctor import doctor
from pipeline.cli.emulator import emulator
from pipeline.cli.help_text import keep_examples
from pipeline.cli.import_ import import_
from pipeline.cli.manifest import manifest
from pipeline.cli.patch import patch
from pipeline.cli.plan import plan
from pipeline.cli.pretrain import pretrain
from pipeline.cli.pseudo_label import pseudo_label
from pipeline.cli.report import report
from pipeline.cli.robustness import robustness
from pipeline.cli.status import status
from pipeline.cli.told_to_end import ToldToEnd, end_as_by_ctrl_c
from pipeline.cli.transfer import transfer
from pipeline.schema.errors import NoldoError

GOES_ON = {"build", "import", "compare", "robustness"}
"""Commands that go on where they stopped; of the others those that can say so themselves."""

KEPT = "; what was finished is kept: run the same command again to go on"


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="noldo")
def noldo() -> None:
    """Rebuild the NoLDO-S12 data set from Earth Engine and pretrain CromSS on it.

    Example:  noldo build recipes/demo.yaml --out runs/demo

    Where something does not work, 'noldo doctor' looks at this machine and says what to do.

    Any command takes --debug: an error then shows where it came from.
    """


for command in (
    build,
    plan,
    status,
    pretrain,
    pseudo_label,
    transfer,
    analyze,
    compare,
    robustness,
    report,
    emulator,
    manifest,
    patch,
    import_,
    bench,
    doctor,
    completion,
):
    noldo.add_command(command)
keep_examples(noldo)


def main() -> None:
    """Run the command; expected failures end in one or two plain lines and status 1 or 2, a signal in 128 and more."""
    # Threads of the arithmetic that spin while they wait take the cores from those that work.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    arguments = [a for a in sys.argv[1:] if a != "--debug"]
    debug = len(arguments) < len(sys.argv) - 1
    end_as_by_ctrl_c()
    try:
        status = noldo.main(args=arguments, prog_name="noldo", standalone_mode=False)
        sys.exit(status if isinstance(status, int) else 0)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)  # a group without a command: its help, as it is
        sys.exit(2)
    except click.ClickException as error:
        context = error.ctx if isinstance(error, click.UsageError) else None
        hint = f"\n'{context.command_path} --help' says what it takes" if context else ""
        _fail(f"{error.format_message()}{hint}", 2)
    except (KeyboardInterrupt, click.Abort) as error:
        told = error.__cause__ if isinstance(error, click.Abort) else error
        status = told.exit_status if isinstance(told, ToldToEnd) else 1
        _fail(f"stopped{KEPT if set(arguments[:1]) & GOES_ON else ''}", status)
    except NoldoError as error:
        if debug:
            traceback.print_exc()
        _fail(str(error), error.exit_status)
    except BrokenPipeError:
        sys.exit(1)
    except OSError as error:
        if debug:
            traceback.print_exc()
        where = f" {error.filename}" if error.filename else ""
        _fail(f"{error.strerror or error}:{where}; make room or access there, then run the same command again", 1)
    except Exception as error:  # noqa: BLE001 - the outermost edge: a defect still ends in a plain line
        if debug:
            traceback.print_exc()
        _fail(_unexpected(error), 1)


def _unexpected(error: Exception) -> str:
    """What to say of an error that is none of ours: object storage fails in its own ways, the rest is a defect."""
    from pipeline.files import is_storage_error, storage_reason

    if is_storage_error(error):
        return f"object storage failed: {storage_reason(error)}; see to it, then run the same command again"
    return (
        f"unexpected {type(error).__name__}: {error}. This is a defect; --debug shows where\n"
        "report it with what that and 'noldo doctor --json' print"
    )


def _fail(message: str, status: int) -> None:
    click.echo(f"noldo: {message}", err=True)
    sys.exit(status)
