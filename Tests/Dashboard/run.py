#!/usr/bin/python3
"""The dashboard in headless Chromium: on a real service with PostgreSQL and the example application, and on 100 made-up features.

    make test-dashboard
    /usr/bin/python3 Tests/Dashboard/run.py --doorbell PATH [--shots FOLDER]     keeps pictures there

Standard library only. Exit code 0: everything went as it should.
"""

import argparse
import os
import pathlib
import shutil
import signal
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from page import Page, contrast, palette, settle  # noqa: E402  (it makes examples/ known)
from check import expect, tried  # noqa: E402
from client import call  # noqa: E402
from demo import Demo, Failed, Signals, Stopped, program, tail  # noqa: E402
from fixture import TOKEN, Fixture  # noqa: E402
from websocket import WebSocket  # noqa: E402

SECRET = "test-dashboard-0123456789"
FEATURE = "notifications"
PAGES = ["#/", "#/features", "#/connections", "#/tail", "#/audit"]
ROWS = "document.querySelectorAll('main tbody tr').length"


class Flow:
    """One page on one service, from the first look to the service's end."""

    def __init__(self, demo, page, shots):
        self.demo, self.page, self.shots = demo, page, shots
        self.url = f"{demo.admin}/dashboard/"

    def shot(self, name):
        if self.shots:
            settle()
            self.page.screenshot(self.shots / f"{name}.png")

    # --- Steps, in order

    def overview(self):
        """the overview shows live figures, and asks nobody else for anything"""
        page = self.page
        page.open(self.demo.admin + "/")
        expect(page.value("location.pathname") == "/dashboard/", page.value("location.href"))
        page.until("capture to be live", "document.querySelector('.card dd')?.textContent === 'live'")
        page.until("it to be up to date", "document.querySelector('#freshness').innerText.includes('Up to date')")
        page.until("the five features", "document.querySelector('main').innerText.includes('5 push')")
        # Polls are seen within two looks, as a rate.
        def polled():
            call(f"{self.demo.url}/api/notifications")
            return page.value("Number([...document.querySelectorAll('.card')].find((each) => each.innerText.includes('Polled')).children[1].textContent) > 0")
        page.wait("polls to be shown", polled)
        page.until("a curve", "document.querySelector('figure path.curve')")
        others = [each for each in page.requests if not each.startswith((self.demo.admin, "about:", "data:"))]
        expect(not others, f"it has asked others: {others[:3]}")
        self.shot("overview")
        return f"{len(page.requests)} requests, all to the admin port"

    def locked(self):
        """without the token nothing can be moved, and the page says what is missing"""
        page = self.page
        answer = call(f"{self.demo.admin}/stages/{FEATURE}", {"stage": "observe"})
        expect(answer.status == 401, f"{answer.status}")
        page.open(f"{self.url}#/features/{FEATURE}")
        page.until("the stage", "document.querySelector('.steps [aria-current]')?.textContent === 'push'")
        page.press("m")
        page.until("a dialog", "document.querySelector('dialog[open]')?.innerText.includes('Admin token')")
        page.type("not-the-token-at-all")
        page.press("Enter")
        page.until("a refusal", "document.querySelector('dialog [role=alert]').innerText.includes('Refused: this is not the admin token')")
        self.shot("refused")
        wrong = page.audit()
        expect(not wrong, f"{wrong}")
        page.press("Escape")
        page.until("the dialog to be gone", "!document.querySelector('dialog')")
        expect(page.value("sessionStorage.length") == 0, "a wrong token is kept")

    def keyboard(self):
        """by keys alone a feature is moved to canary 5 %, with what will happen, a reason and a name"""
        page = self.page
        page.open(self.url)
        page.press("g", "f")
        page.until("the features", "location.hash === '#/features'")
        page.until("five rows", f"{ROWS} === 5")
        page.tab_to(f"a[href='#/features/{FEATURE}']")
        outline = page.value("getComputedStyle(document.activeElement).outlineStyle")
        expect(outline != "none", "the focus cannot be seen")
        page.press("Enter")
        page.until("the feature", f"location.hash === '#/features/{FEATURE}'")
        page.until("its stage", "document.querySelector('.steps [aria-current]')?.textContent === 'push'")
        expect(page.value("document.activeElement.tagName") == "H1", "the focus is not at the new page's heading")
        page.tab_to("#move")
        page.press("Enter")
        page.until("the token to be asked for", "document.querySelector('dialog[open] input[type=password]')")
        page.type(SECRET)
        page.press("Enter")
        page.until("the step to be asked for", "document.querySelector('dialog[open]')?.innerText.includes('It is at push now.')")
        expect(page.value("sessionStorage.getItem('doorbell-admin-token')") == SECRET, "the token is not kept")
        expect(page.value("localStorage.getItem('doorbell-admin-token')") is None and SECRET not in page.value("location.href"), "the token is in the wrong place")
        expect(page.value("document.querySelector('dialog button[type=submit]').disabled"), "nothing is to be done yet")
        page.press("ArrowLeft")
        page.until("canary to be chosen", "document.querySelector('dialog [name=stage]:checked').value === 'canary'")
        page.until("what will happen", "document.querySelector('.happens').innerText.includes('5 % of the clients')")
        wrong = page.audit()
        expect(not wrong, f"{wrong}")
        self.shot("dialog")
        page.press("Tab")
        expect(page.value("document.activeElement.value") == "5", "it is not the share")
        # Without a reason it is not sent.
        page.press("Enter")
        page.until("the complaint", "document.querySelector('dialog [role=alert]').innerText.includes('Give a reason')")
        expect(page.value("document.activeElement.tagName") == "TEXTAREA", "the focus is not where the reason goes")
        page.type("first clients <b>")
        page.press("Tab")
        page.type("Ann")
        page.press("Enter")
        page.until("the stage to be shown", "document.querySelector('.steps [aria-current]')?.textContent === 'canary 5 %'")
        expect(page.text("#token-button") == "Unlocked", page.text("#token-button"))
        expect(page.value("!document.querySelector('dialog') && document.activeElement.id") == "move", "the focus is lost")
        page.until("it to be said", f"document.querySelector('#announcer').textContent === '{FEATURE} is at canary 5 %.'")
        page.until("the log", "document.querySelector('main').innerText.includes('first clients <b>')")
        log = call(f"{self.demo.admin}/stages/history?feature={FEATURE}").json["audit"]
        expect([(each["to"], each["percent"], each["by"], each["why"]) for each in log] == [("canary", 5, "Ann (dashboard)", "first clients <b>")], f"{log}")
        page.wait("polls to tell it", lambda: call(f"{self.demo.admin}/status").json["features"][0]["percent"] == 5)
        self.shot("feature")

    def overtaken(self):
        """who was slower than somebody else is refused, and nothing is changed"""
        page = self.page
        page.press("m")
        page.until("the step to be asked for", "document.querySelector('dialog[open]')?.innerText.includes('canary 5 % now')")
        self.demo.psql(f"select doorbell.set_stage('{FEATURE}', 'shadow', why => 'by hand')")
        page.press("ArrowLeft")
        page.tab_to("dialog textarea")
        page.type("too late")
        page.tab_to("dialog button[type=submit]")
        page.press("Enter")
        page.until("the refusal", "document.querySelector('dialog [role=alert]').innerText.startsWith('Refused: ')")
        told = page.text("dialog [role=alert]")
        expect("Nothing was changed" in told, told)
        page.press("Escape")
        page.until("what holds", "document.querySelector('.steps [aria-current]')?.textContent === 'shadow'")

    def audit_log(self):
        """the audit log has both steps, newest first, and finds one"""
        page = self.page
        page.press("g", "a")
        page.until("two steps", f"location.hash === '#/audit' && {ROWS} === 2")
        first = page.text("main tbody tr")
        expect("by hand" in first and "shadow" in first, first)
        page.press("/")
        page.type("ann (dash")
        page.until("one step", f"{ROWS} === 1")
        expect("first clients <b>" in page.text("main tbody tr"), page.text("main tbody"))

    def parity(self):
        """a change that push would have missed is shown with its difference"""
        demo, page = self.demo, self.page
        demo.psql("insert into notifications (kind, body) values ('info', 'As it was')")
        page.open(f"{self.url}#/features/{FEATURE}")
        def found():
            """Quiet polls first, so that what differs is no noise; then a change that no trigger sees."""
            for _ in range(8):
                call(f"{demo.url}/api/notifications")
                time.sleep(0.1)
            demo.psql("alter table notifications disable trigger user; update notifications set body = body || '!' where body like 'As it was%'; alter table notifications enable trigger user")
            call(f"{demo.url}/api/notifications")
            return call(f"{demo.admin}/parity/{FEATURE}").json["counts"]["missed"] > 0
        page.wait("parity to find it", found)
        page.until("the sample", "document.querySelector('.sample')?.innerText.includes('missed')")
        expect("As it was" in page.text(".sample del") and "As it was" in page.text(".sample ins"), page.text(".sample"))
        page.tab_to(".sample summary")
        page.press("Enter")
        page.until("both answers", "document.querySelector('.sample pre ins')?.innerText.includes('As it was')")
        page.value("document.querySelector('#samples').scrollIntoView()")
        self.shot("parity")

    def plots(self):
        """the comparison draws what was counted, with its figures as text and as a table"""
        page = self.page
        call(f"{self.demo.url}/api/notifications")
        page.open(f"{self.url}#/features/{FEATURE}")
        page.until("a curve of polls", "[...document.querySelectorAll('figure')].find((each) => each.innerText.startsWith('Requests'))?.querySelector('path.poll')")
        label = page.value("document.querySelector('figure svg[role=img]').getAttribute('aria-label')")
        expect("requests" in label and any(letter.isdigit() for letter in label), label)
        page.tab_to("figure summary")
        page.press("Enter")
        page.until("the table", "document.querySelector('figure details[open] tbody tr')")
        page.value("document.querySelector('#comparison').scrollIntoView()")
        self.shot("plots")
        return label

    def live_tail(self):
        """the tail shows a change that was just made: what it holds to those with the token, to others not"""
        page, demo = self.page, self.demo
        demo = self.demo
        client = WebSocket(f"{demo.url}/_doorbell/ws", headers={"User-Agent": "a client <b>"}, protocols=["doorbell.v1"])
        try:
            return self.tail_of(client)
        finally:
            client.close()

    def tail_of(self, client):
        page, demo = self.page, self.demo
        client.send({"type": "subscribe", "channel": "notifications"})
        while client.receive()["type"] != "subscribed":
            pass
        page.open(f"{self.url}#/connections")
        page.until("the client", f"{ROWS} === 1 && document.querySelector('main tbody').innerText.includes('a client <b>')")
        page.open(f"{self.url}#/tail")
        page.until("it to watch", "document.querySelector('main').innerText.includes('Watching.')")
        began = time.monotonic()
        demo.psql("insert into notifications (kind, body) values ('urgent', 'Look at the tail')")
        page.until("the change", "document.querySelector('main tbody')?.innerText.includes('Look at the tail')")
        took = time.monotonic() - began
        page.until("who was told", "[...document.querySelectorAll('main tbody tr')].some((each) => each.innerText.includes('Look at the tail') && each.innerText.includes('1 client,'))")
        row = page.value("[...document.querySelectorAll('main tbody tr')].find((each) => each.innerText.includes('Look at the tail')).innerText")
        expect(FEATURE in row and "insert" in row, row)
        self.shot("tail")
        page.tab_to("main button[aria-pressed]")
        page.press("Enter")
        demo.psql("insert into notifications (kind, body) values ('info', 'While it is paused')")
        page.until("it to be counted", "/Paused; [1-9]/.test(document.querySelector('main').innerText)")
        page.press("Enter")
        page.value("sessionStorage.clear()")
        page.open(f"{self.url}#/tail")
        page.until("it to watch", "document.querySelector('main').innerText.includes('Watching.')")
        demo.psql("insert into notifications (kind, body) values ('info', 'For few eyes')")
        page.until("the change", "document.querySelector('main tbody').innerText.includes('insert')")
        expect("For few eyes" not in page.text(), "what it holds is shown without the token")
        return f"shown {took * 1000:.0f} ms after psql was started"

    def theme(self):
        """light and dark follow the system, or a key; nothing moves for those who want no motion"""
        page = self.page
        ground = "getComputedStyle(document.documentElement).backgroundColor"
        colours = {name: tuple(int(text[at:at + 2], 16) for at in (0, 2, 4)) for name, text in zip(("light", "dark"), palette()["ground"])}
        for scheme in ("dark", "light"):
            page.media(prefers_color_scheme=scheme, prefers_reduced_motion="reduce")
            page.open(self.url)
            expect(page.value(ground) == "rgb(%d, %d, %d)" % colours[scheme], f"{scheme}: {page.value(ground)}")
        expect(page.value("getComputedStyle(document.querySelector('nav a')).transitionDuration") == "0s", "there is motion")
        page.press("d", "d")
        expect(page.value(ground) == "rgb(%d, %d, %d)" % colours["dark"], page.value(ground))
        page.open(self.url)
        expect(page.value(ground) == "rgb(%d, %d, %d)" % colours["dark"], "it is forgotten")
        self.shot("dark")
        page.press("d")

    def pages(self):
        """every page is usable without seeing it, in light and dark, and fits a phone"""
        page, seen = self.page, 0
        for scheme in ("light", "dark"):
            page.media(prefers_color_scheme=scheme)
            for address in [*PAGES, f"#/features/{FEATURE}"]:
                page.open(self.url + address)
                page.until("figures", "document.querySelector('#freshness').innerText.includes('Up to date')")
                settle()
                wrong = page.audit()
                expect(not wrong, f"{address} in {scheme}: {wrong}")
                page.size(390, 844)
                settle(0.2)
                expect(page.value("document.documentElement.scrollWidth") <= 390, f"{address} is wider than a phone")
                page.size()
                expect(not page.complaints, f"{address}: {page.complaints}")
                seen += 1
        page.press("?")
        page.until("the shortcuts", "document.querySelector('dialog[open]')?.innerText.includes('live tail')")
        page.press("Escape")
        return f"{seen} times"

    def gone(self):
        """when the service is killed the page says since when, and goes on when it is back"""
        page, demo = self.page, self.demo
        page.media(prefers_color_scheme="light")
        page.open(self.url)
        page.until("figures", "document.querySelector('#freshness').innerText.includes('Up to date')")
        index, (_, process, _, _) = next((at, child) for at, child in enumerate(demo.children) if child[0] == "serve")
        process.send_signal(signal.SIGKILL)
        process.wait(20)
        del demo.children[index]
        page.until("the banner", "document.querySelector('#banner').innerText.includes('has not answered since')")
        expect("Figures of" in page.text("#freshness") and page.value("document.querySelector('main').classList.contains('stale')"), "old figures look new")
        self.shot("gone")
        demo.serve(lambda line: None)
        demo.until("Doorbell", lambda: call(f"{demo.url}/_doorbell/health/ready").status == 200)
        page.until("the banner to go", "document.querySelector('#banner').innerText === ''")
        page.until("figures", "document.querySelector('#freshness').innerText.includes('Up to date') && !document.querySelector('main').classList.contains('stale')")


