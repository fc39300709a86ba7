"""`noldo completion`: what makes a shell complete commands, options and folders."""

import click
from click.shell_completion import get_completion_class

VARIABLE = "_NOLDO_COMPLETE"
"""By which the shell asks this command what could follow (click, 'Shell Completion')."""


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the script by which SHELL completes commands, options and folders. In your start-up file add, for

    bash, ~/.bashrc:  eval "$(noldo completion bash)"

    zsh, ~/.zshrc, after compinit:  eval "$(noldo completion zsh)"

    fish, ~/.config/fish/config.fish:  noldo completion fish | source

    Example:  noldo completion bash
    """
    kind = get_completion_class(shell)
    assert kind is not None
    click.echo(kind(context.find_root().command, {}, "noldo", VARIABLE).source())
