"""Checks webhooks that pushpull sent, with the vendors' own packages, and tampers with each to see it refused.

Reads a JSON file: groups of webhooks, each with the scheme and keys they are signed with, a wrong key, the vendor whose
shape they have, and the webhooks as they came over the socket. Prints for each group how many checks were made and which
events the webhooks told of. Ends with an error at the first webhook that is refused though genuine, or believed though
not.
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

# Each check gives back the names of the events that it read out of the body, or None where the package refuses. Any other
# exception than the one for a refusal ends the script: it would be a mistake here, or a webhook that the package cannot
# even read.


def names_in(shape, body):
    """The names of the events, read as a program of the vendor's customer would."""
    content = json.loads(body)
    events = content if isinstance(content, list) else [content]
    if shape == "sendgrid":
        # As in the package's own vectors: signed along, and easily lost.
        assert body.startswith(b"[{") and body.endswith(b"}]\r\n") and body.count(b"\r\n") == len(events), body
        for event in events:
            assert {"email", "timestamp", "event", "sg_event_id", "sg_message_id"} <= event.keys(), event
            padding = "=" * (-len(event["sg_event_id"]) % 4)
            assert base64.urlsafe_b64decode(event["sg_event_id"] + padding).decode() == event["id"], event
        return [event["id"] for event in events]
    if shape == "github":
        for event in events:
            assert {"action", "repository", "sender"} <= event.keys(), event
        return [event["client_payload"]["id"] for event in events]
    if shape.startswith("stripe"):
        return [event["id"] for event in events]
    return [event["data"]["id"] for event in events]


def check_stripe(headers, body, key, shape):
    signature = headers["stripe-signature"]
    try:
        if shape == "stripe-thin":
            # Stripe has a function of its own for these, and refuses them where whole events are due.
            event = stripe.StripeClient("sk_test_1").parse_event_notification(body, signature, key)
            assert (event.type, event.livemode) == ("v1.record.changed", False), event
            assert event.related_object.url == f"/records/{event.related_object.id}", event
            return [event.id]
        if body.startswith(b"["):
            # Stripe has no batches; its signature is that of any body.
            stripe.WebhookSignature.verify_header(body.decode(), signature, key, tolerance=300)
            return names_in(shape, body)
        # The whole path of an application: the signature, then the event out of the body.
        event = stripe.Webhook.construct_event(body, signature, key)
    except stripe.SignatureVerificationError:
        return None
    if shape != "stripe":
        return names_in(shape, body)
    assert isinstance(event, stripe.Event) and event.type == "record.changed", event
    assert event.data.object.id.startswith("rec_") and isinstance(event.created, int), event
    return [event.id]


def check_standard_webhooks(headers, body, key, shape):
    try:
        standardwebhooks.Webhook(key).verify(body, headers)
    except standardwebhooks.WebhookVerificationError:
        return None
    return names_in(shape, body)


def check_sendgrid(headers, body, key, shape):
    signature = headers["x-twilio-email-event-webhook-signature"]
    timestamp = headers["x-twilio-email-event-webhook-timestamp"]
    holds = EventWebhook(key).verify_signature(body.decode(), signature, timestamp)
    return names_in(shape, body) if holds else None


def check_github(headers, body, key, shape):
    # GitHub has no package for Python that checks; its documentation shows these lines of the standard library.
    if shape == "github":
        uuid.UUID(headers["x-github-delivery"])
        assert headers["x-github-event"] == "repository_dispatch" and int(headers["x-github-hook-id"]) > 0
    expected = "sha256=" + hmac.new(key.encode(), body, hashlib.sha256).hexdigest()
    holds = hmac.compare_digest(expected, headers["x-hub-signature-256"])
    return names_in(shape, body) if holds else None


def check_ed25519(headers, body, key, shape):
    # The reference packages do not check this version, so this is the specification's rule on another implementation.
    content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    public_key = Ed25519PublicKey.from_public_bytes(base64.b64decode(key.removeprefix("whpk_")))
    for entry in headers["webhook-signature"].split(" "):
        version, signature = entry.split(",")
        try:
            public_key.verify(base64.b64decode(signature), content)
            return names_in(shape, body) if version == "v1a" else None
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
    place = body.index(b'"id":"') + len(b'"id":"')
    yield "body", headers, body[:place] + b"y" + body[place + 1 :], key
    yield "longer body", headers, body + b"\n", key
    yield "shorter body", headers, body[:-2], key
    yield "signature", headers | {signature: with_other_signatures(headers[signature])}, body, key
    if timestamp:
        yield "time", headers | {timestamp: with_other_time(headers[timestamp])}, body, key
    if signature == "webhook-signature":
        yield "identifier", headers | {"webhook-id": headers["webhook-id"] + "0"}, body, key
    yield "key", headers, body, wrong_key


SENDERS = {
    "stripe": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
    "stripe-thin": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
    "github": "GitHub-Hookshot/",
    "sendgrid": "SendGrid Event API",
    "plain": "pushpull/",
}


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        captured = json.load(file)
    report = {}
    for group in captured:
        name, shape = group["name"], group["shape"]
        check, signature, timestamp = SCHEMES[group["signature"]]
        accepted = refused = 0
        events = []
        for webhook in group["webhooks"]:
            headers, body = webhook["headers"], base64.b64decode(webhook["body"])
            assert headers["user-agent"].startswith(SENDERS[shape]), headers
            assert headers["content-type"].startswith("application/json"), headers
            for key in group["keys"]:
                names = check(headers, body, key, shape)
                if names is None:
                    sys.exit(f"{name}: refused, though genuine: {headers} {body!r}")
                accepted += 1
                variants = tampered(headers, body, key, group["wrong_key"], signature, timestamp)
                for what, other_headers, other_body, other_key in variants:
                    if check(other_headers, other_body, other_key, shape) is not None:
                        sys.exit(f"{name}: believed with another {what}: {other_headers} {other_body!r}")
                    refused += 1
            events.append(names)
        report[name] = {"accepted": accepted, "refused": refused, "events": events}
    print(json.dumps(report))


main()