class Many:
    """100 features and a week, from the fixture."""

    def __init__(self, page, shots):
        self.page, self.shots = page, shots
        self.fixture = Fixture()
        self.url = f"{self.fixture.url}/dashboard/"

    def shot(self, name):
        if self.shots:
            settle()
            self.page.screenshot(self.shots / f"{name}.png")

    def table(self):
        """100 features can be sorted and found, and stay where they are while figures change"""
        page = self.page
        page.open(f"{self.url}#/features")
        page.until("100 rows", f"{ROWS} === 100")
        page.until("rates", "/\\d/.test(document.querySelector('main td.number').textContent)")
        page.value("document.querySelectorAll('main tbody a')[50].focus()")
        name = page.value("document.activeElement.textContent")
        asked = len(self.fixture.server.sizes)
        page.wait("two looks", lambda: sum(path == "/status" for path, _ in self.fixture.server.sizes[asked:]) >= 2)
        expect(page.value("document.activeElement.textContent") == name, "the focus is lost")
        page.value("[...document.querySelectorAll('thead button')].find((each) => each.textContent === 'Parity').click()")
        expect(page.value("document.querySelectorAll('[aria-sort=ascending]').length") == 1, "it does not say how it is sorted")
        page.press("/")
        page.type("boards/66")
        page.until("one row", f"{ROWS} === 1")
        expect(page.text("[role=status]") == "1 of 100", page.text("[role=status]"))
        took = page.value("""(() => { const input = document.querySelector('[data-filter]'); const began = performance.now();
            input.value = ''; input.dispatchEvent(new Event('input')); document.body.offsetHeight; return performance.now() - began; })()""")
        expect(page.value(ROWS) == 100, "rows are missing")
        self.shot("features")
        return f"100 rows drawn in {took:.0f} ms"

    def week(self):
        """a week of figures is at most 300 points a curve"""
        page = self.page
        page.open(self.url)
        page.until("figures", "document.querySelector('#freshness').innerText.includes('Up to date')")
        page.value("document.querySelector('[name=range][value=\"7d\"]').click()")
        page.until("four curves", "document.querySelectorAll('figure')[0].querySelectorAll('path.curve').length === 4")
        page.until("all plots", "document.querySelectorAll('path.curve').length === 10")
        points = page.value("[...document.querySelectorAll('path.curve')].map((each) => each.getAttribute('d').split(/[ML]/).length - 1)")
        expect(points and 100 <= min(points) and max(points) <= 300, f"{points}")
        big = [size for path, size in self.fixture.server.sizes if path.startswith("/comparison") and "7d" in path][-1]
        page.value("document.querySelector('main details summary').click()")
        page.until("the dead letters", "document.querySelector('main details tbody').innerText.includes('is missing')")
        wrong = page.audit()
        expect(not wrong, f"{wrong}")
        page.value("document.querySelector('#curves').scrollIntoView()")
        self.shot("week")
        return f"{max(points)} points, {big // 1000} kB"

    def markup(self):
        """what people wrote is text, never markup"""
        page = self.page
        page.open(f"{self.url}#/audit")
        page.until("steps", f"{ROWS} === 200")
        expect("<b>&amp;</b>" in page.text("main tbody") and not page.value("document.querySelector('main tbody b')"), "it is markup")
        expect(not page.complaints, f"{page.complaints}")

    def hidden(self):
        """a page that nobody sees asks for nothing"""
        page = self.page
        page.open(self.url)
        page.until("figures", "document.querySelector('#freshness').innerText.includes('Up to date')")
        page.value("Object.defineProperty(document, 'hidden', { configurable: true, get: () => true }); document.dispatchEvent(new Event('visibilitychange'))")
        time.sleep(1)  # what was asked for before may still come
        asked = len(self.fixture.server.sizes)
        time.sleep(5)
        expect(len(self.fixture.server.sizes) == asked, f"{self.fixture.server.sizes[asked:]}")
        page.value("delete document.hidden; document.dispatchEvent(new Event('visibilitychange'))")
        page.wait("it to ask again", lambda: len(self.fixture.server.sizes) > asked)

    def partly(self):
        """what cannot be read is said, until it can be"""
        page, server = self.page, self.fixture.server
        server.broken.add("stages")
        page.open(f"{self.url}#/audit")
        page.until("the reason", "document.querySelector('#banner').innerText.includes('Some of this is not current: the database cannot be reached')")
        server.broken.clear()
        page.until("steps", f"{ROWS} === 200 && !document.querySelector('#banner').innerText")

    def closed(self):
        """where reading needs the token, it is asked for once, and then there are figures"""
        page, server = self.page, self.fixture.server
        server.is_locked = True
        try:
            page.open(self.url)
            page.until("the token to be asked for", "document.querySelector('dialog[open] input[type=password]')")
            page.press("Escape")
            asked = len(server.sizes)
            page.wait("it to ask again", lambda: len(server.sizes) > asked + 1)
            expect(not page.value("!!document.querySelector('dialog')"), "it nags")
            expect("Up to date" not in page.text("#freshness"), "nothing looks up to date")
            page.value("document.querySelector('#token-button').click()")
            page.until("the dialog", "document.querySelector('dialog[open] input[type=password]')")
            page.type(TOKEN)
            page.press("Enter")
            page.until("figures", "document.querySelector('.card dd')?.textContent === 'live'")
        finally:
            server.is_locked = False
            page.value("sessionStorage.clear()")

    def read_only(self):
        """without a token in the configuration the page only shows, and says how to set one"""
        page, server = self.page, self.fixture.server
        server.is_read_only = True
        try:
            page.open(f"{self.url}#/features/feature-050")
            page.until("it to be said", "document.querySelector('#move').disabled && document.querySelector('#move-note').innerText.includes('DOORBELL_ADMIN_TOKEN')")
            expect(page.text("#token-button") == "Read only", page.text("#token-button"))
            page.tab_to("#token-button")
            page.press("Enter")
            page.until("how", "document.querySelector('dialog[open]')?.innerText.includes('token: ${ADMIN_TOKEN}')")
            wrong = page.audit()
            expect(not wrong, f"{wrong}")
            page.press("Escape")
        finally:
            server.is_read_only = False

    def moved(self):
        """a step is sent with what the person saw, and the token in a header"""
        page = self.page
        page.value(f"sessionStorage.setItem('doorbell-admin-token', {TOKEN!r})")
        page.open(f"{self.url}#/features/feature-066")
        page.until("its stage", "document.querySelector('.steps [aria-current]')?.textContent === 'push'")
        page.until("the token to be known", "document.querySelector('#token-button').textContent === 'Unlocked'")
        page.press("m")
        page.until("the dialog", "document.querySelector('dialog[open] textarea')")
        page.press("ArrowRight")
        page.tab_to("dialog textarea")
        page.type("it is time")
        page.tab_to("dialog button[type=submit]")
        page.press("Enter")
        page.until("the stage to be shown", "document.querySelector('.steps [aria-current]')?.textContent === 'retired'")
        expect(not any(TOKEN in path for path, _ in self.fixture.server.sizes), "the token was part of a URL")


