"""A real Chromium, launched for one test."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from playwright.async_api import Browser, Error, Playwright, async_playwright

from deploy.local.browser import Chromium

TRIES: Final = 3


@asynccontextmanager
async def launched(chromium: Chromium) -> AsyncIterator[Browser]:
    """Yield a browser of one's own."""
    async with async_playwright() as playwright:
        browser = await _launch(playwright, chromium)
        try:
            yield browser
        finally:
            await browser.close()


async def _launch(playwright: Playwright, chromium: Chromium) -> Browser:
    # As one process, which is how it runs without a sandbox of its own, it may die at its start.
    for _ in range(TRIES - 1):
        try:
            return await playwright.chromium.launch(**chromium.launch)
        except Error as error:
            print(f"launched again: {type(error).__name__}")  # noqa: T201
    return await playwright.chromium.launch(**chromium.launch)
