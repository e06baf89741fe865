"""Polls pushpull's API with the vendors' own packages, and prints what they made of it.

Takes the address of the API, a valid key, one that is not, and how many events there will be. Waits until all of them have
occurred. Ends with an error where a package cannot read an answer.
"""

import json
import sys
import time

import github
import stripe

URL, KEY, WRONG_KEY, COUNT = *sys.argv[1:4], int(sys.argv[4])
PATIENCE_SECONDS = 60


def wait_for_all():
    for _ in range(PATIENCE_SECONDS * 10):
        try:
            newest = stripe.Event.list(limit=1).data
            if newest and newest[0].id.endswith(f"_{COUNT}"):
                return
        except stripe.APIConnectionError:
            pass
        time.sleep(0.1)
    sys.exit("the events do not occur")


def poll_stripe():
    stripe.api_base, stripe.api_key, stripe.max_network_retries = URL, KEY, 0
    wait_for_all()
    names = lambda events: [event.id for event in events]
    report = {"list": names(stripe.Event.list().data)}
    report["all"] = names(stripe.Event.list(limit=70).auto_paging_iter())
    # The way to catch up that Stripe recommends after webhooks were missed.
    missed = stripe.Event.list(
        ending_before="evt_1_100", limit=50, types=["record.changed", "another.type"], delivery_success=False
    )
    report["catch_up"] = names(missed.auto_paging_iter())
    event = stripe.Event.retrieve("evt_1_7")
    report["retrieved"] = [event.id, event.type, event.data.object.id[:4]]
    at = event.created
    assert not stripe.Event.list(created={"gt": at + 60}).data
    by_time = stripe.Event.list(created={"gte": at - 60, "lte": at + 60}, limit=100)
    report["by_time"] = names(by_time.auto_paging_iter())
    report["of_another_type"] = names(stripe.Event.list(type="another.type").data)
    for name, call in [
        ("unknown", lambda: stripe.Event.retrieve("evt_1_100000")),
        ("unknown_cursor", lambda: stripe.Event.list(starting_after="evt_9_9")),
    ]:
        try:
            call()
        except stripe.InvalidRequestError as error:
            report[name] = [error.http_status, error.code, error.param]
    try:
        stripe.Event.list(api_key=WRONG_KEY)
    except stripe.StripeError as error:
        report["wrong_key"] = type(error).__name__
    return report


def github_client(key):
    # Without its own pauses and second tries, which only take time here.
    return github.Github(
        auth=github.Auth.Token(key), base_url=URL, retry=None, seconds_between_requests=0, seconds_between_writes=0
    )


def poll_github():
    client = github_client(KEY)
    repository = client.get_repo("any/thing", lazy=True)
    client.per_page = 70
    events = repository.get_events()
    report = {"all": [event.payload["id"] for event in events]}
    for event in repository.get_events()[:3]:
        assert event.id.isdigit() and event.type == "PushEvent" and event.created_at.year >= 2020, event.raw_data
        assert event.actor.login == "pushpull" and event.repo.name == "any/thing" and event.public, event.raw_data

    def ask(path, headers=None):
        status, answer, body = client.requester.requestJson("GET", f"/repos/any/thing/events{path}", headers=headers)
        return status, answer, body

    _, first, _ = ask("")
    status, second, body = ask("", {"If-None-Match": first["etag"]})
    report["not_modified"] = [status, second["x-poll-interval"], len(body)]
    _, third, _ = ask("")
    left = [int(answer["x-ratelimit-remaining"]) for answer in (first, second, third)]
    report["cost_of_each"] = [1, left[0] - left[1], left[1] - left[2]]
    report["limits"] = [first["x-ratelimit-limit"], first["x-ratelimit-resource"]]
    assert int(first["x-ratelimit-used"]) + left[0] == 5000 and int(first["x-ratelimit-reset"]) > time.time(), first
    report["count"] = events.totalCount
    report["beyond"] = ask("?per_page=100&page=4")[0]
    try:
        github_client(WRONG_KEY).get_repo("any/thing", lazy=True).get_events()[0]
    except github.GithubException as error:
        report["wrong_key"] = type(error).__name__
    return report


print(json.dumps({"stripe": poll_stripe(), "github": poll_github()}))