def colours():
    """every colour of text is readable on every ground it stands on, 4.5 to 1; curves and edges 3 to 1"""
    known = palette()
    text = {name: ("ground", "surface") for name in ("text", "muted", "accent", "good", "warn", "bad")}
    text |= {"on-accent": ("accent",), "good": ("good-ground", "ground", "surface"), "warn": ("warn-ground", "ground", "surface"), "bad": ("bad-ground", "ground", "surface")}
    lines = {name: ("ground",) for name in ("edge", "poll", "conditional", "held", "push")}
    lowest = {4.5: 99.0, 3: 99.0}
    for limit, pairs in ((4.5, text), (3, lines)):
        for name, grounds in pairs.items():
            for ground in grounds:
                for scheme in (0, 1):
                    got = contrast(known[name][scheme], known[ground][scheme])
                    expect(got >= limit, f"{name} on {ground}: {got:.2f}")
                    lowest[limit] = min(lowest[limit], got)
    return f"at least {lowest[4.5]:.2f} and {lowest[3]:.2f}"


def run(demo, shots):
    failures = not tried(colours.__doc__, colours)
    page = Page()
    try:
        flow = Flow(demo, page, shots)
        steps = [flow.overview, flow.locked, flow.keyboard, flow.overtaken, flow.audit_log, flow.parity, flow.plots, flow.live_tail, flow.theme, flow.pages, flow.gone]
        many = Many(page, shots)
        try:
            for step in [*steps, many.table, many.week, many.markup, many.hidden, many.partly, many.read_only, many.closed, many.moved]:
                failures += not tried(step.__doc__, step)
        finally:
            many.fixture.stop()
    finally:
        page.close()
    return 1 if failures else 0


