"""A browser with the dashboard in it: keys, waiting, and what a person who cannot see it would find."""

import pathlib
import re
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "examples"))

from shot import Browser  # noqa: E402

CODES = {"Enter": (13, "\r"), "Tab": (9, ""), "Escape": (27, ""), "ArrowLeft": (37, ""), "ArrowRight": (39, ""), " ": (32, " ")}

# Runs in every page before anything else: what a script, the policy or an unhandled promise complains of is kept.
WATCH = """
    window.complaints = [];
    addEventListener('securitypolicyviolation', (e) => complaints.push('policy: ' + e.violatedDirective + ' ' + e.blockedURI));
    addEventListener('unhandledrejection', (e) => complaints.push('promise: ' + e.reason));
    const error = console.error;
    console.error = (...all) => { complaints.push('console: ' + all.join(' ')); error(...all); };
"""

# Every text with its colour and the nearest ground behind it, where the contrast is too little.
CONTRAST = """(() => {
    const rgb = (text) => { const all = text.match(/[\\d.]+/g).map(Number); return all.length < 4 ? [...all.slice(0, 3), 1] : all; };
    const light = (colour) => colour.slice(0, 3).map((part) => part / 255).map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
        .reduce((sum, part, index) => sum + part * [0.2126, 0.7152, 0.0722][index], 0);
    const ratio = (a, b) => { const [x, y] = [light(a), light(b)].sort((m, n) => n - m); return (x + 0.05) / (y + 0.05); };
    const ground = (node) => { for (; node; node = node.parentElement) { const c = rgb(getComputedStyle(node).backgroundColor); if (c[3] === 1) return c; } return [255, 255, 255, 1]; };
    const found = new Set();
    const walker = document.createTreeWalker(document.querySelector('dialog[open]') ?? document.body, NodeFilter.SHOW_TEXT);
    let seen = 0;
    while (walker.nextNode()) {
        const node = walker.currentNode.parentElement;
        if (!walker.currentNode.data.trim() || !node.checkVisibility() || node.closest('.unseen, .skip, script, noscript')) continue;
        const style = getComputedStyle(node);
        const colour = node.closest('svg') ? style.fill : style.color;
        seen += 1;
        const got = ratio(rgb(colour), ground(node));
        if (got < 4.5) found.add(`${got.toFixed(2)}: ${walker.currentNode.data.trim().slice(0, 40)}`);
    }
    return { seen, found: [...found] };
})()"""

STRUCTURE = """(() => {
    const wrong = [];
    const heads = [...(document.querySelector('dialog[open]') ?? document.querySelector('main')).querySelectorAll('h1, h2, h3, h4')].filter((each) => each.checkVisibility());
    if (!document.querySelector('dialog[open]') && heads.filter((each) => each.tagName === 'H1').length !== 1) wrong.push('not one h1');
    heads.reduce((before, each) => { const level = Number(each.tagName[1]); if (before && level > before + 1) wrong.push(`h${before} is followed by h${level}: ${each.textContent}`); return level; }, 0);
    const ids = [...document.querySelectorAll('[id]')].map((each) => each.id);
    ids.filter((id, index) => ids.indexOf(id) !== index).forEach((id) => wrong.push(`the id ${id} twice`));
    for (const each of document.querySelectorAll('[aria-labelledby], [aria-describedby], label[for]')) {
        for (const id of (each.getAttribute('aria-labelledby') ?? each.getAttribute('aria-describedby') ?? each.htmlFor).split(' ')) if (!document.getElementById(id)) wrong.push(`no ${id}`);
    }
    for (const each of document.querySelectorAll('svg')) if (!each.closest('[aria-hidden]') && !(each.getAttribute('role') === 'img' && each.getAttribute('aria-label')?.length > 20)) wrong.push('a picture without text');
    for (const each of document.querySelectorAll('table')) if (each.checkVisibility() && !each.caption && !each.closest('[aria-label]')) wrong.push('a table without a name');
    for (const each of document.querySelectorAll('th')) if (!each.scope) wrong.push(`a heading of nothing: ${each.textContent}`);
    if (!document.documentElement.lang) wrong.push('no language');
    return wrong;
})()"""


class Page(Browser):
    def __init__(self):
        super().__init__()
        self.command("Page.addScriptToEvaluateOnNewDocument", source=WATCH)
        self.command("Accessibility.enable")
        self.size()

    def size(self, width=1280, height=900):
        self.command("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def media(self, **features):
        self.command("Emulation.setEmulatedMedia", features=[{"name": name.replace("_", "-"), "value": value} for name, value in features.items()])

    def open(self, url):
        """A new document, whatever was open."""
        self.command("Page.navigate", url="about:blank")
        self.command("Page.navigate", url=url)
        self.wait(f"{url} to be shown", lambda: self.value("document.querySelector('main h1')?.textContent"))

    def text(self, selector="main"):
        return self.value(f"document.querySelector({selector!r})?.innerText ?? ''")

    def until(self, what, expression):
        self.wait(what, lambda: self.value(f"!!({expression})"))

    def press(self, *keys):
        for key in keys:
            number, text = CODES.get(key, (ord(key[0].upper()), key))
            common = {"key": key, "windowsVirtualKeyCode": number, "code": key if len(key) > 1 else ""}
            self.command("Input.dispatchKeyEvent", type="keyDown", text=text, **common)
            self.command("Input.dispatchKeyEvent", type="keyUp", **common)

    def type(self, text):
        self.command("Input.insertText", text=text)

    def tab_to(self, selector, most=80):
        """By the Tab key alone; what it comes to has to show that it has the focus."""
        for _ in range(most):
            self.press("Tab")
            if self.value(f"document.activeElement.matches({selector!r})"):
                return
        raise RuntimeError(f"Tab does not come to {selector}")

    @property
    def complaints(self):
        return [*self.errors, *(self.value("window.complaints") or [])]

    def audit(self):
        """What is wrong for people who do not see, or not well."""
        # Colours on their way from one to another say nothing.
        self.until("what moves to stand", "document.getAnimations().every((each) => each.playState !== 'running')")
        wrong = self.value(STRUCTURE)
        for node in self.command("Accessibility.getFullAXTree")["nodes"]:
            role = node.get("role", {}).get("value")
            name = node.get("name", {}).get("value", "").strip()
            if not node.get("ignored") and not name and role in (
                    "button", "link", "textbox", "searchbox", "spinbutton", "combobox", "radio", "img", "dialog", "navigation", "region", "heading"):
                wrong.append(f"a {role} without a name")
        contrast = self.value(CONTRAST)
        if contrast["seen"] < 5:
            wrong.append(f"only {contrast['seen']} texts were found")
        return wrong + contrast["found"]


def palette():
    """The style sheet's colours: {name: (light, dark)}."""
    text = (ROOT / "Sources/DoorbellDashboard/Files/style.css").read_text()
    return {name: pair for name, *pair in re.findall(r"--([\w-]+): light-dark\(#(\w{6}), #(\w{6})\);", text)}


def contrast(a, b):
    def light(colour):
        parts = [int(colour[at:at + 2], 16) / 255 for at in (0, 2, 4)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return sum(part * weight for part, weight in zip(linear, (0.2126, 0.7152, 0.0722)))
    high, low = sorted((light(a), light(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def settle(seconds=0.4):
    """For pictures only: nothing is tested by it."""
    time.sleep(seconds)
