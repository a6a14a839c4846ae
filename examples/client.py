"""HTTP calls as the demo makes them: standard library, JSON, no exception for an answer that is an error."""

import dataclasses
import json
import urllib.error
import urllib.request


@dataclasses.dataclass
class Answer:
    status: int
    headers: object  # case-insensitive, as http.client gives them
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


# Without the proxies of the surroundings: everything called here is on this machine.
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), NoRedirect)


def call(url, body=None, headers=None, timeout=10):
    """GET, or POST of `body` as JSON. Raises URLError or OSError when there is no answer."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, headers={"Content-Type": "application/json", **(headers or {})})
    try:
        with opener.open(request, timeout=timeout) as response:
            return Answer(response.status, response.headers, response.read())
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, error.headers, error.read())
