//! What stands behind the question mark of a request.

use std::borrow::Cow;

/// The parameters in order, names and values decoded. A name without `=` has an empty value.
pub(super) fn parameters(query: Option<&str>) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
    let pairs = query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
    pairs.map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decoded(name), decoded(value))
    })
}

/// Text with `%XX` and `+` as forms write them. What is no such code stays as it is.
fn decoded(text: &str) -> Cow<'_, str> {
    if !text.contains(['%', '+']) {
        return Cow::Borrowed(text);
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, others)) = rest.split_first() {
        let code = (first == b'%').then(|| others.get(..2)).flatten();
        let byte = code.and_then(|code| {
            let mut byte = [0];
            hex::decode_to_slice(code, &mut byte).ok().map(|()| byte[0])
        });
        rest = if byte.is_some() { &others[2..] } else { others };
        bytes.push(match byte {
            Some(byte) => byte,
            None if first == b'+' => b' ',
            None => first,
        });
    }
    Cow::Owned(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_of_writing_brackets_mean_the_same() {
        let read = |query| parameters(Some(query)).map(|(n, v)| (n.into_owned(), v.into_owned())).collect::<Vec<_>>();
        let expected = vec![("created[gte]".to_owned(), "5".to_owned()), ("types[0]".to_owned(), "a b".to_owned())];
        assert_eq!(read("created[gte]=5&types[0]=a+b"), expected);
        assert_eq!(read("created%5Bgte%5D=5&&types%5b0%5D=a%20b"), expected);
        assert_eq!(
            read("a=%&b=%4&c=%zz&d"),
            [("a", "%"), ("b", "%4"), ("c", "%zz"), ("d", "")].map(|(n, v)| (n.into(), v.into()))
        );
        assert_eq!(read("a=%ff"), [("a".to_owned(), "\u{fffd}".to_owned())]);
        assert!(parameters(None).next().is_none());
    }
}
