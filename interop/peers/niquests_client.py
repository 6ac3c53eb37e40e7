"""niquests, whose HTTP/3 is qh3."""

from urllib.parse import urlsplit

import niquests
from adapter import Cannot, content, main, reply, save, seen


def ask_with_niquests(ask):
    url = urlsplit(ask["url"])
    replies = []
    with niquests.Session(disable_http1=True, disable_http2=True) as session:
        # It is told that the server speaks HTTP/3, as an Alt-Svc would.
        session.quic_cache_layer[(url.hostname, url.port)] = (url.hostname, url.port)
        for request in ask["requests"]:
            answered = exchange(session, ask, request)
            if answered:
                replies.append(answered)
    return seen(replies, "h3, verified")


def exchange(session, ask, request):
    if request["trailers"]:
        raise Cannot("sends no trailers")
    interim = []
    response = session.request(
        request["method"],
        ask["url"] + request["path"],
        headers=dict(request["fields"]),
        data=content(request),
        verify=ask["authority"],
        stream=request["cancel"],
        hooks={"early_response": [lambda early: interim.append(early.status_code)]},
    )
    if response.http_version != 30:
        raise ConnectionError(f"HTTP version {response.http_version / 10}")
    if request["cancel"]:
        next(response.iter_content(1000))
        response.close()
        return None
    fields = {name.lower(): value for name, value in response.headers.items()}
    trailers = {name.lower(): value for name, value in (response.trailers or {}).items()}
    return reply(request, response.status_code, fields, response.content, interim, trailers)


if __name__ == "__main__":
    main(ask_with_niquests)
