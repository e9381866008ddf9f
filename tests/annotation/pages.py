"""Read the pages that are written."""

from html.parser import HTMLParser


class PageReader(HTMLParser):
    """Tags, attributes and text of a page.

    Attributes:
        tags: All names of elements.
        attributes: Name and value of all attributes.
        texts: All pieces of text.
    """

    def __init__(self):
        super().__init__()
        self.tags, self.attributes, self.texts = [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data):
        self.texts.append(data)

    @property
    def text(self):
        return ' '.join(self.texts)


def read_page(path):
    """Return a page after a look at what it may not hold: scripts, links, handlers."""
    reader = PageReader()
    reader.feed(path.read_text(encoding='utf-8'))
    forbidden = {'script', 'iframe', 'link', 'object', 'embed', 'base', 'img', 'form', 'a'}
    assert forbidden.isdisjoint(reader.tags)
    assert not any(name.startswith('on') for name, _ in reader.attributes)
    links = [value for name, value in reader.attributes if name in ('src', 'href')]
    assert all(value.startswith('data:image/jpeg;base64,') for value in links)
    return reader