def main():
    parser = argparse.ArgumentParser(description="The dashboard in headless Chromium.")
    parser.add_argument("--doorbell", required=True, type=pathlib.Path, metavar="PATH", help="the doorbell command")
    parser.add_argument("--shots", type=pathlib.Path, metavar="FOLDER", help="keep pictures there")
    options = parser.parse_args()
    if not any(map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))):
        print("skip  the dashboard in Chromium: it is not installed")
        return 0
    try:
        doorbell = program(options.doorbell)
    except Failed as failure:
        print(f"check: {failure}", file=sys.stderr)
        return 1
    if options.shots:
        options.shots.mkdir(parents=True, exist_ok=True)
    os.environ["DOORBELL_ADMIN_TOKEN"] = SECRET
    signals = Signals()
    with signals.hold():
        demo = Demo(doorbell, signals)
    status = 1
    try:
        demo.start(lambda line: None)
        status = run(demo, options.shots)
    except Stopped:
        print("\ncheck: stopping …", flush=True)
    except Failed as failure:
        print(f"check: {failure}", file=sys.stderr)
        if failure.log:
            tail(failure.log)
    finally:
        signals.over = True
        codes = demo.stop()
    if status == 0 and codes.get("serve") != 0:
        print(f"FAIL  Doorbell ended with {codes.get('serve')} after SIGTERM")
        status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
