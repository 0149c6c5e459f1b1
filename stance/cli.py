"""The command `stance`: arguments to function calls, results to tables and lines. No logic of its own."""

from __future__ import annotations

import argparse
import io
import logging
import os
import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from stance.errors import StanceError

if TYPE_CHECKING:
    from stance.commands import Command

OK, CHECK_FAILED, WRONG_USE, STOPPED = 0, 1, 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code: 0 done, 1 a check failed, 2 wrong use, 130 stopped."""
    parser = _parser()
    parsed = parser.parse_args(arguments)
    if "command" not in parsed:
        parser.print_help(sys.stderr)
        return WRONG_USE
    warnings.showwarning = _show_warning
    _show_log()
    _open_streams()
    try:
        command: Callable[[argparse.Namespace], int] = _load(parsed.command)
        code = command(parsed)
        sys.stdout.flush()
        return code
    except StanceError as error:
        _say(f"error: {error}")
        return WRONG_USE
    except KeyboardInterrupt:
        _say("stopped; nothing half-written is left")
        return STOPPED
    except BrokenPipeError:  # the reader, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except OSError as error:
        _say(f"error: {error.filename or 'output'}: {error.strerror or error}")
        return WRONG_USE


def _open_streams() -> None:
    """Write UTF-8 whatever the locale, as JSON lines must; let closed streams be read and written in vain."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115
        elif mode == "w" and isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")


def _load(name: str) -> Command:
    from stance import commands

    return getattr(commands, name)  # type: ignore[no-any-return]


def _say(message: str) -> None:
    print(f"stance: {message}", file=sys.stderr)  # noqa: T201


def _show_warning(message: Warning | str, *_: object, **__: object) -> None:
    _say(f"warning: {message}")


def _show_log() -> None:
    """Write what long work reports to stderr, in the form of the command's other messages."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("stance: %(message)s"))
    log = logging.getLogger("stance")
    log.handlers = [handler]
    log.setLevel(logging.INFO)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="stance",
        description="Which side does a sentence take toward a target: agree, disagree or neutral?",
        epilog="exit codes: 0 done, 1 a check failed, 2 wrong use or bad input, 130 stopped by the user",
    )
    from stance import __version__

    parser.add_argument("--version", action="version", version=f"stancekit {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")

    predict = commands.add_parser("predict", help="tell the stance of sentences")
    predict.add_argument("texts", nargs="*", metavar="TEXT", help="sentences; without any, stdin, one a line")
    _add_prediction_options(predict)
    predict.set_defaults(command="predict")

    article = commands.add_parser("article", help="tell the stance of every sentence of an article")
    article.add_argument("file", metavar="FILE", help='a text file, UTF-8; "-" for stdin')
    _add_prediction_options(article)
    article.set_defaults(command="article")

    train = commands.add_parser("train", help="train a classifier from a config")
    train.add_argument("config", metavar="CONFIG", help="a YAML file, such as configs/linear.yaml")
    train.add_argument("--set", dest="overrides", nargs="+", action="extend", default=[], metavar="KEY=VALUE",
                       help="change the config: model.C=3 seed=7")  # fmt: skip
    train.add_argument("--out", metavar="FOLDER", help="the run folder (default: runs/<name of the config>)")
    train.add_argument(
        "--resume", action="store_true", help="go on from the checkpoints of a training that was stopped"
    )
    train.set_defaults(command="train")

    evaluate = commands.add_parser("evaluate", help="measure models on labelled sentences")
    evaluate.add_argument("--model", dest="models", nargs="+", action="extend", metavar="M",
                          help="run folders or hub names, side by side (default: small)")  # fmt: skip
    evaluate.add_argument("--data", required=True, metavar="FILE",
                          help="CSV, JSONL or Parquet with text and label; or a config")  # fmt: skip
    evaluate.add_argument("--split", choices=("train", "validation", "test"),
                          help="which part (default: all of a file, the test part of a config)")  # fmt: skip
    evaluate.add_argument("--errors", type=int, default=10, metavar="N", help="errors to show (default: 10)")
    evaluate.add_argument("--out", metavar="FOLDER", help="write metrics.json, predictions.parquet, report.html")
    evaluate.set_defaults(command="evaluate")

    export = commands.add_parser("export", help="make a trained transformer run without torch")
    export.add_argument("run", metavar="RUN", help="a run or model folder of kind transformer")
    export.add_argument("--format", choices=("int8", "onnx"), default="int8", help="default: int8")
    export.add_argument("--out", metavar="FOLDER", help="default: RUN-int8 or RUN-onnx")
    export.set_defaults(command="export")

    data = commands.add_parser("data", help="build, check or show labelled sentences")
    actions = data.add_subparsers(title="actions", metavar="ACTION")
    build = actions.add_parser("build", help="read, check and split what a config names")
    build.add_argument("config", metavar="CONFIG")
    build.add_argument("--out", required=True, metavar="FOLDER", help="for train, validation and test .parquet")
    build.set_defaults(command="data_build")
    hydrate = actions.add_parser("hydrate", help="bring the texts of stand-off labels from your own copies")
    hydrate.add_argument("labels", metavar="LABELS", help="a stand-off file, or a folder of them: data/standoff")
    hydrate.add_argument("--from", dest="texts", nargs="+", action="extend", default=[], metavar="PLACE",
                         help="folders of clones (owner/name or name), JSONL files with a text column; "
                              "installed packages are found without")  # fmt: skip
    hydrate.add_argument("--out", default="data/hydrated", metavar="FOLDER", help="default: data/hydrated")
    hydrate.set_defaults(command="data_hydrate")
    check = actions.add_parser("check", help="list everything wrong, with file and row; exit code 1 on errors")
    check.add_argument("source", metavar="CONFIG|FILE|FOLDER")
    check.set_defaults(command="data_check")
    show = actions.add_parser("show", help="count labels, targets and lengths, and show some sentences")
    show.add_argument("source", metavar="CONFIG|FILE|FOLDER")
    show.add_argument("-n", type=int, default=5, metavar="N", help="sentences to show (default: 5)")
    show.add_argument("--html", metavar="FILE", help="write statistics and plots as one page")
    show.set_defaults(command="data_show")
    return parser


def _add_prediction_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--target", default="missile defence", metavar="T", help="default: missile defence")
    parser.add_argument("--model", metavar="M", help="small, large, a run folder or a hub name (default: small)")
    parser.add_argument("--format", choices=("table", "jsonl"), default="table")


if __name__ == "__main__":
    sys.exit(main())
