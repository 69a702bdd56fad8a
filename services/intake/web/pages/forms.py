"""Takes a filled form: refuses with its answers kept, or puts the request in and redirects."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID, uuid4

from litestar.response import Redirect

from desk import Desk
from desk.facts import Source
from runtime.failures import Unavailable
from runtime.keys import keyed_hash
from runtime.problems import RETRY_AFTER_S
from services.intake.domain.request import incoming_of
from services.intake.domain.submission import Submission
from services.intake.handlers.acceptance import Acceptance
from services.intake.web.pages.declared import Declared, Form
from services.intake.web.pages.reading import Errors, Values, read_form, read_form_id
from services.intake.web.pages.rendering import HEADERS, Page, Pages

_ID_DIGITS: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Counter:
    """One kind of form's way in: as which source, and where to go after."""

    source: Source
    done: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FormDesk:
    """Shows forms and takes them."""

    desk: Desk
    pages: Pages
    declared: Declared
    acceptance: Acceptance
    key: bytes

    def show(self, form: Form, *, csrf: str | None = None) -> Page:
        """Return the empty form, with an id of its own so that sending it twice is once."""
        return self._page(form, {}, csrf=csrf)

    async def take(
        self,
        form: Form,
        values: Values,
        counter: Counter,
        *,
        csrf: str | None = None,
        may_pass: Callable[[], bool] = lambda: True,
    ) -> Page | Redirect:
        """
        Return the way to the tracking number, or the form again with what is wrong.

        ``may_pass`` is asked last, of a form that could be sent on: a mistake costs nothing.
        """
        said = self.declared.messages
        read = read_form(form, values, self._choice_ids())
        if isinstance(read, dict):
            return self._page(form, values, errors=read, csrf=csrf, status=422)
        form_id = read_form_id(values)
        if form_id is None:
            return self._page(form, values, message=said.stale, csrf=csrf, status=422)
        if not may_pass():
            return self._page(form, values, message=said.busy, csrf=csrf, status=429)
        incoming = incoming_of(counter.source, self._source_id(form_id, read), read)
        try:
            accepted = await self.acceptance.accept(incoming)
        except Unavailable:
            return self._page(form, values, message=said.away, csrf=csrf, status=503)
        target = f"{counter.done}/{accepted.request_id}"
        return Redirect(target, status_code=303, headers=dict(HEADERS))

    def _source_id(self, form_id: UUID, submission: Submission) -> str:
        # With the content in it: a text corrected after a refusal is another request.
        content = submission.model_dump_json(exclude_none=True)
        return f"{form_id}.{keyed_hash(self.key, 'form', content)[:_ID_DIGITS]}"

    def _page(
        self,
        form: Form,
        values: Values,
        *,
        errors: Errors | None = None,
        message: str = "",
        csrf: str | None = None,
        status: int = 200,
    ) -> Page:
        waits = status in {429, 503}
        variables: dict[str, Any] = {
            "form": form,
            "form_id": read_form_id(values) or uuid4(),
            "values": values,
            "errors": errors or {},
            "message": message,
            "csrf": csrf,
            "choices": self._choices(),
        }
        headers = {"Retry-After": str(RETRY_AFTER_S)} if waits else {}
        return self.pages.page("formulaire", status=status, headers=headers, **variables)

    def _choices(self) -> Mapping[str, Any]:
        return {
            "service": tuple(self.desk.services.values()),
            "profile": tuple(self.desk.profiles.values()),
        }

    def _choice_ids(self) -> Mapping[str, frozenset[str]]:
        return {
            "service": frozenset(self.desk.services),
            "profile": frozenset(self.desk.profiles),
        }
