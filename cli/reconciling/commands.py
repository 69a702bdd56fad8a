"""`aiguillage evidence reconcile`: matches the remote tool's report with the authorization log."""

import asyncio
import contextlib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final, NoReturn

import structlog
import typer
from pydantic import SecretStr

from cli.askers import OPERATOR, As, Asker, NotAnOfficer
from cli.reconciling import showing
from cli.reconciling.asking import Ask, NotGiven
from cli.reconciling.matching import Equipment, match
from deploy.local.folders import Folders
from desk import Desk, DeskError, load_desk
from runtime.failures import Unavailable
from runtime.keys import KeyUnusable
from runtime.settings import MongoSettings
from services.consent.domain.entry import Uncoded
from services.consent.domain.practice import DEFAULT_LEGAL_BASIS
from services.consent.gateway.report_api import ReportNotFetched
from services.consent.gateway.report_csv import NotAReport
from services.consent.handlers.reconciling import MOST_NEW, TooManyFindings
from services.consent.handlers.taking_in import Refused

_EX_USAGE: Final = 2
_DESK: Final = Path("deploy/desk")

File = Annotated[
    Path | None, typer.Argument(metavar="[FILE.csv]", help="The report that was exported.")
]
Api = Annotated[str | None, typer.Option(metavar="URL", help="The Web API's address.")]
TokenFile = Annotated[Path | None, typer.Option(metavar="FILE", help="Holds the script token.")]
Since = Annotated[
    datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="First day of the report.")
]
Until = Annotated[
    datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="Last day, included.")
]
MongoUri = Annotated[str, typer.Option(envvar="CONSENT_MONGO__URI")]
Database = Annotated[str, typer.Option(envvar="CONSENT_MONGO__DATABASE")]
DeskDir = Annotated[
    Path, typer.Option("--desk", envvar="CONSENT_DESK_DIR", help="Folder of the desk's files.")
]
Keys = Annotated[
    Path | None,
    typer.Option(
        envvar="CONSENT_KEYS_DIR", help="Folder of keys; the local system's if not given."
    ),
]
LegalBasis = Annotated[
    str, typer.Option(envvar="CONSENT_LEGAL_BASIS", help="What the entries state, as a code.")
]
LeaveOut = Annotated[
    bool, typer.Option("--leave-out-unreadable", help="Take the rest, and record how many.")
]
MostNew = Annotated[int, typer.Option(min=1, help="New findings beyond which none is recorded.")]


def reconcile(  # noqa: PLR0913 - each is an option
    file: File = None,
    *,
    api: Api = None,
    token_file: TokenFile = None,
    since: Since = None,
    until: Until = None,
    mongo_uri: MongoUri,
    database: Database,
    desk_dir: DeskDir = _DESK,
    keys: Keys = None,
    reader: As = OPERATOR,
    legal_basis: LegalBasis = DEFAULT_LEGAL_BASIS,
    leave_out: LeaveOut = False,
    most_new: MostNew = MOST_NEW,
) -> None:
    """
    Match the remote tool's connection report with the log, and record what does not fit.

    Takes TeamViewer's CSV export, or asks its Web API. The DPO is told of each connection without
    authorization, longer than authorized, or by somebody who is not declared. Rows that cannot be
    read are shown, and nothing of the report is taken. A second run finds nothing new.

    Give --from and --to with a file, too: authorizations are looked for in these days. Without them
    only from its first connection to its last, so that a quiet day is not looked at.
    """
    try:
        asker = Asker.of(reader)
    except NotAnOfficer as error:
        _fail(str(error), code=_EX_USAGE)
    ask = Ask(
        file=file,
        api=api,
        token_file=token_file,
        since=since,
        until=until,
        leave_out=leave_out,
        most_new=most_new,
        asker=asker,
    )
    with _said(ask), _few_words():
        ask.check()
        equipment = Equipment(
            desk=_declared(desk_dir),
            keys=keys or Folders.of_project().keys,
            mongo=MongoSettings(uri=SecretStr(mongo_uri), database=database),
            legal_basis=legal_basis,
        )
        outcome = asyncio.run(match(ask, equipment))
    for line in showing.outcome(outcome, ask.where):
        typer.echo(line)


def _declared(desk_dir: Path) -> Desk:
    desk = load_desk(desk_dir)
    if not any(one.tool_users for one in desk.assistants.values()):
        raise NotGiven(f"{desk_dir / 'assistants.yaml'}: no assistant has tool_users")
    return desk


@contextlib.contextmanager
def _said(ask: Ask) -> Iterator[None]:
    """Say in a line what went wrong, and end with its exit status."""
    try:
        yield
    except (NotGiven, NotAnOfficer) as error:
        _fail(str(error), code=_EX_USAGE)
    except Uncoded as error:
        _fail(f"not a code: {error}", code=_EX_USAGE)
    except Refused as refused:
        _fail(showing.refusal(refused, ask.where))
    except Unavailable as error:
        _fail(f"{error.what} is away: run it again, what is on record stays")
    except (DeskError, KeyUnusable, ReportNotFetched) as error:
        _fail(str(error))
    except NotAReport as error:
        _fail(f"{ask.where}: {error}")
    except OSError as error:
        _fail(f"{ask.where}: {type(error).__name__}")
    except TooManyFindings:
        _fail(
            f"more than {ask.most_new} new findings: none is recorded. Are tool_users and the zone "
            "declared right? Else --most-new"
        )


@contextlib.contextmanager
def _few_words() -> Iterator[None]:
    """Keep the recorder's own lines off the terminal: the command says what it did."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger("error"))
    try:
        yield
    finally:
        structlog.configure(**before)


def _fail(why: str, *, code: int = 1) -> NoReturn:
    typer.echo(why, err=True)
    raise typer.Exit(code=code)
