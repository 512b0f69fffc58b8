"""The blob store's listener: another host as far as a client is concerned, with Azure's habits (and its XML)."""

from __future__ import annotations

import base64
import binascii
import xml.etree.ElementTree as ElementTree

from flask import Flask, Response, request
from werkzeug.wrappers import Response as HttpResponse

from tests.fake_github.state import State

MAX_ID_BYTES = 64


class _BlobError(Exception):
    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(code)
        text = f'<?xml version="1.0" encoding="utf-8"?><Error><Code>{code}</Code><Message>{message}</Message></Error>'
        self.response = Response(text, status=status, headers={"Content-Type": "application/xml", "x-ms-error-code": code})


def application(state: State) -> Flask:
    app = Flask("fake_blobs", static_folder=None)
    app.config["PROPAGATE_EXCEPTIONS"] = True
    app.register_error_handler(_BlobError, lambda error: error.response)

    def admit(key: str, right: str) -> None:
        if "Authorization" in request.headers:
            raise _BlobError(400, "InvalidAuthenticationInfo", "Authentication information is not given in the correct format.")
        if not state.blobs.may(key, right, request.args):
            raise _BlobError(403, "AuthenticationFailed", "Server failed to authenticate the request.")

    @app.get("/<path:key>")
    def download(key: str) -> HttpResponse:
        admit(key, "r")
        data = state.blobs.read(key)
        if data is None:
            raise _BlobError(404, "BlobNotFound", "The specified blob does not exist.")
        response = Response(data, headers={"Content-Type": "application/zip", "x-ms-blob-type": "BlockBlob"})
        return response.make_conditional(request, accept_ranges=True, complete_length=len(data))

    @app.put("/<path:key>")
    def upload(key: str) -> Response:
        admit(key, "w")
        if request.environ["autoprof.chunked"]:
            raise _BlobError(411, "MissingContentLengthHeader", "The Content-Length header was not specified.")
        what = request.args.get("comp")
        if what == "block":
            _put_block(state, key)
        elif what == "blocklist":
            _put_block_list(state, key)
        elif what is None:
            _put_blob(state, key)
        else:
            raise _BlobError(400, "InvalidQueryParameterValue", "Value for one of the query parameters is invalid.")
        return Response(status=201)

    return app


def _put_block(state: State, key: str) -> None:
    block_id = request.args.get("blockid", "")
    try:
        raw = base64.b64decode(block_id, validate=True)
    except binascii.Error:
        raw = b""
    if not 0 < len(raw) <= MAX_ID_BYTES:
        raise _BlobError(400, "InvalidQueryParameterValue", "blockid is not a Base64 string of 1 to 64 bytes.")
    if not request.get_data():
        raise _BlobError(400, "InvalidHeaderValue", "A block may not be empty.")
    if not state.blobs.put_block(key, block_id, request.get_data()):
        raise _BlobError(400, "InvalidBlobOrBlock", "The specified blob or block content is invalid.")


def _put_block_list(state: State, key: str) -> None:
    try:
        root = ElementTree.fromstring(request.get_data())
    except ElementTree.ParseError:
        raise _BlobError(400, "InvalidXmlDocument", "XML specified is not syntactically valid.") from None
    ids = [(element.tag, (element.text or "").strip()) for element in root]
    if root.tag != "BlockList" or any(tag not in {"Latest", "Committed", "Uncommitted"} for tag, _ in ids):
        raise _BlobError(400, "InvalidXmlNodeValue", "The XML is no BlockList.")
    if not state.blobs.commit(key, ids):
        raise _BlobError(400, "InvalidBlockList", "The specified block list is invalid.")


def _put_blob(state: State, key: str) -> None:
    kind = request.headers.get("x-ms-blob-type")
    if kind != "BlockBlob":
        code = "MissingRequiredHeader" if kind is None else "InvalidHeaderValue"
        raise _BlobError(400, code, "x-ms-blob-type must be BlockBlob.")
    state.blobs.write(key, request.get_data())
