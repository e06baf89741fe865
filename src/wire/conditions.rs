//! What stands in the headers of an answer of this program's own API: the state of what was asked for, and when to ask
//! again.
//!
//! The three `ratelimit` headers are those of the IETF's draft "RateLimit header fields for HTTP" (up to its version 06):
//! unlike the `x-ratelimit-reset` of GitHub, `ratelimit-reset` counts from the answer, in seconds.

use super::size::{digits, digits_long};
use super::text::{push_number, with_room};
use super::{Header, Headers};
use crate::peer::{Advice, Quota, Tag};
use crate::time::{SECOND, Span};

/// Names the state of what is answered (RFC 9110, section 8.8.3).
pub(super) const ETAG: &str = "etag";
/// Names the state that the asker knows (RFC 9110, section 13.1.2).
pub(super) const IF_NONE_MATCH: &str = "if-none-match";
const POLL_INTERVAL: &str = "x-poll-interval";
const LIMIT: &str = "ratelimit-limit";
const REMAINING: &str = "ratelimit-remaining";
const RESET: &str = "ratelimit-reset";

/// A tag as it stands in a header.
pub(super) fn write_tag(tag: Tag) -> String {
    let mut text = with_room(2 + digits(tag.0));
    text.push('"');
    push_number(&mut text, tag.0);
    text.push('"');
    text
}

/// Reads a tag; none if it is not one of this program's.
pub(super) fn read_tag(value: &str) -> Option<Tag> {
    let digits = value.strip_prefix('"')?.strip_suffix('"')?;
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok().map(Tag)).flatten()
}

/// The bytes of a header with a tag, whose name is so long.
pub(super) const fn tag_size(name: &str, tag: Tag) -> u64 {
    name.len() as u64 + 2 + 2 + digits(tag.0) + 2
}

/// Whole seconds, rounded up: to come back too early is worse than too late.
const fn seconds(span: Span) -> u64 {
    span.as_nanos().div_ceil(SECOND)
}

/// Every header that advice makes.
fn fields(advice: &Advice) -> impl Iterator<Item = (&'static str, u64)> {
    let interval = advice.poll_interval.map(|interval| (POLL_INTERVAL, seconds(interval)));
    let quota = advice.quota.into_iter().flat_map(|quota| {
        let Quota { limit, remaining, resets_in } = quota;
        [(LIMIT, limit.into()), (REMAINING, remaining.into()), (RESET, seconds(resets_in))]
    });
    interval.into_iter().chain(quota)
}

/// Advice as headers.
pub(super) fn write(advice: &Advice) -> impl Iterator<Item = Header> {
    fields(advice).map(|(name, number)| (name, number.to_string().into()))
}

/// The bytes of advice as headers.
#[inline]
pub(super) fn size(advice: &Advice) -> u64 {
    if *advice == Advice::default() {
        return 0;
    }
    fields(advice).map(|(name, number)| name.len() as u64 + 2 + digits_long(number) + 2).sum()
}

/// Reads the advice in the headers of an answer; what makes no sense is as if it were not there.
pub(super) fn read(headers: &impl Headers) -> Advice {
    let number = |name: &str| headers.header(name).and_then(|value| value.trim().parse::<u64>().ok());
    let count = |name: &str| number(name).map(|count| u32::try_from(count).unwrap_or(u32::MAX));
    let quota = || {
        let (limit, remaining) = (count(LIMIT)?, count(REMAINING)?);
        Some(Quota { limit, remaining, resets_in: Span::from_secs(number(RESET)?) })
    };
    Advice { poll_interval: number(POLL_INTERVAL).map(Span::from_secs), quota: quota() }
}
