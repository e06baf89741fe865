//! Whose question is the newest: a page that asks again has no use for the answer to what it asked before.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::engine::Control;

/// The most pages that are told apart at the same time.
const PAGES_MAX: usize = 64;
/// The longest name that a page may give itself.
const NAME_MAX: usize = 40;

/// The runs that pages have asked for and that may still be under way.
#[derive(Debug, Default)]
pub(super) struct Turns {
    under_way: RefCell<Under>,
}

#[derive(Debug, Default)]
struct Under {
    next: u64,
    pages: BTreeMap<String, (u64, Arc<Control>)>,
}

impl Turns {
    /// The next turn of a page; the one before it is stopped. A page without a name is a stranger each time.
    pub(super) fn take(&self, page: Option<&str>) -> Turn {
        let turn = Turn(Arc::new(Control::default()));
        let Some(page) = page.filter(|page| !page.is_empty() && page.len() <= NAME_MAX) else { return turn };
        let mut under = self.under_way.borrow_mut();
        under.next += 1;
        let number = under.next;
        if let Some((_, before)) = under.pages.insert(page.to_owned(), (number, Arc::clone(&turn.0))) {
            before.stop();
        }
        if under.pages.len() > PAGES_MAX {
            // Whoever has asked for nothing for the longest time has most likely gone.
            let oldest = under.pages.iter().min_by_key(|(_, (number, _))| *number).map(|(page, _)| page.clone());
            oldest.and_then(|page| under.pages.remove(&page));
        }
        turn
    }
}

/// A run that stops when nobody waits for it any more.
#[derive(Debug)]
pub(super) struct Turn(pub(super) Arc<Control>);

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.stop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newer_question_stops_the_older_one_of_the_same_page() {
        let turns = Turns::default();
        let (a, b, nameless) = (turns.take(Some("a")), turns.take(Some("b")), turns.take(None));
        let newer = turns.take(Some("a"));
        assert!(a.0.is_stopped() && !b.0.is_stopped() && !newer.0.is_stopped() && !nameless.0.is_stopped());
        let control = Arc::clone(&newer.0);
        drop(newer);
        assert!(control.is_stopped(), "nobody waits for it");
    }

    #[test]
    fn pages_are_forgotten_not_collected() {
        let turns = Turns::default();
        for number in 0..10 * PAGES_MAX {
            turns.take(Some(&number.to_string()));
        }
        turns.take(Some(&"x".repeat(NAME_MAX + 1)));
        assert_eq!(turns.under_way.borrow().pages.len(), PAGES_MAX);
    }
}
