"""Checks webhooks that pushpull sent, with the vendors' own packages, and tampers with each to see it refused.

Reads a JSON file: for each scheme the keys, a wrong key, and the webhooks as they came over the socket. Prints how many
checks were made. Ends with an error at the first webhook that is refused though genuine, or believed though not.
"""

import base64
import hashlib
import hmac
import json
import re
import sys
import uuid

import sendgrid
import standardwebhooks
import stripe
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sendgrid.helpers.eventwebhook import EventWebhook

# Each check gives back what the package made of the body, or None where it refuses. Any other exception than the one
# for a refusal ends the script: it would be a mistake here, or a webhook that the package cannot even read.


def check_stripe(headers, body, key):
    try:
        # The whole path of an application: the signature, then the event out of the body.
        return stripe.Webhook.construct_event(body, headers["stripe-signature"], key)
    except stripe.SignatureVerificationError:
        return None


def check_standard_webhooks(headers, body, key):
    try:
        return standardwebhooks.Webhook(key).verify(body, headers)
    except standardwebhooks.WebhookVerificationError:
        return None


def check_sendgrid(headers, body, key):
    signature = headers["x-twilio-email-event-webhook-signature"]
    timestamp = headers["x-twilio-email-event-webhook-timestamp"]
    return EventWebhook(key).verify_signature(body.decode(), signature, timestamp) or None


def check_github(headers, body, key):
    # GitHub has no package for Python that checks; its documentation shows these lines of the standard library.
    uuid.UUID(headers["x-github-delivery"])
    assert headers["x-github-event"]
    expected = "sha256=" + hmac.new(key.encode(), body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected, headers["x-hub-signature-256"]) or None


def check_ed25519(headers, body, key):
    # The reference packages do not check this version, so this is the specification's rule on another implementation.
    content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    public_key = Ed25519PublicKey.from_public_bytes(base64.b64decode(key.removeprefix("whpk_")))
    for entry in headers["webhook-signature"].split(" "):
        version, signature = entry.split(",")
        try:
            public_key.verify(base64.b64decode(signature), content)
            return version == "v1a" or None
        except InvalidSignature:
            pass
    return None


# The check, the header with the signatures, and the header with the time, where there is one.
SCHEMES = {
    "stripe": (check_stripe, "stripe-signature", "stripe-signature"),
    "standard-webhooks": (check_standard_webhooks, "webhook-signature", "webhook-timestamp"),
    "standard-webhooks-ed25519": (check_ed25519, "webhook-signature", "webhook-timestamp"),
    "sendgrid": (
        check_sendgrid,
        "x-twilio-email-event-webhook-signature",
        "x-twilio-email-event-webhook-timestamp",
    ),
    "github": (check_github, "x-hub-signature-256", None),
}


def with_other_signatures(value):
    """Changes one character in the middle of every signature: everything long is one."""

    def change(match):
        text = match[0]
        middle = len(text) // 2
        return text[:middle] + ("a" if text[middle] != "a" else "b") + text[middle + 1 :]

    changed = re.sub(r"[A-Za-z0-9+/]{40,}", change, value)
    assert changed != value
    return changed


def with_other_time(value):
    """One second earlier: still recent, and not what was signed."""
    changed = re.sub(r"\d{10}", lambda match: str(int(match[0]) - 1), value, count=1)
    assert changed != value
    return changed


def tampered(headers, body, key, wrong_key, signature, timestamp):
    """The same webhook with one thing changed, for each thing that can be."""
    place = body.index(b'"data":"') + len(b'"data":"')
    yield "body", headers, body[:place] + b"y" + body[place + 1 :], key
    yield "longer body", headers, body + b"\n", key
    yield "signature", headers | {signature: with_other_signatures(headers[signature])}, body, key
    if timestamp:
        yield "time", headers | {timestamp: with_other_time(headers[timestamp])}, body, key
    if "webhook-id" in headers:
        yield "identifier", headers | {"webhook-id": headers["webhook-id"] + "0"}, body, key
    yield "key", headers, body, wrong_key


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        captured = json.load(file)
    counts = {}
    for scheme in captured:
        check, signature, timestamp = SCHEMES[scheme["signature"]]
        accepted = refused = 0
        for webhook in scheme["webhooks"]:
            headers, body = webhook["headers"], base64.b64decode(webhook["body"])
            for key in scheme["keys"]:
                if check(headers, body, key) is None:
                    sys.exit(f"{scheme['signature']}: refused, though genuine: {headers} {body!r}")
                accepted += 1
                variants = tampered(headers, body, key, scheme["wrong_key"], signature, timestamp)
                for what, other_headers, other_body, other_key in variants:
                    if check(other_headers, other_body, other_key) is not None:
                        sys.exit(f"{scheme['signature']}: believed with another {what}: {other_headers} {other_body!r}")
                    refused += 1
        counts[scheme["signature"]] = {"accepted": accepted, "refused": refused}
    versions = {"stripe": stripe.VERSION, "sendgrid": sendgrid.__version__}
    print(json.dumps({"counts": counts, "versions": versions}))


main()
