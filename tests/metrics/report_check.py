#!/usr/bin/env python3
"""Opens reports in a browser without a window: fails if the console has an error or a warning, if anything is fetched, if a page
is wider than its window, or if zoom, hover, switches or sorting do not work.

    tests/metrics/report_check.py [--pages FOLDER] [--pictures docs/images] [BUILD]

BUILD is build/release; its program test_metrics writes the reports. With --pages, writes pictures of all pages, to be looked at; with
--pictures, those of docs/. Needs Debian's `chromium`; CI does without: tests/metrics/report_test.cpp tests what a report holds.
"""
import argparse
import base64
import json
import os
import pathlib
import select
import subprocess
import tempfile
import time

WIDTHS = (1280, 390)


class Browser:
    """Chromium, by its DevTools protocol through pipes: messages are JSON that ends in NUL."""

    def __init__(self, folder):
        to_browser, self.output = os.pipe()
        self.input, from_browser = os.pipe()
        self.buffer, self.last, self.events = b"", 0, []
        command = ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
                   "--no-first-run", "--disable-background-networking", "--remote-debugging-pipe", f"--user-data-dir={folder}/profile", "about:blank"]
        # The browser reads from descriptor 3 and writes to 4.
        shell = 'r=$1 w=$2; shift 2; eval "exec 8<&$r 9>&$w"; exec 3<&8 4>&9 8<&- 9>&-; exec "$@"'
        self.process = subprocess.Popen(["bash", "-c", shell, "bash", str(to_browser), str(from_browser), *command],
                                        pass_fds=(to_browser, from_browser), stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        os.close(to_browser)
        os.close(from_browser)
        target = self.call("Target.createTarget", url="about:blank", session=None)["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True, session=None)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(domain + ".enable")
        # DevTools sends no event for some errors: "ResizeObserver loop completed with undelivered notifications."
        self.call("Page.addScriptToEvaluateOnNewDocument",
                  source="window.seenErrors = []; addEventListener('error', (event) => seenErrors.push(event.message));")

    def close(self):
        self.call("Browser.close", session=None)
        self.process.wait(timeout=30)

    def receive(self, seconds):
        """The next message, or None if there is none for so long."""
        end = time.monotonic() + seconds
        while b"\0" not in self.buffer:
            ready, _, _ = select.select([self.input], [], [], max(0, end - time.monotonic()))
            if not ready:
                return None
            data = os.read(self.input, 1 << 20)
            if not data:
                raise RuntimeError("the browser has gone")
            self.buffer += data
        message, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(message)

    def call(self, method, session="", **parameters):
        self.last += 1
        message = {"id": self.last, "method": method, "params": parameters}
        if session is not None:
            message["sessionId"] = self.session
        os.write(self.output, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.receive(60)
            if answer is None:
                raise RuntimeError(f"no answer to {method}")
            if answer.get("id") == self.last:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)

    def evaluate(self, expression):
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, (expression, result["exceptionDetails"])
        return result["result"].get("value")

    def open(self, url, width, height=900, dark=False):
        self.events = []
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        self.call("Page.navigate", url=url)
        while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
            event = self.receive(60)
            assert event is not None, "the page did not load"
            self.events.append(event)
        self.settle()

    def settle(self):
        self.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def mouse(self, kind, x, y, buttons=0, clicks=1):
        button = "left" if buttons or kind == "mouseReleased" else "none"
        self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button=button, buttons=buttons, clickCount=clicks)

    def drag(self, x0, y0, x1, y1):
        self.mouse("mousePressed", x0, y0, 1)
        for i in range(1, 6):
            self.mouse("mouseMoved", x0 + (x1 - x0) * i / 5, y0 + (y1 - y0) * i / 5, 1)
        self.mouse("mouseReleased", x1, y1)
        self.settle()

    def double_click(self, x, y):
        for clicks in (1, 2):
            self.mouse("mousePressed", x, y, 1, clicks)
            self.mouse("mouseReleased", x, y, 0, clicks)
        self.settle()

    def box(self, selector):
        """Where an element is, after it was scrolled into sight."""
        return self.evaluate(f"""(() => {{ const node = document.querySelector({json.dumps(selector)});
            node.scrollIntoView({{block: 'center'}}); const box = node.getBoundingClientRect();
            return {{x: box.x, y: box.y, width: box.width, height: box.height}}; }})()""")

    def screenshot(self, path, selector="html", margin=0):
        clip = self.evaluate(f"""(() => {{ const box = document.querySelector({json.dumps(selector)}).getBoundingClientRect();
            return {{x: box.x + scrollX - {margin}, y: box.y + scrollY - {margin}, width: box.width + {2 * margin},
              height: box.height + {2 * margin}, scale: 1}}; }})()""")
        data = self.call("Page.captureScreenshot", captureBeyondViewport=True, clip=clip)["data"]
        pathlib.Path(path).write_bytes(base64.b64decode(data))


def check_quiet(browser, url):
    """No error, no warning, nothing fetched but the page."""
    while (event := browser.receive(0.2)) is not None:
        browser.events.append(event)
    for event in browser.events:
        method, parameters = event.get("method"), event.get("params", {})
        assert method != "Runtime.exceptionThrown", parameters
        assert method != "Runtime.consoleAPICalled", parameters
        assert method != "Log.entryAdded", parameters
        if method == "Network.requestWillBeSent":
            assert parameters["request"]["url"].split("#")[0] in (url, "data:,"), parameters["request"]["url"]
    errors = browser.evaluate("window.seenErrors")
    assert errors == [], errors


def check_that_it_fails(browser, folder):
    """What check_quiet is there to find, planted into the empty report, is found."""
    page = pathlib.Path(folder, "empty.html").read_text()
    for i, planted in enumerate(("console.error('planted')", "undefined_name()", "new Image().src = 'https://example.org/x.png'",
                                 "Promise.reject(new Error('planted'))",
                                 "new ResizeObserver(() => { document.body.style.height = `${document.body.clientHeight + 9}px`; }).observe(document.body)")):
        path = pathlib.Path(folder, f"planted{i}.html")
        path.write_text(page.replace("</body>", f"<script>{planted}</script></body>"))
        browser.open(path.as_uri(), 1280)
        try:
            check_quiet(browser, path.as_uri())
        except AssertionError:
            continue
        raise RuntimeError(f"{planted} was not found")


def check_layout(browser, width):
    wide = browser.evaluate("document.documentElement.scrollWidth")
    assert wide <= width, f"the page is {wide} pixels wide in a window of {width}"
    # Labels of the axes do not overlap.
    overlaps = browser.evaluate("""[...document.querySelectorAll('.plot > svg > g:first-of-type')].flatMap((axes) => {
      const boxes = [...axes.querySelectorAll('text')].map((text) => [text.textContent, text.getBoundingClientRect()]);
      return boxes.flatMap(([a, p], i) => boxes.slice(i + 1).filter(([, q]) =>
        p.left < q.right - 1 && q.left < p.right - 1 && p.top < q.bottom - 1 && q.top < p.bottom - 1).map(([b]) => a + ' | ' + b)); })""")
    assert not overlaps, overlaps


def check_texts(browser):
    """What the pages say about input that is cut or empty."""
    narrow = browser.evaluate("[...document.querySelectorAll('.plain td:not(.number)')].filter((cell) => cell.offsetWidth < 60).length")
    assert narrow == 0, f"{narrow} cells of tables are narrow"
    text = browser.evaluate("document.body.innerText")
    for part in ("1 wrong prediction; none is shown.", "None of 1 point is drawn.",
                 "the first 500 are shown", "3 of 10 values are not finite", "2 of 10 values are not above 0: a log scale cannot show them."):
        assert part in text, part
    assert "others \u2192" not in text and "\u2192 200 others" not in text


def ticks(browser, section):
    return browser.evaluate(f"[...document.querySelectorAll('#{section} .plot > svg > g:first-of-type text')].map((text) => text.textContent)")


def tip(browser):
    return browser.evaluate("document.getElementById('tip').hidden ? '' : document.getElementById('tip').innerText")


def check_plot(browser, kind, expected):
    section = browser.evaluate(f"document.querySelector('section[data-kind={kind}]').id")
    plot = browser.box(f"#{section} .plot")
    x, y = plot["x"] + plot["width"] * 0.5, plot["y"] + plot["height"] * 0.5
    before = ticks(browser, section)
    browser.mouse("mouseMoved", x, y)
    if kind == "embeddings":  # to a point
        point = browser.evaluate(f"""(() => {{ const label = document.querySelector('#{section} .label[text-anchor=start]').getBoundingClientRect();
            return [label.left - 6, label.top + label.height / 2]; }})()""")
        browser.mouse("mouseMoved", *point)
    shown = tip(browser)
    assert all(part in shown for part in expected), (kind, shown)
    browser.drag(x - plot["width"] * 0.2, y - plot["height"] * 0.2, x + plot["width"] * 0.1, y + plot["height"] * 0.2)
    zoomed = ticks(browser, section)
    assert zoomed != before and len(zoomed) > 4, (kind, before, zoomed)
    reset = f"document.querySelector('#{section} .controls button').hidden"
    assert browser.evaluate(reset) is False
    browser.double_click(x, y)
    assert ticks(browser, section) == before and browser.evaluate(reset) is True, (kind, ticks(browser, section), before)
    browser.drag(x, y, x + 3, y + 1)  # no drag at all
    assert ticks(browser, section) == before
    browser.mouse("mouseMoved", 1, 1)
    browser.settle()
    assert tip(browser) == "", tip(browser)
    return section


def check_classifier(browser):
    curves = check_plot(browser, "curves", ["step ", "train", "valid"])
    path = f"[...document.querySelectorAll('#{curves} .curve')].map((path) => path.getAttribute('d')).join()"
    before = browser.evaluate(path)
    browser.evaluate(f"document.querySelector('#{curves} input[type=checkbox]').click()")
    logarithmic = browser.evaluate(path)
    assert logarithmic != before
    browser.evaluate(f"""(() => {{ const slider = document.querySelector('#{curves} input[type=range]');
        slider.value = 0.9; slider.dispatchEvent(new Event('input')); }})()""")
    assert browser.evaluate(f"document.querySelectorAll('#{curves} .curve.faint').length") > 0
    plot = browser.box(f"#{curves} .plot")
    browser.mouse("mouseMoved", plot["x"] + plot["width"] / 2, plot["y"] + plot["height"] / 2)
    assert "smoothed" in tip(browser)
    browser.evaluate(f"document.querySelector('#{curves} .legend button').click()")
    browser.mouse("mouseMoved", plot["x"] + plot["width"] / 2 + 3, plot["y"] + plot["height"] / 2)
    assert "train" not in tip(browser) and "valid" in tip(browser), tip(browser)
    browser.evaluate(f"document.querySelector('#{curves} .plot').focus()")
    for _ in range(2):
        browser.call("Input.dispatchKeyEvent", type="keyDown", key="ArrowRight", code="ArrowRight")
    assert "step " in tip(browser)

    check_touch(browser)
    check_plot(browser, "embeddings", [","])
    cell = browser.box(".confusion td.right")
    browser.mouse("mouseMoved", cell["x"] + cell["width"] / 2, cell["y"] + cell["height"] / 2)
    assert "predicted" in tip(browser) and "7 of 9" in tip(browser), tip(browser)

    scores = "[...document.querySelectorAll('.examples tbody tr td:last-child')].map((cell) => parseFloat(cell.textContent))"
    wrong_first = browser.evaluate(scores)
    assert wrong_first[0] == 0.981 and wrong_first != sorted(wrong_first, reverse=True), wrong_first
    browser.evaluate("document.querySelector('.examples th:last-child button').click()")
    assert browser.evaluate(scores) == sorted(wrong_first, reverse=True)
    browser.evaluate("""(() => { const find = document.querySelector('section[data-kind=examples] input[type=search]');
        find.value = 'kangaroo'; find.dispatchEvent(new Event('input')); })()""")
    assert browser.evaluate("document.querySelectorAll('.examples tbody tr').length") == 1


def check_awkward(browser):
    assert browser.evaluate("document.querySelectorAll('img').length") == 0  # what is hostile is text
    assert browser.evaluate("document.querySelector('h1').textContent").endswith("</script><img src=x onerror=alert(1)><!-- & \"quoted\" 'so' \\")
    assert browser.evaluate("document.querySelectorAll('section').length") > 25
    marks = browser.evaluate("[...document.querySelectorAll('path')].filter((path) => /NaN|Infinity|undefined/.test(path.getAttribute('d'))).length")
    assert marks == 0, f"{marks} paths have no numbers"
    check_texts(browser)
    # Every plot is hovered over, zoomed and reset.
    for i in range(browser.evaluate("document.querySelectorAll('.plot').length")):
        browser.evaluate(f"document.querySelectorAll('.plot')[{i}].id = 'plot-{i}'")
        plot = browser.box(f"#plot-{i}")
        x, y = plot["x"] + plot["width"] * 0.5, plot["y"] + plot["height"] * 0.5
        browser.mouse("mouseMoved", x, y)
        browser.drag(x - 60, y - 60, x + 60, y + 60)
        browser.drag(x - 60, y - 60, x + 60, y + 60)
        browser.mouse("mouseMoved", x + 1, y)
        browser.double_click(x, y)


def check_touch(browser):
    """A finger on a plot: a tap shows values, a drag zooms."""
    def touch(kind, *points):
        browser.call("Input.dispatchTouchEvent", type=kind, touchPoints=[{"x": x, "y": y} for x, y in points])

    browser.call("Emulation.setTouchEmulationEnabled", enabled=True)
    plot = browser.box("section[data-kind=curves] .plot")
    x, y = plot["x"] + plot["width"] * 0.4, plot["y"] + plot["height"] * 0.5
    touch("touchStart", (x, y))
    touch("touchEnd")
    browser.settle()
    assert "step " in tip(browser), tip(browser)
    before = ticks(browser, "section-3")
    touch("touchStart", (x, y))
    for i in range(1, 11):
        touch("touchMove", (x + 10 * i, y))
    touch("touchEnd")
    browser.settle()
    assert ticks(browser, "section-3") != before
    browser.evaluate("document.querySelector('section[data-kind=curves] .controls button').click()")
    assert ticks(browser, "section-3") == before
    browser.call("Emulation.setTouchEmulationEnabled", enabled=False)


def take_pictures(browser, folder, width):
    """What docs/ shows: curves under the pointer, smoothed; the confusion matrix; the map."""
    browser.evaluate("""(() => { const slider = document.querySelector('input[type=range]');
        slider.value = 0.4; slider.dispatchEvent(new Event('input')); })()""")
    plot = browser.box("section[data-kind=curves] .plot")
    browser.mouse("mouseMoved", plot["x"] + plot["width"] * 0.42, plot["y"] + plot["height"] * 0.4)
    browser.settle()
    for kind in ("curves", "confusion", "embeddings"):
        browser.screenshot(os.path.join(folder, f"report_{kind}_{width}.png"), f"section[data-kind={kind}]", margin=8)
        browser.mouse("mouseMoved", 1, 1)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--pages")
    parser.add_argument("--pictures")
    parser.add_argument("build", nargs="?", default="build/release")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        subprocess.run([os.path.join(options.build, "tests", "test_metrics"), "--gtest_filter=ReportSample.*", "--gtest_brief=1"],
                       env={**os.environ, "GRADUS_REPORT": folder}, check=True)
        browser = Browser(folder)
        checks = {"classifier": check_classifier, "awkward": check_awkward, "empty": lambda _: None}
        for name, check in checks.items():
            url = pathlib.Path(folder, name + ".html").as_uri()
            for width in WIDTHS:
                for dark in (False, True):
                    browser.open(url, width, dark=dark)
                    check_layout(browser, width)
                    if options.pages:
                        browser.screenshot(os.path.join(options.pages, f"{name}_{width}{'_dark' if dark else ''}.png"))
                    if options.pictures and name == "classifier" and not dark:
                        take_pictures(browser, options.pictures, width)
                        browser.open(url, width)
                    check(browser)
                    check_layout(browser, width)
                    check_quiet(browser, url)
        check_that_it_fails(browser, folder)
        browser.close()
    print(f"report_check: passed: {len(checks)} pages at widths of {' and '.join(map(str, WIDTHS))}, light and dark")


if __name__ == "__main__":
    main()
