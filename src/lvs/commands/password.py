"""Set or remove the password, and make tokens for programs."""

import argparse
import getpass
import sys

from lvs.errors import Invalid
from lvs.folders import make_data_folder
from lvs.terminal import add_configuration_flags, configuration


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what can be done; without a flag the password is asked for and set."""
    does = parser.add_mutually_exclusive_group()
    does.add_argument("--remove", action="store_true", help="have no password from now on")
    does.add_argument(
        "--token", metavar="NAME", help="make a token for a program and print it, once"
    )
    does.add_argument(
        "--revoke", metavar="NAME", help="have a program's token open nothing any more"
    )
    does.add_argument(
        "--list", action="store_true", help="say whether there is a password, and name the tokens"
    )
    add_configuration_flags(parser)
    parser.epilog = (
        "A running server follows within a second. Without a terminal the password is read from"
        " standard input."
    )


def run(arguments: argparse.Namespace) -> int:
    """Change who may come in."""
    config = configuration(arguments).config
    make_data_folder(config.data_directory)

    from lvs.services.auth import AccessFile

    file = AccessFile(config.data_directory)
    if arguments.list:
        access = file.read()
        print(
            "There is a password."
            if access.password_hash or config.password.get_secret_value()
            else "There is no password."
        )
        print(
            "\n".join(f"token: {name}" for name in sorted(access.tokens)) or "There are no tokens."
        )
    elif arguments.token is not None:
        print(file.add_token(arguments.token))
    elif arguments.revoke is not None:
        file.revoke_token(arguments.revoke)
        print("Revoked.")
    elif arguments.remove:
        file.remove_password()
        print("Removed. LVS answers in its home network only, and to everybody there.")
    else:
        file.set_password(_asked())
        print("Set. Whoever was signed in must sign in again.")
    return 0


def _asked() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    password = getpass.getpass("New password: ")
    if getpass.getpass("Once more: ") != password:
        raise Invalid("The two passwords differ, so nothing was changed.")
    return password
