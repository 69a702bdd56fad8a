"""Routes that anyone may use: the Assistance page, the two forms, the tracking number."""

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.response import Redirect

from schemas.requests import tracking_number
from services.intake.domain.refusal import Unacceptable
from services.intake.web.pages.clients import FormLimits
from services.intake.web.pages.declared import Form
from services.intake.web.pages.forms import Counter, FormDesk
from services.intake.web.pages.reading import read_values
from services.intake.web.pages.rendering import STYLE, Page
from services.intake.web.refusals import to_problem

AnyRequest = Request[Any, Any, Any]


def public_routes(forms: FormDesk, counter: Counter, limits: FormLimits) -> list[HTTPRouteHandler]:
    """Return the public pages' routes."""

    @get("/", include_in_schema=False)
    async def front() -> Page:
        return forms.pages.front()

    @get("/assistance.css", include_in_schema=False)
    async def style() -> Response[bytes]:
        headers = {"Cache-Control": "max-age=3600", "X-Content-Type-Options": "nosniff"}
        return Response(STYLE, media_type="text/css; charset=utf-8", headers=headers)

    @get("/demande/recue/{request_id:str}", include_in_schema=False)
    async def received(request_id: str) -> Page:
        return show_tracking(forms, request_id, call=False)

    public = [forms.declared.forms["marche"], forms.declared.forms["generale"]]
    routes = [route for form in public for route in _form_routes(forms, form, counter, limits)]
    return [front, style, received, *routes]


def show_tracking(forms: FormDesk, request_id: str, *, call: bool) -> Page:
    """Return the page with the tracking number that the id in the address has."""
    try:
        tracking = tracking_number(UUID(request_id))
    except ValueError:
        return forms.pages.page("absente", status=404)
    return forms.pages.page("recue", tracking=tracking, call=call)


def _form_routes(
    forms: FormDesk, form: Form, counter: Counter, limits: FormLimits
) -> list[HTTPRouteHandler]:
    @get(form.action, name=f"show-{form.name}", include_in_schema=False)
    async def show() -> Page:
        return forms.show(form)

    @post(form.action, name=f"take-{form.name}", include_in_schema=False)
    async def take(request: AnyRequest) -> Response[Any]:
        try:
            values = await read_values(request)
        except Unacceptable as error:
            raise to_problem(error) from None
        taken: Page | Redirect = await forms.take(
            form, values, counter, may_pass=lambda: limits.take(request)
        )
        return taken

    return [show, take]
