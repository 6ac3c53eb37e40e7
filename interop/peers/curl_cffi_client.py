"""curl_cffi: libcurl with BoringSSL, ngtcp2 and nghttp3."""

from adapter import Cannot, content, heads, main, reply, seen
from curl_cffi import Curl, CurlError, CurlHttpVersion, CurlOpt
from curl_cffi.const import CurlECode
from curl_cffi.curl import CURL_WRITEFUNC_ERROR


def ask_with_curl_cffi(ask):
    curl = Curl()
    replies = [exchange(curl, ask, request) for request in ask["requests"]]
    return seen([each for each in replies if each], "h3, verified")


def exchange(curl, ask, request):
    if request["trailers"]:
        raise Cannot("libcurl sends no trailers over HTTP/3")
    lines, body = [], bytearray()

    def write(data):
        body.extend(data)
        return CURL_WRITEFUNC_ERROR if request["cancel"] else len(data)

    curl.reset()
    curl.setopt(CurlOpt.URL, (ask["url"] + request["path"]).encode())
    curl.setopt(CurlOpt.CAINFO, ask["authority"].encode())
    curl.setopt(CurlOpt.HTTP_VERSION, CurlHttpVersion.V3ONLY)
    curl.setopt(CurlOpt.HTTPHEADER, [f"{name}: {value}".encode() for name, value in request["fields"]])
    curl.setopt(CurlOpt.HEADERFUNCTION, lambda line: lines.append(line.decode()) or len(line))
    curl.setopt(CurlOpt.WRITEFUNCTION, write)
    if request["body"] is not None:
        data = content(request)
        curl.setopt(CurlOpt.POSTFIELDS, data)
        curl.setopt(CurlOpt.POSTFIELDSIZE_LARGE, len(data))
    if request["method"] == "HEAD":
        curl.setopt(CurlOpt.NOBODY, 1)
    try:
        curl.perform()
    except CurlError as error:
        if request["cancel"] and error.code == CurlECode.WRITE_ERROR:
            return None
        raise
    interim, status, fields, trailers = heads(lines)
    return reply(request, status, fields, body, interim, trailers)


if __name__ == "__main__":
    main(ask_with_curl_cffi)
