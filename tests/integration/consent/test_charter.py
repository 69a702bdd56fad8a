"""What the charter provides for is on record: the tool that is seen, and the undertaking."""

from tests.integration.consent.stage import BASTIEN, LUCIE, Stage

OLD = {"reason": "old-version", "words": "Version 11, <b>installée</b> depuis longtemps"}
SHOWN = "Version 11, &lt;b&gt;installée&lt;/b&gt; depuis longtemps"


async def test_a_tool_that_is_not_the_charters_is_reported_and_the_adherent_warned_at_once(
    stage: Stage,
) -> None:
    assistant, adherent, session = await stage.accepted()
    for _ in range(2):
        assert (await assistant.do(session, "report-tool", **OLD)).status_code == 200
    page = (await adherent.look()).text
    assert page.count("Une version trop ancienne") == page.count(SHOWN) == 1
    assert page.index("ce n’est pas ce qui est prévu") < page.index("Retirer mon accord")
    entry = next(
        e for e in await stage.entries(session) if e.draft.type == "charter-warning-served"
    )
    assert (entry.draft.reason, entry.draft.actor) == ("old-version", "assistant")
    assert b"installe" not in entry.content
    await assistant.do(session, "start")
    assert SHOWN in (await adherent.look()).text
    await adherent.do("stop")
    assert SHOWN not in (await adherent.look()).text


async def test_nobody_else_warns_nor_before_there_is_anything_to_see(stage: Stage) -> None:
    assistant, _, session = await stage.accepted()
    other = await stage.assistant(BASTIEN)
    assert (await other.do(session, "report-tool", **OLD)).status_code == 404
    offered = (await assistant.offer()).json()["session_id"]
    assert (await assistant.do(offered, "report-tool", **OLD)).status_code == 409
    unknown = await assistant.do(session, "report-tool", reason="other", words="Rien")
    assert unknown.status_code == 422
    assert "charter-warning-served" not in await stage.types(session)


async def test_the_assistants_page_has_the_form_for_it(stage: Stage) -> None:
    _, adherent, session = await stage.accepted(LUCIE)
    desk = await stage.at_desk(LUCIE)
    sent = await desk.do(f"/assistant/sessions/{session}", "report-tool", **OLD)
    assert sent.status_code == 303
    assert SHOWN in (await adherent.look()).text
    assert "Vous avez signalé que l’outil" in (await desk.http.get(sent.headers["location"])).text


async def test_who_enters_a_session_does_so_under_the_undertaking_in_force(stage: Stage) -> None:
    offered = (await (await stage.assistant()).offer()).json()["session_id"]
    first = (await stage.entries(offered))[0].draft
    assert (first.type, first.facts["undertaking"]) == ("offered", "confidentialite-1")
