//! The headers of messages, as an HTTP library takes them.

use std::borrow::Cow;
use std::cell::RefCell;

use http::{HeaderMap, HeaderName, HeaderValue};
use hyper::body::Bytes;

use crate::wire::Header;

/// So many kinds of heads are kept; what a side sends has few.
const KEPT_MAX: usize = 16;

/// Heads that were made before, one of each kind.
///
/// Messages of the same kind have the same headers in the same order. To copy a head and put the new values in takes less
/// than to find the place of each header anew.
#[derive(Debug, Default)]
pub(super) struct Heads(RefCell<Vec<Head>>);

/// A head of one kind.
#[derive(Debug)]
struct Head {
    /// The names, and the values that are the same in every message of the kind.
    fixed: Vec<(&'static str, Option<&'static str>)>,
    map: HeaderMap,
}

impl Head {
    /// None if a value is no text that a header may have.
    fn new(headers: &[Header]) -> Option<Self> {
        let mut map = HeaderMap::with_capacity(headers.len());
        let mut fixed = Vec::with_capacity(headers.len());
        for (name, value) in headers {
            map.append(HeaderName::from_static(name), to_value(value.clone())?);
            fixed.push((*name, as_fixed(value)));
        }
        Some(Self { fixed, map })
    }

    /// Whether these headers are of this kind. Two copies of a name in the program are taken for two names.
    fn is_of(&self, headers: &[Header]) -> bool {
        let is_it = |(own, (name, value)): (&(&'static str, Option<&'static str>), &Header)| {
            is_same(own.0, name) && own.1.is_some() == as_fixed(value).is_some()
        };
        self.fixed.len() == headers.len() && self.fixed.iter().zip(headers).all(is_it)
    }

    /// The same head with these values.
    fn with(&self, headers: Vec<Header>) -> Option<HeaderMap> {
        let mut map = self.map.clone();
        for ((place, own), (_, value)) in map.values_mut().zip(&self.fixed).zip(headers) {
            match (own.1, as_fixed(&value)) {
                (Some(own), Some(value)) if is_same(own, value) => {}
                _ => *place = to_value(value)?,
            }
        }
        Some(map)
    }
}

impl Heads {
    /// These headers in their order. None if a value is no text that a header may have.
    pub(super) fn fill(&self, headers: Vec<Header>) -> Option<HeaderMap> {
        let mut kept = self.0.borrow_mut();
        if let Some(head) = kept.iter().find(|head| head.is_of(&headers)) {
            return head.with(headers);
        }
        let head = Head::new(&headers)?;
        let map = head.map.clone();
        // Headers of the same name stand together in a map, so that their values would be mixed up.
        if kept.len() < KEPT_MAX && map.keys_len() == headers.len() {
            kept.push(head);
        }
        Some(map)
    }
}

/// Whether two texts are one and the same.
fn is_same(a: &'static str, b: &'static str) -> bool {
    std::ptr::eq(a, b)
}

#[allow(clippy::ptr_arg, reason = "whether it is borrowed is the question")]
fn as_fixed(value: &Cow<'static, str>) -> Option<&'static str> {
    match value {
        Cow::Borrowed(fixed) => Some(fixed),
        Cow::Owned(_) => None,
    }
}

fn to_value(value: Cow<'static, str>) -> Option<HeaderValue> {
    match value {
        Cow::Borrowed(fixed) => HeaderValue::from_maybe_shared(Bytes::from_static(fixed.as_bytes())),
        Cow::Owned(text) => HeaderValue::from_maybe_shared(Bytes::from(text)),
    }
    .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_has_its_own_values_whatever_was_sent_before() {
        let heads = Heads::default();
        let check = |headers: Vec<Header>| {
            let map = heads.fill(headers.clone()).expect("all of it is text");
            let filled: Vec<_> =
                map.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap_or(""))).collect();
            let expected: Vec<_> = headers.iter().map(|(name, value)| (*name, &**value)).collect();
            assert_eq!(filled, expected);
        };
        let length = |length: u32| ("content-length", length.to_string().into());
        for round in 0..3 {
            check(vec![("content-type", "application/json".into()), length(round)]);
            check(vec![("content-type", "text/html".into()), length(round)]);
            check(vec![("content-type", round.to_string().into()), length(round)]);
            check(vec![length(round), ("content-type", "application/json".into())]);
            check(vec![length(round)]);
            check(vec![]);
            check(vec![("x-first", "1".into()), ("x-first", round.to_string().into()), ("x-second", "2".into())]);
        }
        assert_eq!(heads.fill(vec![("content-type", "\n".into())]), None);
        assert_eq!(
            heads.fill(vec![length(1), ("content-type", "application/json".into())]).map(|map| map.len()),
            Some(2)
        );
        assert_eq!(heads.fill(vec![("content-length", "1\n".to_owned().into())]), None);
        assert!(heads.0.borrow().len() <= KEPT_MAX);
    }
}
