"""Where the program starts, as ``deployster`` and as ``python -m deployster_cli``."""

import signal


def start() -> None:
    """Run the program. Ctrl-C while its modules load ends it as it ends any program: without a traceback."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from deployster_cli.main import main  # what takes its time

    main()


if __name__ == "__main__":
    start()
