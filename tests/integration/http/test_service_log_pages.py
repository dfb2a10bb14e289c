"""The page of what a service writes: its end, the way to any line, a search that leads to lines, and a file."""

from __future__ import annotations

from sqlalchemy import update

from headway.features.services.pages.output import PAGE as LOG
from headway.infra.db.tables.services import services
from tests.integration.http.page_visits import person
from tests.integration.http.test_service_logs import Shop, out_of_reach, shop, writing
from tests.integration.http.world import World

__all__ = ["shop"]


async def test_the_page_shows_the_end_and_leads_to_the_rest(shop: Shop) -> None:
    shop.writes("".join(f"line {number}\n" for number in range(1, 451)))
    ann, ids = await person(shop.world), {"serviceId": shop.application}
    path = f"/services/{shop.application}/log"
    seen = await ann.see(LOG, ids=ids)
    assert "450 lines" in seen.text
    assert 'id="L450"' in seen.html
    assert 'id="L250"' not in seen.html
    assert seen.links["Earlier"] == f"{path}?line=51#log"
    assert seen.links["Beginning"] == f"{path}?line=1#log"
    assert seen.links["Download the whole log"] == f"/api/service.log?serviceId={shop.application}"
    assert seen.links["Without colours"] == f"/api/service.log?serviceId={shop.application}&plain=true"
    assert f'data-lines="/api/service.logLines?serviceId={shop.application}"' in seen.html
    assert f'data-find="/api/service.findInLog?serviceId={shop.application}"' in seen.html
    assert 'data-follow-lines=""' in seen.html
    assert "log.js" in seen.html
    assert "data-pull" in seen.html
    middle = await ann.see(LOG, "lines", ids, line="201")
    assert ('id="L201"' in middle.html, 'id="L400"' in middle.html, 'id="L401"' in middle.html) == (True, True, False)
    assert "data-pull" not in middle.html, "who reads a part of it is left alone"


async def test_a_search_leads_to_the_lines_and_hides_none(shop: Shop) -> None:
    shop.writes("".join(f"line {number}\n" for number in range(1, 450)) + "<b>Error</b>\n")
    seen = await (await person(shop.world)).see(LOG, ids={"serviceId": shop.application}, find="error")
    assert "1 line has “error”." in seen.text
    assert f'href="/services/{shop.application}/log?line=450#L450"' in seen.html
    assert "<b>" not in seen.html
    assert 'id="L449"' in seen.html
    nothing = await (await person(shop.world)).see(LOG, ids={"serviceId": shop.application}, find="nowhere")
    assert "No line holds “nowhere”." in nothing.text
    exact = await (await person(shop.world)).see(LOG, ids={"serviceId": shop.application}, find="error", case="true")
    assert "No line holds “error”." in exact.text
    assert ('name="case" value="true" checked' in exact.html, 'name="regex"' in exact.html) == (True, False)


async def test_the_page_of_several_processes_leads_to_each(world: World) -> None:
    shop = await writing(world, "web", "worker")
    shop.writes("GET /\n")
    shop.writes("sent a mail\n", "worker")
    ann, ids = await person(world), {"serviceId": shop.application}
    seen = await ann.see(LOG, ids=ids)
    path = f"/services/{shop.application}/log"
    assert (seen.links["web"], seen.links["worker"]) == (f"{path}?of=web", f"{path}?of=worker")
    assert ("GET /" in seen.text, "sent a mail" in seen.text) == (True, False)
    other = await ann.see(LOG, ids=ids, of="worker", find="mail")
    assert "sent a mail" in other.text
    assert f'href="{path}?of=worker&amp;line=1#L1"' in other.html
    assert '<input type="hidden" name="of" value="worker">' in other.html
    assert f'data-lines="/api/service.logLines?serviceId={shop.application}&amp;of=worker"' in other.html
    gone = await ann.see(LOG, ids=ids, of="cron")
    assert "GET /" in gone.text, "what does not run any more is no dead page"


async def test_the_page_of_what_was_stopped_shows_what_it_wrote(shop: Shop) -> None:
    shop.writes("last words\n")
    of_it = services.c.service_id == shop.application
    await shop.world.services.db.run(lambda tx: tx.execute(update(services).where(of_it).values(wanted="down")))
    seen = await (await person(shop.world)).see(LOG, ids={"serviceId": shop.application})
    assert "last words" in seen.text
    assert "data-pull" not in seen.html
    assert (await shop.get("logLines"))["ended"] is True


async def test_the_page_of_what_is_out_of_reach_says_so(shop: Shop) -> None:
    await out_of_reach(shop)
    seen = await (await person(shop.world)).see(LOG, ids={"serviceId": shop.application})
    assert "unknown because" in seen.text
    assert "data-log" in seen.html, "a script asks for it again"
