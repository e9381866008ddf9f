"""A person at the page of `cpose annotate`: a headless browser."""

import re

from .box_views import IMAGE_WH


def address_of(server):
    """Return the address that a started server prints first."""
    return re.search(r'http\S+', server.stdout.readline())[0]


class Tab:
    """A person at the page; counts clicks and keys."""

    def __init__(self, browser, address, image_wh=IMAGE_WH):
        context = browser.new_context(viewport={'width': 1280, 'height': 800}, bypass_csp=True)
        self.page = context.new_page()
        self.page.set_default_timeout(30_000)
        self.errors = []
        self.page.on('pageerror', lambda error: self.errors.append(str(error)))
        self.image_wh = image_wh
        self.actions = 0
        self.page.goto(address)
        self.page.wait_for_function('document.querySelector("#list .current")')

    def at(self, point):
        box, (width, height) = self.page.locator('#overlay').bounding_box(), self.image_wh
        scale = 0.96 * min(box['width'] / width, box['height'] / height)
        left = box['x'] + (box['width'] - width * scale) / 2
        top = box['y'] + (box['height'] - height * scale) / 2
        return left + (point[0] + 0.5) * scale, top + (point[1] + 0.5) * scale

    def opened(self, name):
        self.page.wait_for_function(f'document.querySelector("#name").textContent === "{name}"')
        self.says('#hint', '(?!Opening).')

    def says(self, place, pattern):
        """Wait for a text that begins with a pattern."""
        self.page.wait_for_function(
            f'/^{pattern}/.test(document.querySelector("{place}").textContent)'
        )

    def click(self, point):
        self.page.mouse.move(*self.at(point))
        self.page.mouse.down()
        self.page.mouse.up()
        self.actions += 1

    def press(self, key):
        self.page.keyboard.press(key)
        self.actions += 1

    def saved(self, num_corners=None):
        self.page.wait_for_function('document.querySelector("#saved").textContent === "saved"')
        if num_corners is not None:
            count = 'document.querySelectorAll("#guide circle.placed").length'
            self.page.wait_for_function(f'{count} === {num_corners}')
